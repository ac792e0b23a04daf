"""What counts as a difference between git and n8n, and what does not."""

import copy
from typing import Any

import pytest

from resources.n8n.api import RemoteWorkflow, Version
from resources.n8n.declared import Declared, declared
from resources.n8n.drift import differences

EACH = pytest.mark.parametrize("one", declared(), ids=lambda one: one.file)
SYNC = next(one for one in declared() if one.file == "data-sync.json")


def there(one: Declared, **changed: Any) -> RemoteWorkflow:
    body = copy.deepcopy(one.written("https://console.test", {}))
    return RemoteWorkflow(id="w1", active=True, **{**body, **changed})


def told(one: Declared, remote: RemoteWorkflow) -> tuple[str, ...]:
    return differences(one.written("https://console.test", {}), remote)


def nodes_of(one: Declared) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = copy.deepcopy(one.written("https://console.test", {})["nodes"])
    return nodes


@EACH
def test_copy_is_in_step(one: Declared) -> None:
    assert told(one, there(one)) == ()


@EACH
def test_what_n8n_and_its_editor_add_is_no_difference(one: Declared) -> None:
    """Ids, positions, notes, empty options, cached names, columns' schemas, its own settings."""
    nodes = nodes_of(one)
    for node in nodes:
        node |= {
            "id": "another",
            "position": [7, 7],
            "notes": "mine",
            "notesInFlow": True,
            "disabled": node.get("disabled", False),
        }
        node["parameters"] |= {"optionsOfNow": {}, "list": []}
        for value in node["parameters"].values():
            if isinstance(value, dict) and value.get("__rl"):
                value |= {"cachedResultName": "x", "cachedResultUrl": "/y"}
            if isinstance(value, dict) and "mappingMode" in value:
                value["schema"] = []
    settings = {
        **one.body["settings"],
        "callerPolicy": one.body["settings"].get("callerPolicy", "any"),
        "errorWorkflow": "mine",
    }
    connections = {**one.body["connections"], "Nowhere": {"main": [[]]}}
    assert told(one, there(one, nodes=nodes, settings=settings, connections=connections)) == ()


def test_each_change_is_named_by_its_node() -> None:
    nodes = {node["name"]: node for node in nodes_of(SYNC)}
    nodes["Genuine?"]["parameters"]["conditions"]["conditions"][1]["leftValue"] = "={{ true }}"
    nodes["Webhook"]["parameters"]["options"] = {}
    nodes["Append counts"]["disabled"] = True
    nodes["Signature"]["credentials"]["crypto"]["id"] = "theirs"
    del nodes["200 repeat"]
    changed = [*nodes.values(), {"name": "Mine", "type": "n8n-nodes-base.noOp", "parameters": {}}]
    assert set(told(SYNC, there(SYNC, nodes=changed))) == {
        "node Genuine?: parameters.conditions.conditions.1.leftValue",
        "node Webhook: parameters.options",
        "node Append counts: disabled",
        "node Signature: credentials.crypto.id",
        "node 200 repeat: missing",
        "node Mine: not in git",
    }


def test_flag_that_git_switches_off_counts() -> None:
    """False is n8n's default for a node's own flags, but not for a parameter."""
    ask = next(one for one in declared() if one.file == "ask-backline.json")
    nodes = nodes_of(ask)
    request = next(node for node in nodes if node["name"] == "Ask Backline")
    request["parameters"]["options"]["redirect"]["redirect"] = {}
    assert told(ask, there(ask, nodes=nodes)) == ("node Ask Backline: parameters.options.redirect",)


def test_changed_connection_setting_and_name_are_told() -> None:
    connections = copy.deepcopy(SYNC.body["connections"])
    connections["Genuine?"]["main"][1] = connections["Genuine?"]["main"][0]
    settings = {**SYNC.body["settings"], "timezone": "Europe/Zurich"}
    remote = there(SYNC, name="Mine now", connections=connections, settings=settings)
    assert told(SYNC, remote) == ("name: Mine now", "connections of Genuine?", "settings: timezone")


def test_published_version_that_lags_behind_is_told() -> None:
    """n8n runs what is published, not what stands in the editor."""
    nodes = nodes_of(SYNC)[1:]
    remote = there(SYNC, active_version=Version(nodes, SYNC.body["connections"]))
    assert told(SYNC, remote) == ("published version: node Webhook: missing",)


def test_called_workflow_comes_before_its_callers() -> None:
    """n8n publishes no workflow that calls one that is not there."""
    order = [one.id for one in declared()]
    for one in declared():
        assert all(order.index(called) < order.index(one.id) for called in one.calls)
