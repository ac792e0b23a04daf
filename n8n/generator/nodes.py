"""The nodes of n8n that our workflows are made of; all are n8n's own, and none runs code."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from resources.n8n import credential

Json = dict[str, Any]
At = tuple[int, int]
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://backline.invalid/n8n")
CREDENTIAL = {"id": credential.ID, "name": credential.NAME}
AGAIN: Json = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 500}
"""A data table may be busy for a moment."""


def stable_id(*parts: str) -> str:
    """Return an id that is the same at every writing."""
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))


def node(name: str, kind: str, version: float, at: At, parameters: Json, **more: Any) -> Json:
    """Return any node; ``at`` is its column and row on the canvas."""
    return {
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [at[0] * 220, at[1] * 180],
        "parameters": parameters,
        **more,
    }


def fields(name: str, at: At, values: Mapping[str, tuple[str, str]], **more: Any) -> Json:
    """Return a node that gives out these fields: their type and expression by name."""
    assignments = [
        {"id": stable_id(name.lower(), key), "name": key, "value": f"={{{{ {value} }}}}", "type": kind}
        for key, (kind, value) in values.items()
    ]
    return node(name, "set", 3.4, at, {"assignments": {"assignments": assignments}, "options": {}}, **more)


def gate(name: str, at: At, *expressions: str) -> Json:
    """Return a node that lets through, by its first output, what fulfils all of these."""
    conditions = [
        {
            "id": stable_id(name, str(number)),
            "leftValue": f"={{{{ {expression} }}}}",
            "rightValue": "",
            "operator": {"type": "boolean", "operation": "true", "singleValue": True},
        }
        for number, expression in enumerate(expressions)
    ]
    options = {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2}
    parameters = {"conditions": {"options": options, "conditions": conditions, "combinator": "and"}}
    return node(name, "if", 2.2, at, {**parameters, "options": {}})


def answer(name: str, at: At, status: int, body: str, *, wait: str = "") -> Json:
    """Return a node that answers the webhook's caller; ``wait`` are the seconds of ``Retry-After``."""
    options: Json = {"responseCode": status}
    if wait:
        entry = {"name": "Retry-After", "value": f"={{{{ {wait} }}}}"}
        options["responseHeaders"] = {"entries": [entry]}
    parameters = {
        "respondWith": "json",
        "responseBody": f"={{{{ JSON.stringify({body}) }}}}",
        "options": options,
    }
    return node(name, "respondToWebhook", 1.5, at, parameters)


def hmac(name: str, at: At, signed: str, into: str) -> Json:
    """Return a node that writes the base64 HMAC-SHA256 of a text, by n8n's credential."""
    parameters = {"action": "hmac", "value": signed, "dataPropertyName": into, "encoding": "base64"}
    return node(name, "crypto", 2, at, parameters, credentials={"crypto": CREDENTIAL})


def made_table(name: str, at: At, table: str, columns: Mapping[str, str]) -> Json:
    """Return a node that makes a data table where it is not there yet.

    It may lose a race to make it, which is as good as having won it.
    """
    wanted = [
        {"name": column} if kind == "string" else {"name": column, "type": kind}
        for column, kind in columns.items()
    ]
    parameters = {
        "resource": "table",
        "operation": "create",
        "tableName": table,
        "columns": {"column": wanted},
        "options": {"createIfNotExists": True},
    }
    return node(name, "dataTable", 1.1, at, parameters, onError="continueRegularOutput")


def row(name: str, at: At, table: str, operation: str | None, parameters: Json, **more: Any) -> Json:
    """Return a node that works on rows of a data table; no operation is n8n's default, to insert."""
    where = {"__rl": True, "mode": "name", "value": table}
    done = {"operation": operation} if operation else {}
    return node(name, "dataTable", 1.1, at, {**done, "dataTableId": where, **parameters}, **more)


