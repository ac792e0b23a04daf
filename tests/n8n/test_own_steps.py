"""Your own steps in a real n8n: they get the plain event, and an event is done when they are."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from n8n.generator.nodes import Json, gate, node, to
from pipelines.n8n_server import N8nServer
from resources.n8n import push
from resources.settings import Settings
from tests.n8n.editing import node as node_of
from tests.n8n.editing import save, workflow
from tests.n8n.sending import deliver, example

pytestmark = [pytest.mark.integration, pytest.mark.webhooks, pytest.mark.timeout(600)]

Eventually = Callable[[Callable[[], Any]], Any]
Rows = Callable[[str], list[dict[str, Any]]]


FIRST = "Add your steps after this"


@pytest.fixture
def notes(owner: httpx.Client, rows: Rows) -> Callable[[], list[dict[str, Any]]]:
    """A data table of the user's own, as a function that reads it."""
    me = owner.get("/rest/projects/personal").json()["data"]["id"]
    wanted = {"name": "my_notes", "columns": [{"name": "told", "type": "string"}]}
    assert owner.post(f"/rest/projects/{me}/data-tables", json=wanted).is_success
    return lambda: rows("my_notes")


@pytest.fixture
def build(settings: Settings, api: httpx.Client) -> Iterator[Callable[[Json], None]]:
    """Return how one step is added to the workflow that is yours, which is called for `data.synced`."""
    yours, syncs = (workflow(api, f"Backline: {name}") for name in ("your own steps", "data synced"))
    before = {key: yours[key] for key in ("nodes", "connections", "settings")}
    kept = {**before["settings"], "saveDataSuccessExecution": "all"}

    def switch(*, off: bool) -> None:
        node_of(syncs, "Your own steps")["disabled"] = off
        save(api, syncs)

    def build(step: Json) -> None:
        links = {**before["connections"], FIRST: to(step["name"])}
        nodes = [*before["nodes"], {"id": str(uuid.uuid4()), **step}]
        save(api, {**yours, "nodes": nodes, "connections": links, "settings": kept})
        switch(off=False)
        assert not asyncio.run(push(settings)).changed, "a push keeps the switch and your steps"

    yield build
    switch(off=True)
    save(api, {**yours, **before})


def test_your_own_steps_get_the_plain_event(
    build: Callable[[Json], None],
    n8n: N8nServer,
    notes: Callable[[], list[dict[str, Any]]],
    eventually: Eventually,
) -> None:
    """What comes in is the event with its line for people, whatever our own work gave out before."""
    build(note_down("my_notes"))

    def told() -> list[dict[str, Any]]:
        """Send anew: n8n may run what was published before for a moment."""
        assert deliver(n8n, "data-sync", example("data-sync")).status_code == 202
        return notes()

    first, *_ = eventually(told)
    assert first["told"].endswith(" 12 accounts synced, 1 failed, 0 skipped, 880 records")
    assert first["told"].startswith("evt_")


def test_event_is_not_done_where_your_own_steps_fail(
    build: Callable[[Json], None], n8n: N8nServer, rows: Rows, eventually: Eventually
) -> None:
    """The answer is a 500, a retry meanwhile is told to wait, and our own row stands once all the same."""
    build(node("Fail", "stopAndError", 1, (2, 0), {"errorMessage": "the sheet is full"}))

    def failed() -> dict[str, Any] | None:
        body = example("data-sync")
        return body if deliver(n8n, "data-sync", body).status_code == 500 else None

    body = eventually(failed)
    again = deliver(n8n, "data-sync", body)
    assert (again.status_code, again.json()["ok"]) == (409, False)
    assert 60 <= int(again.headers["retry-after"]) <= 90
    receipts = [row for row in rows("backline_receipts") if row["event_id"] == body["id"]]
    assert [(row["execution"], row["done"]) for row in receipts] == [(again.json()["execution"], None)]
    assert len([row for row in rows("backline_synced") if row["event_id"] == body["id"]]) == 1


def test_steps_that_give_out_nothing_are_done(
    build: Callable[[Json], None], n8n: N8nServer, rows: Rows, eventually: Eventually
) -> None:
    """A filter of yours may let nothing through."""
    nothing = gate("Nothing", (2, 0), "false")
    build({**nothing, "type": "n8n-nodes-base.filter"})

    def filtered() -> dict[str, Any] | None:
        body = example("data-sync")
        assert deliver(n8n, "data-sync", body).status_code == 202
        found = [run for run in n8n.executions() if "Nothing" in run.nodes]
        return body if found else None

    body = eventually(filtered)
    assert deliver(n8n, "data-sync", body).status_code == 200
    receipts = [row for row in rows("backline_receipts") if row["event_id"] == body["id"]]
    assert receipts[0]["done"] == 1


def note_down(table: str) -> Json:
    parameters = {
        "dataTableId": {"__rl": True, "mode": "name", "value": table},
        "columns": {
            "mappingMode": "defineBelow",
            "value": {"told": "={{ $json.id }} {{ $json.summary }}"},
        },
        "options": {},
    }
    return node("Note", "dataTable", 1.1, (2, 0), parameters)
