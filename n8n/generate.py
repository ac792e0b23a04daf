#!/usr/bin/env python3
"""Writes the four workflows that receive our events in n8n: ``python n8n/generate.py``.

Each verifies the Standard Webhooks signature over the raw body with n8n's own nodes, refuses what is
forged or old, lets each event id through once, and hands the event on to its last node, "Event": what
an organisation wants done with an event is added after that one.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "workflows"
CREDENTIAL = {"id": "backlineSigning1", "name": "Backline signing secret"}
TABLE = "backline_events"
COLUMNS = ("event_id", "endpoint", "execution")
TOLERANCE_SECONDS = 300
REMEMBERED_DAYS = 30
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://backline.invalid/n8n")

EVENT_ID = "$('Webhook').first().json.headers['webhook-id']"
BODY = "$('Webhook').first().json.body"

Json = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """One path under ``/webhook/``, the type of event it takes, and how its payload reads in a line."""

    path: str
    workflow: str
    event_type: str
    name: str
    summary: str


ENDPOINTS = (
    Endpoint(
        "provider-event",
        "backlineProvider",
        "provider.connected",
        "Backline: account connected",
        "${p.displayName} ${p.reconnected ? 'reconnected' : 'connected'}, ${p.scopes.length} scopes",
    ),
    Endpoint(
        "data-sync",
        "backlineDataSync",
        "data.synced",
        "Backline: data synced",
        "${p.accounts.synced} accounts synced, ${p.accounts.failed} failed, ${p.accounts.skipped} skipped, "
        "${Object.values(p.streams).reduce((sum, stream) => sum + stream.records, 0)} records",
    ),
    Endpoint(
        "scraper-results",
        "backlineScrapers",
        "scraper.completed",
        "Backline: scrape completed",
        "${p.pages.read} pages read, ${p.pages.failed} failed",
    ),
    Endpoint(
        "error-alerts",
        "backlineErrors01",
        "error.occurred",
        "Backline: error occurred",
        "${p.error}: ${p.message} ${p.cure}",
    ),
)


def _id(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))


def _node(name: str, kind: str, version: float, at: tuple[int, int], parameters: Json, **more: Any) -> Json:
    return {
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [at[0] * 220, at[1] * 180],
        "parameters": parameters,
        **more,
    }


def _if(name: str, at: tuple[int, int], *expressions: str) -> Json:
    conditions = [
        {
            "id": _id(name, str(number)),
            "leftValue": f"={{{{ {expression} }}}}",
            "rightValue": "",
            "operator": {"type": "boolean", "operation": "true", "singleValue": True},
        }
        for number, expression in enumerate(expressions)
    ]
    options = {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2}
    return _node(
        name,
        "if",
        2.2,
        at,
        {"conditions": {"options": options, "conditions": conditions, "combinator": "and"}, "options": {}},
    )


def _answer(name: str, at: tuple[int, int], status: int, body: str) -> Json:
    parameters = {
        "respondWith": "json",
        "responseBody": f"={{{{ JSON.stringify({body}) }}}}",
        "options": {"responseCode": status},
    }
    return _node(name, "respondToWebhook", 1.5, at, parameters)


def _verification(endpoint: Endpoint) -> list[Json]:
    """From the request to "Genuine?"; whatever cannot be read or signed is refused like a forgery."""
    webhook = {
        "httpMethod": "POST",
        "path": endpoint.path,
        "responseMode": "responseNode",
        "authentication": "none",
        "options": {"rawBody": True},
    }
    raw = {
        "operation": "text",
        "binaryPropertyName": "data",
        "destinationKey": "raw",
        "options": {"encoding": "utf8", "stripBOM": False, "keepSource": "json"},
    }
    headers = "$json.headers"
    signed = f"{{{{ {headers}['webhook-id'] }}}}.{{{{ {headers}['webhook-timestamp'] }}}}.{{{{ $json.raw }}}}"
    signature = {
        "action": "hmac",
        "binaryData": False,
        "type": "SHA256",
        "encoding": "base64",
        "dataPropertyName": "expected",
        "value": f"={signed}",
    }
    return [
        _node("Webhook", "webhook", 2.1, (0, 0), webhook, webhookId=_id(endpoint.path, "webhook")),
        _node("Raw body", "extractFromFile", 1.1, (1, 0), raw, onError="continueErrorOutput"),
        _node("Signature", "crypto", 2, (2, 0), signature, credentials={"crypto": CREDENTIAL}),
        _if(
            "Genuine?",
            (3, 0),
            f"({headers}['webhook-signature'] || '').split(' ').includes('v1,' + $json.expected)",
            f"/^[0-9]{{1,12}}$/.test({headers}['webhook-timestamp'] || '') && "
            f"Math.abs(Date.now() / 1000 - Number({headers}['webhook-timestamp'])) <= {TOLERANCE_SECONDS}",
            f"$json.body?.id === {headers}['webhook-id'] && $json.body?.type === '{endpoint.event_type}'",
        ),
        _answer(
            "401 refused", (4, 1), 401, "{ok: false, error: 'the signature, the time or the type is wrong'}"
        ),
    ]


def _row(name: str, at: tuple[int, int], operation: str, parameters: Json, **more: Any) -> Json:
    table = {"__rl": True, "mode": "name", "value": TABLE}
    return _node(
        name,
        "dataTable",
        1.1,
        at,
        {"resource": "row", "operation": operation, "dataTableId": table, **parameters},
        **more,
    )


def _where(*conditions: tuple[str, str, str]) -> Json:
    rows = [{"keyName": key, "condition": word, "keyValue": value} for key, word, value in conditions]
    return {"matchType": "allConditions", "filters": {"conditions": rows}}


def _claim(endpoint: Endpoint) -> list[Json]:
    """Insert the id, then read the first row that has it: of any number of copies, one wrote that row.

    "Table of ids" may lose a race to make the table, which is as good as having won it.
    """
    table = {
        "resource": "table",
        "operation": "create",
        "tableName": TABLE,
        "columns": {"column": [{"name": name, "type": "string"} for name in COLUMNS]},
        "options": {"createIfNotExists": True},
    }
    shown: Json = {"required": False, "defaultMatch": False, "display": True, "canBeUsedToMatch": True}
    values = (f"={{{{ {EVENT_ID} }}}}", endpoint.path, "={{ $execution.id }}")
    insert = {
        "mappingMode": "defineBelow",
        "value": dict(zip(COLUMNS, values, strict=True)),
        "matchingColumns": [],
        "schema": [{"id": name, "displayName": name, "type": "string", **shown} for name in COLUMNS],
    }
    same = _where(("event_id", "eq", f"={{{{ {EVENT_ID} }}}}"), ("endpoint", "eq", endpoint.path))
    first = {
        "returnAll": False,
        "limit": 1,
        "orderBy": True,
        "orderByColumn": "id",
        "orderByDirection": "ASC",
    }
    again: Json = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 500}
    return [
        _node("Table of ids", "dataTable", 1.1, (4, 0), table, onError="continueRegularOutput"),
        _row("Record id", (5, 0), "insert", {"columns": insert, "options": {}}, **again),
        _row("First with id", (6, 0), "get", {**same, **first}, **again),
        _if("First time?", (7, 0), "$json.execution === $execution.id"),
        _answer(
            "200 repeat",
            (8, 1),
            200,
            f"{{ok: true, id: {EVENT_ID}, repeat: true, execution: $json.execution}}",
        ),
        _answer(
            "202 accepted",
            (8, 0),
            202,
            f"{{ok: true, id: {EVENT_ID}, repeat: false, execution: $execution.id}}",
        ),
    ]


def _event(endpoint: Endpoint) -> Json:
    fields = (
        ("id", "string", f"={{{{ {BODY}.id }}}}"),
        ("type", "string", f"={{{{ {BODY}.type }}}}"),
        ("provider", "string", f"={{{{ {BODY}.provider }}}}"),
        ("orgId", "string", f"={{{{ {BODY}.orgId }}}}"),
        ("summary", "string", f"={{{{ ((p) => `{endpoint.summary}`)({BODY}.payload) }}}}"),
        ("payload", "object", f"={{{{ {BODY}.payload }}}}"),
        ("metadata", "object", f"={{{{ {BODY}.metadata }}}}"),
    )
    assignments = [
        {"id": _id("event", name), "name": name, "value": value, "type": kind} for name, kind, value in fields
    ]
    parameters = {"mode": "manual", "assignments": {"assignments": assignments}, "options": {}}
    return _node("Event", "set", 3.4, (9, 0), parameters)


def _forgetting(endpoint: Endpoint) -> list[Json]:
    """Every night, ids are forgotten that no retry can bring again: n8n bounds the size of its tables."""
    nightly = {"rule": {"interval": [{"field": "days", "daysInterval": 1, "triggerAtHour": 3}]}}
    old = f"={{{{ $now.minus({{days: {REMEMBERED_DAYS}}}).toUTC().toISO() }}}}"
    where = _where(("createdAt", "lt", old), ("endpoint", "eq", endpoint.path))
    return [
        _node("Every night", "scheduleTrigger", 1.2, (0, 2), nightly),
        _row("Forget old ids", (1, 2), "deleteRows", {**where, "options": {}}),
    ]


def _to(*outputs: str) -> Json:
    return {"main": [[{"node": name, "type": "main", "index": 0}] for name in outputs]}


def workflow(endpoint: Endpoint) -> Json:
    """Return one endpoint's workflow as n8n imports it."""
    nodes = [*_verification(endpoint), *_claim(endpoint), _event(endpoint), *_forgetting(endpoint)]
    connections = {
        "Webhook": _to("Raw body"),
        "Raw body": _to("Signature", "401 refused"),
        "Signature": _to("Genuine?"),
        "Genuine?": _to("Table of ids", "401 refused"),
        "Table of ids": _to("Record id"),
        "Record id": _to("First with id"),
        "First with id": _to("First time?"),
        "First time?": _to("202 accepted", "200 repeat"),
        "202 accepted": _to("Event"),
        "Every night": _to("Forget old ids"),
    }
    saved = {"saveDataSuccessExecution": "all", "saveDataErrorExecution": "all"}
    return {
        "id": endpoint.workflow,
        "name": endpoint.name,
        "active": False,
        "nodes": [{"id": _id(endpoint.path, node["name"]), **node} for node in nodes],
        "connections": connections,
        "settings": {"executionOrder": "v1", "timezone": "UTC", **saved},
        "pinData": {},
        "tags": [],
    }


def files() -> dict[str, str]:
    """Return the text of each workflow file by its name."""
    return {
        f"{endpoint.path}.json": json.dumps(workflow(endpoint), indent=2, ensure_ascii=False) + "\n"
        for endpoint in ENDPOINTS
    }


if __name__ == "__main__":
    for file_name, text in files().items():
        (FOLDER / file_name).write_text(text, encoding="utf-8")
