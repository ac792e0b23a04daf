"""The workflows as git has them, and how they read in one n8n."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from resources.n8n import credential
from resources.n8n.api import Json, RemoteWorkflow
from resources.settings import REPOSITORY

FOLDER = REPOSITORY / "n8n" / "workflows"
CONSOLE = "https://backline.invalid"
"""Stands in the files for the console's address, which git cannot know."""

YOURS = "backlineYourStep"
"""The id of the workflow that belongs to whoever runs n8n: made once, then left alone."""

YOUR_STEPS = "Your own steps"
"""The node that calls it: whether it is switched on is for whoever runs n8n to say."""

CALL = "n8n-nodes-base.executeWorkflow"
WEBHOOK = "n8n-nodes-base.webhook"


@dataclass(frozen=True)
class Declared:
    """One workflow file."""

    file: str
    body: Json

    @property
    def id(self) -> str:
        """Its id in git, and in an n8n that imported the file."""
        return str(self.body["id"])

    @property
    def name(self) -> str:
        """Its name, by which it is found in an n8n that chose another id."""
        return str(self.body["name"])

    @property
    def is_yours(self) -> bool:
        """Whether it belongs to whoever runs n8n."""
        return self.id == YOURS

    @property
    def webhook(self) -> str | None:
        """The path of its webhook under ``/webhook/``, or None where it has none."""
        nodes = (node for node in self.body["nodes"] if node["type"] == WEBHOOK)
        return next((str(node["parameters"]["path"]) for node in nodes), None)

    @property
    def calls(self) -> set[str]:
        """The ids of the workflows that it calls."""
        called = (node for node in self.body["nodes"] if node["type"] == CALL)
        return {str(node["parameters"]["workflowId"]["value"]) for node in called}

    def written(self, console_url: str, ids: Mapping[str, str], there: RemoteWorkflow | None = None) -> Json:
        """Return what n8n's API takes, with the console's address and that n8n's own ids filled in.

        ``ids`` are n8n's ids of workflows and credentials by those in git. The switch of your own steps
        is as it is ``there``.
        """
        names = ("name", "nodes", "connections", "settings")
        filled: Json = _filled({name: self.body[name] for name in names}, console_url)
        for node in filled["nodes"]:
            _point(node, ids)
            if there and node["name"] == YOUR_STEPS:
                node["disabled"] = _is_off(there, node)
        return filled


def declared(folder: Path = FOLDER) -> tuple[Declared, ...]:
    """Read the workflow files; a workflow that is called comes before those that call it."""
    files = sorted(folder.glob("*.json"))
    return tuple(_in_order([Declared(path.name, msgspec.json.decode(path.read_bytes())) for path in files]))


def found(one: Declared, remote: Sequence[RemoteWorkflow]) -> RemoteWorkflow | None:
    """Return n8n's copy of a workflow: the one with its id, else the one with its name."""
    by_id = (other for other in remote if other.id == one.id)
    by_name = (other for other in remote if other.name == one.name)
    return next(by_id, None) or next(by_name, None)


def ids_in(
    workflows: Sequence[Declared], remote: Sequence[RemoteWorkflow], credential_id: str | None
) -> dict[str, str]:
    """Return n8n's ids by those in git, as far as n8n has them."""
    ids = {one.id: there.id for one in workflows if (there := found(one, remote))}
    return ids | ({credential.ID: credential_id} if credential_id else {})


def _in_order(workflows: list[Declared]) -> Iterator[Declared]:
    known, waiting = {one.id for one in workflows}, list(workflows)
    done: set[str] = set()
    while waiting:
        ready = [one for one in waiting if one.calls & known <= done | {one.id}] or waiting[:1]
        yield from ready
        done |= {one.id for one in ready}
        waiting = [one for one in waiting if one.id not in done]


def _filled(value: Any, console_url: str) -> Any:
    if isinstance(value, str):
        return value.replace(CONSOLE, console_url)
    if isinstance(value, list):
        return [_filled(item, console_url) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, console_url) for key, item in value.items()}
    return value


def _is_off(there: RemoteWorkflow, node: Json) -> bool:
    same = (other for other in there.nodes if other.get("name") == node["name"])
    return bool(next(same, node).get("disabled", False))


def _point(node: Json, ids: Mapping[str, str]) -> None:
    if node["type"] == CALL:
        called = node["parameters"]["workflowId"]
        called["value"] = ids.get(called["value"], called["value"])
    for one in node.get("credentials", {}).values():
        one["id"] = ids.get(one["id"], one["id"])
