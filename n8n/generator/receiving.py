"""How an event is taken: verified over its raw body, worked on once by its id, answered when that is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from n8n.generator.nodes import (
    AGAIN,
    Json,
    answer,
    calling,
    fields,
    forgetting,
    gate,
    hmac,
    node,
    row,
    stable_id,
    to,
    values,
    where,
    workflow,
    writing,
    written,
)
from resources.n8n.declared import YOUR_STEPS, YOURS

TABLE = "backline_receipts"
COLUMNS = {
    "event_id": "string",
    "endpoint": "string",
    "execution": "string",
    "held_until": "number",
    "done": "boolean",
}
LONGEST_EXECUTION_SECONDS = 60
HELD_MS = 90_000
"""An execution that has not marked its event as done by then was killed; the next request does the work."""

FOR_GOOD = 9_000_000_000_000_000
TOLERANCE_SECONDS = 300
REMEMBERED_DAYS = 30

EVENT_ID = "$('Webhook').first().json.headers['webhook-id']"
BODY = "$('Webhook').first().json.body"
HOLDER = "$('First with id').first().json"
SAID = f"id: {EVENT_ID}, workflow: $workflow.id"
EVENT = {
    "id": ("string", "id"),
    "type": ("string", "type"),
    "provider": ("string", "provider"),
    "orgId": ("string", "orgId"),
    "payload": ("object", "payload"),
    "metadata": ("object", "metadata"),
}


@dataclass(frozen=True)
class Work:
    """What is done with an event: nodes, from the one named ``first`` on, that lead to the node "Event".

    It may begin again after it was half done. ``old`` are nodes that forget rows every night, ``learnt``
    what it adds to the plain event.
    """

    nodes: list[Json]
    connections: Json
    first: str
    old: list[Json] = field(default_factory=list)
    learnt: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """One path under ``/webhook/``, the type of event it takes, how it reads in a line, and its work."""

    path: str
    workflow: str
    event_type: str
    name: str
    summary: str
    work: Callable[[], Work]


def receiving(endpoint: Endpoint) -> Json:
    """Return one endpoint's workflow."""
    work = endpoint.work()
    nights = _nights(endpoint, work.old)
    nodes = [*_verification(endpoint), *_claim(endpoint), *work.nodes, *_end(endpoint, work), *nights]
    connections = {
        "Webhook": to("Raw body"),
        "Raw body": to("Signature", "401 refused"),
        "Signature": to("Genuine?"),
        "Genuine?": to("Record id", "401 refused"),
        **written("Record id", "First with id"),
        "First with id": to("Ours to do?"),
        "Ours to do?": to(work.first, "Done already?"),
        "Done already?": to("200 repeat", "Forget copy"),
        "Forget copy": to("409 at work"),
        **work.connections,
        "Event": to(YOUR_STEPS),
        YOUR_STEPS: to("Mark done"),
        "Mark done": to("202 done"),
        **_by_night(nights),
    }
    longest = {"executionTimeout": LONGEST_EXECUTION_SECONDS}
    return workflow(endpoint.workflow, endpoint.name, endpoint.path, nodes, connections, **longest)


def _verification(endpoint: Endpoint) -> list[Json]:
    """From the request to "Genuine?"; whatever cannot be read or signed is refused like a forgery."""
    webhook = {
        "httpMethod": "POST",
        "path": endpoint.path,
        "responseMode": "responseNode",
        "options": {"rawBody": True},
    }
    raw = {
        "operation": "text",
        "destinationKey": "raw",
        "options": {"encoding": "utf8", "stripBOM": False, "keepSource": "json"},
    }
    headers = "$json.headers"
    signed = f"{{{{ {headers}['webhook-id'] }}}}.{{{{ {headers}['webhook-timestamp'] }}}}.{{{{ $json.raw }}}}"
    return [
        node("Webhook", "webhook", 2.1, (0, 0), webhook, webhookId=stable_id(endpoint.path, "webhook")),
        node("Raw body", "extractFromFile", 1.1, (1, 0), raw, onError="continueErrorOutput"),
        hmac("Signature", (2, 0), f"={signed}", "expected"),
        gate(
            "Genuine?",
            (3, 0),
            f"({headers}['webhook-signature'] || '').split(' ').includes('v1,' + $json.expected)",
            f"/^[0-9]{{1,12}}$/.test({headers}['webhook-timestamp'] || '') && "
            f"Math.abs(Date.now() / 1000 - Number({headers}['webhook-timestamp'])) <= {TOLERANCE_SECONDS}",
            f"$json.body?.id === {headers}['webhook-id'] && $json.body?.type === '{endpoint.event_type}'",
        ),
        answer(
            "401 refused", (4, 1), 401, "{ok: false, error: 'the signature, the time or the type is wrong'}"
        ),
    ]