def writing(name: str, at: At, table: str, columns: Mapping[str, str], parameters: Json) -> list[Json]:
    """Return the nodes that write a row, by ``values`` or ``once``, and make its table only where that fails.

    To look for the table before every row would take as long as to write it. Link them by ``written``.
    """
    below = (at[0], at[1] + 1)
    return [
        row(name, at, table, None, parameters, onError="continueErrorOutput"),
        made_table(f"{name}: its table", below, table, columns),
        row(f"{name} again", (at[0] + 1, at[1] + 1), table, None, parameters, **AGAIN),
    ]


def written(name: str, then: str) -> Json:
    """Return how the nodes of ``writing`` hang together, and lead to ``then``."""
    return {
        name: to(then, f"{name}: its table"),
        f"{name}: its table": to(f"{name} again"),
        f"{name} again": to(then),
    }


def where(*conditions: tuple[str, str, str]) -> Json:
    """Return a filter that all of these must fulfil: column, `eq` or another word, value.

    ``id`` and ``eq`` are n8n's defaults, which its editor leaves out.
    """
    rows = [
        {
            **({} if key == "id" else {"keyName": key}),
            **({} if word == "eq" else {"condition": word}),
            "keyValue": value,
        }
        for key, word, value in conditions
    ]
    return {"matchType": "allConditions", "filters": {"conditions": rows}}


def values(columns: Mapping[str, str], expressions: Mapping[str, str]) -> Json:
    """Return what a row is to hold: a value or expression for each column that has one."""
    shown: Json = {"required": False, "defaultMatch": False, "display": True, "canBeUsedToMatch": True}
    schema = [{"id": name, "displayName": name, "type": kind, **shown} for name, kind in columns.items()]
    filled = {name: expressions[name] for name in columns if name in expressions}
    mapping = {"mappingMode": "defineBelow", "value": filled, "matchingColumns": [], "schema": schema}
    return {"columns": mapping, "options": {}}


def once(column: str, columns: Mapping[str, str], expressions: Mapping[str, str]) -> Json:
    """Return how a row is written over one that has the same in ``column``, or added where none has."""
    same = where((column, "eq", expressions[column]))
    return {"operation": "upsert", **same, **values(columns, expressions)}


def forgetting(
    name: str, at: At, table: str, columns: Mapping[str, str], days: int, *also: tuple[str, str, str]
) -> list[Json]:
    """Return the nodes that delete old rows, from a table that is made where no event made it yet.

    n8n bounds the size of its data tables.
    """
    old = f"={{{{ $now.minus({{days: {days}}}).toUTC().toISO() }}}}"
    parameters = {**where(("createdAt", "lt", old), *also), "options": {}}
    return [
        made_table(f"{name}: its table", at, table, columns),
        row(name, (at[0] + 1, at[1]), table, "deleteRows", parameters),
    ]


def calling(name: str, at: At, workflow_id: str, parameters: Json, **more: Any) -> Json:
    """Return a node that calls another workflow."""
    called = {"__rl": True, "mode": "list", "value": workflow_id}
    return node(name, "executeWorkflow", 1.3, at, {"workflowId": called, **parameters}, **more)


def to(*outputs: str | tuple[str, ...]) -> Json:
    """Return where a node's outputs lead, each to one node or to several in that order."""
    ends = [(output,) if isinstance(output, str) else output for output in outputs]
    return {"main": [[{"node": name, "type": "main", "index": 0} for name in names] for names in ends]}


def workflow(
    workflow_id: str, name: str, key: str, nodes: list[Json], connections: Json, **more: Any
) -> Json:
    """Return a workflow as n8n imports it; ``key`` makes its nodes' ids its own."""
    saved = {
        "saveDataSuccessExecution": "all",
        "saveDataErrorExecution": "all",
        "saveExecutionProgress": False,
    }
    return {
        "id": workflow_id,
        "name": name,
        "active": False,
        "nodes": [{"id": stable_id(key, one["name"]), **one} for one in nodes],
        "connections": connections,
        "settings": {"executionOrder": "v1", "timezone": "UTC", **saved, **more},
        "pinData": {},
        "tags": [],
    }
