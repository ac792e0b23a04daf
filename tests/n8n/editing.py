"""How tests change workflows inside a real n8n, as a person at its editor does."""

from typing import Any

import httpx

WRITTEN = ("name", "nodes", "connections", "settings")


def workflow(api: httpx.Client, name: str) -> dict[str, Any]:
    """Return n8n's workflow of that name."""
    return next(one for one in api.get("/workflows").json()["data"] if one["name"] == name)


def save(api: httpx.Client, one: dict[str, Any]) -> None:
    """Save a workflow, which publishes it where it was published."""
    answer = api.put(f"/workflows/{one['id']}", json={key: one[key] for key in WRITTEN})
    assert answer.status_code == 200, answer.text


def node(one: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a workflow's node of that name."""
    return next(node for node in one["nodes"] if node["name"] == name)