def _claim(endpoint: Endpoint) -> list[Json]:
    """Insert a row that holds the id for a while, then read the first row that does.

    Of any number of copies, one wrote that row. A copy whose row is not the first does not work, so it takes
    its row away, or it would hold the id after the first was killed. Nothing ends without an answer of ours,
    for n8n would then say 200.
    """
    filled = {
        "event_id": f"={{{{ {EVENT_ID} }}}}",
        "endpoint": endpoint.path,
        "execution": "={{ $execution.id }}",
        "held_until": f"={{{{ Date.now() + {HELD_MS} }}}}",
    }
    held = where(
        ("event_id", "eq", filled["event_id"]),
        ("endpoint", "eq", endpoint.path),
        ("held_until", "gt", "={{ Date.now() }}"),
    )
    first = {"limit": 1, "orderBy": True, "orderByColumn": "id", "orderByDirection": "ASC"}
    mine = {**where(("execution", "eq", "={{ $execution.id }}")), "options": {}}
    wait = f"Math.max(1, Math.ceil((({HOLDER}.held_until || 0) - Date.now()) / 1000))"
    other = f"{SAID}, repeat: true, execution: {HOLDER}.execution"
    return [
        *writing("Record id", (4, -2), TABLE, COLUMNS, values(COLUMNS, filled)),
        row("First with id", (6, 0), TABLE, "get", {**held, **first}, alwaysOutputData=True, **AGAIN),
        gate("Ours to do?", (7, 0), "$json.execution === $execution.id"),
        gate("Done already?", (8, 2), "$json.done === true"),
        answer("200 repeat", (9, 2), 200, f"{{ok: true, {other}}}"),
        row("Forget copy", (9, 3), TABLE, "deleteRows", mine, alwaysOutputData=True, **AGAIN),
        answer("409 at work", (10, 3), 409, f"{{ok: false, {other}}}", wait=wait),
    ]


def _end(endpoint: Endpoint, work: Work) -> list[Json]:
    """From the plain event, by your own steps, to the mark that it is done and the answer that says so.

    Your own steps are switched off until whoever runs n8n wants them; a push keeps their switch. Where they
    fail so does the execution, and n8n answers 500; however many items they give out, one event is done.
    """
    held = where(("id", "eq", f"={{{{ {HOLDER}.id }}}}"))
    done = values(COLUMNS, {"done": "={{ true }}", "held_until": f"={{{{ {FOR_GOOD} }}}}"})
    here = f"{SAID}, repeat: false, execution: $execution.id"
    waiting: Json = {"options": {}}
    once = {"executeOnce": True, "alwaysOutputData": True, **AGAIN}
    return [
        _event(endpoint, work),
        calling(YOUR_STEPS, (12, 0), YOURS, waiting, disabled=True, alwaysOutputData=True),
        row("Mark done", (13, 0), TABLE, "update", {**held, **done}, **once),
        answer("202 done", (14, 0), 202, f"{{ok: true, {here}}}"),
    ]


def _event(endpoint: Endpoint, work: Work) -> Json:
    plain = {name: (kind, f"{BODY}.{key}") for name, (kind, key) in EVENT.items()}
    summary = ("string", f"((p) => `{endpoint.summary}`)({BODY}.payload)")
    return fields("Event", (11, 0), {**plain, "summary": summary, **work.learnt}, executeOnce=True)


def _nights(endpoint: Endpoint, old: list[Json]) -> list[Json]:
    """Every night, ids are forgotten that no retry can bring again, and the work's own old rows."""
    at_three = {"rule": {"interval": [{"triggerAtHour": 3}]}}
    here = ("endpoint", "eq", endpoint.path)
    ids = forgetting("Forget old ids", (1, 2), TABLE, COLUMNS, REMEMBERED_DAYS, here)
    return [node("Every night", "scheduleTrigger", 1.2, (0, 2), at_three), *ids, *old]


def _by_night(nights: list[Json]) -> Json:
    """Lead the night to each table, and each table to the node that forgets."""
    trigger, *names = [one["name"] for one in nights]
    tables, forgets = names[::2], names[1::2]
    return {trigger: to(tuple(tables))} | {
        table: to(name) for table, name in zip(tables, forgets, strict=True)
    }
