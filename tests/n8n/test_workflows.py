"""The four workflow files, read without an n8n."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from n8n.generator import files
from n8n.generator.work import SEVERITIES
from resources.delivery.retries import RETRY_SECONDS
from resources.n8n.declared import CONSOLE, YOURS

N8N = Path(__file__).parents[2] / "n8n"
FILES = {path.stem: path for path in sorted((N8N / "workflows").glob("*.json"))}
WORKFLOWS = {path: json.loads(file.read_text(encoding="utf-8")) for path, file in FILES.items()}
TYPES = {
    "data-sync": "data.synced",
    "error-alerts": "error.occurred",
    "provider-event": "provider.connected",
    "scraper-results": "scraper.completed",
}
LINE = ("Event", "Your own steps", "Mark done", "202 done")

pytestmark = pytest.mark.webhooks
each_workflow = pytest.mark.parametrize("path", TYPES)


def node(path: str, name: str) -> dict[str, Any]:
    return next(node for node in WORKFLOWS[path]["nodes"] if node["name"] == name)


def after(path: str, name: str, output: int = 0) -> list[str]:
    outputs = WORKFLOWS[path]["connections"].get(name, {"main": []})["main"]
    return [to["node"] for to in outputs[output]] if output < len(outputs) else []


def reached(path: str, start: str, without: str = "") -> set[str]:
    """Return the nodes that ``start`` leads to, itself among them, where ``without`` lets nothing through."""
    found, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in found and name != without:
            found.add(name)
            waiting += [to for output in range(3) for to in after(path, name, output)]
    return found


def test_files_are_what_the_generator_makes() -> None:
    """A workflow is changed in n8n/generator, never in its file."""
    assert files() == {file.name: file.read_text(encoding="utf-8") for file in FILES.values()}


def test_there_is_one_workflow_per_endpoint() -> None:
    """Ids and paths are stable, so that an import replaces what an import made."""
    assert {path: workflow["id"] for path, workflow in WORKFLOWS.items()} == {
        "ask-backline": "backlineAskWork1",
        "data-sync": "backlineDataSync",
        "error-alerts": "backlineErrors01",
        "provider-event": "backlineProvider",
        "scraper-results": "backlineScrapers",
        "your-own-steps": YOURS,
    }
    assert all(node(path, "Webhook")["parameters"]["path"] == path for path in TYPES)


@each_workflow
def test_every_node_is_connected(path: str) -> None:
    """No node lies beside the way, and no way leads to a node that is not there."""
    names = {node["name"] for node in WORKFLOWS[path]["nodes"]}
    assert reached(path, "Webhook") | reached(path, "Every night") == names


@each_workflow
def test_event_is_reached_only_through_both_gates(path: str) -> None:
    """Without a good signature or a first id, nothing is recorded or done."""
    assert "Event" in reached(path, "Webhook")
    assert "Event" not in reached(path, "Webhook", without="Genuine?")
    assert "Record id" not in reached(path, "Webhook", without="Genuine?")
    assert "Event" not in reached(path, "Webhook", without="Ours to do?")
    assert after(path, "Genuine?", output=1) == ["401 refused"]
    assert after(path, "Raw body", output=1) == ["401 refused"]
    assert after(path, "Ours to do?", output=1) == ["Done already?"]
    assert after(path, "Done already?") == ["200 repeat"]
    assert after(path, "Done already?", output=1) == ["Forget copy"]


@each_workflow
def test_success_is_answered_only_after_all_work_in_one_line(path: str) -> None:
    """Work, event, your own steps, mark, answer: no order of branches, which positions would decide."""
    for earlier, later in itertools.pairwise(LINE):
        assert after(path, earlier) == [later]
    for one in LINE:
        assert "202 done" not in reached(path, "Webhook", without=one)
    work = after(path, "Ours to do?")[0]
    assert work not in LINE
    assert "202 done" not in reached(path, "Webhook", without=work)


@each_workflow
def test_nothing_ends_without_an_answer(path: str) -> None:
    """n8n answers 200 by itself where no node answers, so what may give out nothing is told not to."""
    mute = ("First with id", "Forget copy", "Your own steps", "Mark done")
    assert all(node(path, name)["alwaysOutputData"] for name in mute)
    answers = {"401 refused", "202 done", "200 repeat", "409 at work"}
    ends = {name for name in reached(path, "Webhook") if not reached(path, name) - {name}}
    assert ends == answers


@each_workflow
def test_id_is_held_longer_than_an_execution_may_last(path: str) -> None:
    """What still holds an id after that was killed, never slow; a third retry comes later than that."""
    held = node(path, "Record id")["parameters"]["columns"]["value"]["held_until"]
    seconds = int(re.findall(r"\d+", held)[0]) / 1000
    assert WORKFLOWS[path]["settings"]["executionTimeout"] + 20 < seconds < sum(RETRY_SECONDS[:3]) * 0.8


@each_workflow
def test_signature_is_made_over_the_raw_body(path: str) -> None:
    """The bytes that came are signed, not JSON that n8n wrote again."""
    assert node(path, "Webhook")["parameters"]["options"] == {"rawBody": True}
    assert node(path, "Signature")["parameters"]["value"].endswith(".{{ $json.raw }}")
    gate = json.dumps(node(path, "Genuine?"))
    assert "v1," in gate
    assert "<= 300" in gate
    assert f"=== '{TYPES[path]}'" in gate


@each_workflow
def test_answers_have_their_status(path: str) -> None:
    """401 for a forgery, 202 for work done, 200 for a repeat of it, 409 for a copy while it is at work."""
    answers = {
        node["name"]: node["parameters"]["options"]["responseCode"]
        for node in WORKFLOWS[path]["nodes"]
        if node["type"].endswith("respondToWebhook")
    }
    assert answers == {"401 refused": 401, "202 done": 202, "200 repeat": 200, "409 at work": 409}


@pytest.mark.parametrize("path", [*TYPES, "ask-backline"])
def test_workflow_holds_no_secret(path: str) -> None:
    """The one secret stands in n8n's credential, which is named by a fixed id; no code, no address."""
    text = FILES[path].read_text(encoding="utf-8").replace(CONSOLE, "")
    credentials = [node["credentials"] for node in WORKFLOWS[path]["nodes"] if "credentials" in node]
    assert credentials == [{"crypto": {"id": "backlineSigning1", "name": "Backline signing secret"}}]
    assert not re.search(r"whsec_|hmacSecret|password|token|https?://", text)
    assert not re.search(r"\b[0-9a-f]{32,}\b", text)
    assert "n8n-nodes-base.code" not in text


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


