"""How an event is taken: verified over its raw body, let through once by its id, answered, made plain."""

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
    inserted,
    inserting,
    node,
    row,
    stable_id,
    to,
    where,
    workflow,
)
from resources.n8n.declared import YOUR_STEPS, YOURS

TABLE = "backline_events"
COLUMNS = {"event_id": "string", "endpoint": "string", "execution": "string"}
TOLERANCE_SECONDS = 300
REMEMBERED_DAYS = 30

EVENT_ID = "$('Webhook').first().json.headers['webhook-id']"
BODY = "$('Webhook').first().json.body"
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
    """What is done with an event after it was taken: nodes, and how they hang together.

    The node "Event" leads to ``first``. ``old`` are nodes that forget rows every night.
    """

    nodes: list[Json]
    connections: Json
    first: tuple[str, ...]
    old: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Endpoint:
    """One path under ``/webhook/``, the type of event it takes, how it reads in a line, and its work."""

    path: str
    workflow: str
    event_type: str
    name: str
    summary: str
    work: Callable[[], Work]


def your_steps(at: tuple[int, int]) -> Json:
    """Return the call of the workflow that belongs to whoever runs n8n, switched off until they want it.

    It runs by itself: it neither holds up this one nor makes it fail. A push keeps its switch.
    """
    options = {"options": {"waitForSubWorkflow": False}}
    return calling(YOUR_STEPS, at, YOURS, options, onError="continueRegularOutput", disabled=True)


def receiving(endpoint: Endpoint) -> Json:
    """Return one endpoint's workflow."""
    work = endpoint.work()
    nights = _nights(endpoint, work.old)
    nodes = [*_verification(endpoint), *_claim(endpoint), _event(endpoint), *work.nodes, *nights]
    connections = {
        "Webhook": to("Raw body"),
        "Raw body": to("Signature", "401 refused"),
        "Signature": to("Genuine?"),
        "Genuine?": to("Record id", "401 refused"),
        **inserted("Record id", "First with id"),
        "First with id": to("First time?"),
        "First time?": to("202 accepted", "200 repeat"),
        "202 accepted": to("Event"),
        "Event": to(work.first),
        **work.connections,
        **_by_night(nights),
    }
    return workflow(endpoint.workflow, endpoint.name, endpoint.path, nodes, connections)


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
    """Insert the id, then read the first row that has it: of any number of copies, one wrote that row."""
    filled = {
        "event_id": f"={{{{ {EVENT_ID} }}}}",
        "endpoint": endpoint.path,
        "execution": "={{ $execution.id }}",
    }
    same = where(("event_id", "eq", filled["event_id"]), ("endpoint", "eq", endpoint.path))
    first = {"limit": 1, "orderBy": True, "orderByColumn": "id", "orderByDirection": "ASC"}
    said = f"ok: true, id: {EVENT_ID}, workflow: $workflow.id"
    return [
        *inserting("Record id", (4, -2), TABLE, COLUMNS, filled),
        row("First with id", (6, 0), TABLE, "get", {**same, **first}, **AGAIN),
        gate("First time?", (7, 0), "$json.execution === $execution.id"),
        answer("200 repeat", (8, 1), 200, f"{{{said}, repeat: true, execution: $json.execution}}"),
        answer("202 accepted", (8, 0), 202, f"{{{said}, repeat: false, execution: $execution.id}}"),
    ]


def _event(endpoint: Endpoint) -> Json:
    plain = {name: (kind, f"{BODY}.{key}") for name, (kind, key) in EVENT.items()}
    summary = ("string", f"((p) => `{endpoint.summary}`)({BODY}.payload)")
    return fields("Event", (9, 0), {**plain, "summary": summary})


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