@pytest.mark.parametrize("path", WORKFLOWS)
def test_no_expression_is_cut_short(path: str) -> None:
    """n8n ends an expression at the first two braces that close, inside an object too."""
    for text in strings(WORKFLOWS[path]["nodes"]):
        inside = re.findall(r"\{\{ (.*?) \}\}(?=$|[^}])", text) if text.startswith("=") else []
        assert not [one for one in inside if "}}" in one], text


def test_node_ids_are_unique() -> None:
    """n8n tells nodes, and webhooks, by their ids."""
    ids = [node["id"] for workflow in WORKFLOWS.values() for node in workflow["nodes"]]
    assert len(ids) == len(set(ids))


def test_every_error_has_one_severity() -> None:
    """A new kind of error is given a severity before it is sent."""
    schema = json.loads((N8N / "schemas" / "error.occurred.json").read_text(encoding="utf-8"))
    given = [error for errors in SEVERITIES.values() for error in errors]
    assert sorted(given) == sorted(schema["$defs"]["error"]["enum"])


@each_workflow
def test_your_own_steps_come_after_ours_and_before_the_answer(path: str) -> None:
    """They are off at first and get the plain event; where they fail or give out nothing, none is lost."""
    call = node(path, "Your own steps")
    assert call["parameters"]["workflowId"]["value"] == YOURS
    assert call["parameters"]["options"] == {}, "waited for"
    assert (call["disabled"], call["alwaysOutputData"]) == (True, True)
    assert "onError" not in call
    assert node(path, "Mark done")["executeOnce"]
