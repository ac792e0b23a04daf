"""What each event does in n8n: every one may begin again after it was half done, and doubles nothing."""

from __future__ import annotations

from n8n.generator.asking import ASK
from n8n.generator.nodes import (
    AGAIN,
    calling,
    forgetting,
    gate,
    made_table,
    once,
    row,
    to,
    where,
    writing,
    written,
)
from n8n.generator.receiving import BODY, Work

REMEMBERED_DAYS = 400
E = BODY
P = f"{BODY}.payload"

ALERTS = "backline_alerts"
ALERT_COLUMNS = {
    "key": "string",
    "severity": "string",
    "kind": "string",  # n8n takes a row with a column "error" for a failure, and writes it again
    "provider": "string",
    "org": "string",
    "account": "string",
    "message": "string",
    "cure": "string",
    "count": "number",
    "first_at": "string",
    "last_at": "string",
    "event_ids": "string",
}
IDS_OF_AN_ALERT = 64
"""How many events back an alert is known to be counted already."""

SEVERITIES = {
    "critical": ("app", "run_failed", "internal", "contract"),
    "action": ("grant_expired", "permission", "grant_ending", "gone"),
    "notice": ("quota", "bucket", "rate", "throttled", "transient"),
}
"""`critical`: many accounts, or a fault of ours. `action`: a person must act for one. `notice`: it passes."""

SYNCED = "backline_synced"
SYNCED_COLUMNS = {
    "day": "string",
    "provider": "string",
    "org": "string",
    "accounts_synced": "number",
    "accounts_failed": "number",
    "accounts_skipped": "number",
    "records": "number",
    "deleted": "number",
    "finished_at": "string",
    "run": "string",
    "event_id": "string",
}

SCRAPED = "backline_scraped"
SCRAPED_COLUMNS = {
    "day": "string",
    "provider": "string",
    "org": "string",
    "pages_read": "number",
    "pages_failed": "number",
    "outcomes": "string",
    "job": "string",
    "run": "string",
    "event_id": "string",
}


def alerting() -> Work:
    """One row for each account and error, however often it comes; your own steps see how often."""
    known = {**where(("key", "eq", f"={{{{ {_key()} }}}}")), "limit": 1}
    look = {"alwaysOutputData": True, **AGAIN}
    counted = once("key", ALERT_COLUMNS, _alert_row())
    nodes = [
        row("Known alert", (8, 0), ALERTS, "get", known, onError="continueRegularOutput", **look),
        gate("Was it read?", (9, 0), "$json.error === undefined"),
        made_table("Table of alerts", (8, 1), ALERTS, ALERT_COLUMNS),
        row("Known alert again", (9, 1), ALERTS, "get", known, **look),
        row("Record alert", (10, 0), ALERTS, None, counted, **AGAIN),
    ]
    connections = {
        "Known alert": to("Was it read?"),
        "Was it read?": to("Record alert", "Table of alerts"),
        "Table of alerts": to("Known alert again"),
        "Known alert again": to("Record alert"),
        "Record alert": to("Event"),
    }
    old = forgetting("Forget old alerts", (1, 3), ALERTS, ALERT_COLUMNS, REMEMBERED_DAYS)
    shown = "({key, severity, count, first_at}) => ({key, severity, count, firstAt: first_at})"
    alert = f"({shown})($('Record alert').first().json)"
    return Work(nodes, connections, "Known alert", old, {"alert": ("object", alert)})


def _key() -> str:
    return f"[{E}.orgId, {E}.provider, {P}.accountId || 'all', {P}.error].join('/')"


def _alert_row() -> dict[str, str]:
    """Count an event once, also where it comes again because n8n was killed at its work.

    What comes in is the row as it is known, or nothing.
    """
    severity = {error: name for name, errors in SEVERITIES.items() for error in errors}
    words = "{" + ", ".join(f"{error}: '{name}'" for error, name in severity.items()) + "}"
    ids = f"($json.event_ids || '').split(' ').filter((id) => id && id !== {E}.id)"
    is_new = f"!($json.event_ids || '').includes({E}.id)"
    return _expressions(
        {
            "key": _key(),
            "severity": f"({words})[{P}.error] || 'action'",
            "kind": f"{P}.error",
            "provider": f"{E}.provider",
            "org": f"{E}.orgId",
            "account": f"{P}.accountId || ''",
            "message": f"{P}.message",
            "cure": f"{P}.cure",
            "count": f"($json.count || 0) + ({is_new} ? 1 : 0)",
            "first_at": f"$json.first_at || {E}.metadata.timestamp",
            "last_at": f"{E}.metadata.timestamp",
            "event_ids": f"[{E}.id, ...{ids}].slice(0, {IDS_OF_AN_ALERT}).join(' ')",
        }
    )


def counting() -> Work:
    """One row for each org, provider and run, with its day: a sheet of what was synced."""
    streams = f"Object.values({P}.streams)"
    filled = {
        "day": f"{P}.finishedAt.slice(0, 10)",
        "provider": f"{E}.provider",
        "org": f"{E}.orgId",
        "accounts_synced": f"{P}.accounts.synced",
        "accounts_failed": f"{P}.accounts.failed",
        "accounts_skipped": f"{P}.accounts.skipped",
        "records": f"{streams}.reduce((sum, stream) => sum + stream.records, 0)",
        "deleted": f"{streams}.reduce((sum, stream) => sum + (stream.deleted || 0), 0)",
        "finished_at": f"{P}.finishedAt",
        "run": f"{P}.runId",
        "event_id": f"{E}.id",
    }
    return _appending("counts", SYNCED, SYNCED_COLUMNS, filled)


def tallying() -> Work:
    """One row for each org, provider and run of the scrapers, with its outcomes."""
    filled = {
        "day": f"{E}.metadata.timestamp.slice(0, 10)",
        "provider": f"{E}.provider",
        "org": f"{E}.orgId",
        "pages_read": f"{P}.pages.read",
        "pages_failed": f"{P}.pages.failed",
        "outcomes": f"JSON.stringify({P}.outcomes)",
        "job": f"{P}.jobId",
        "run": f"{P}.runId",
        "event_id": f"{E}.id",
    }
    return _appending("outcomes", SCRAPED, SCRAPED_COLUMNS, filled)


def _appending(what: str, table: str, columns: dict[str, str], filled: dict[str, str]) -> Work:
    name = f"Append {what}"
    nodes = writing(name, (8, 0), table, columns, once("event_id", columns, _expressions(filled)))
    old = forgetting(f"Forget old {what}", (1, 3), table, columns, REMEMBERED_DAYS)
    return Work(nodes, written(name, "Event"), name, old)


def following_up() -> Work:
    """Ask Backline to sync the account at once; where that fails, it stands among the alerts.

    The call's id follows from the event's, so that the same event never asks twice.
    """
    call = {
        "type": "sync.requested",
        "data": f"={{{{ {{provider: {E}.provider, accounts: [{P}.accountId]}} }}}}",
        "id": f"={{{{ 'sync_' + {E}.id }}}}",
    }
    shown = {"required": False, "defaultMatch": False, "display": True, "canBeUsedToMatch": True}
    kinds = {"type": "string", "data": "object", "id": "string"}
    schema = [{"id": name, "displayName": name, "type": kind, **shown} for name, kind in kinds.items()]
    inputs = {"mappingMode": "defineBelow", "value": call, "matchingColumns": [], "schema": schema}
    asked = {"workflowInputs": inputs, "options": {}}
    failure = once("key", ALERT_COLUMNS, _failure_row())
    nodes = [
        calling("Sync it at once", (8, 0), ASK, asked, onError="continueErrorOutput"),
        made_table("Table of alerts", (9, 1), ALERTS, ALERT_COLUMNS),
        row("Record that it failed", (10, 1), ALERTS, None, failure, **AGAIN),
    ]
    connections = {
        "Sync it at once": to("Event", "Table of alerts"),
        "Table of alerts": to("Record that it failed"),
        "Record that it failed": to("Event"),
    }
    return Work(nodes, connections, "Sync it at once")


def _key_of_failure() -> str:
    return f"[{E}.orgId, {E}.provider, {P}.accountId, 'follow_up'].join('/')"


def _failure_row() -> dict[str, str]:
    moment = f"{E}.metadata.timestamp"
    filled = {
        "key": _key_of_failure(),
        "severity": "'action'",
        "kind": "'follow_up'",
        "provider": f"{E}.provider",
        "org": f"{E}.orgId",
        "account": f"{P}.accountId",
        "message": f"{P}.displayName + ' is connected, but its first sync could not be asked for.'",
        "cure": "'See the last execution of Backline: ask for work. The next sync reads it.'",
        "count": "1",
        "first_at": moment,
        "last_at": moment,
        "event_ids": f"{E}.id",
    }
    return _expressions(filled)


def _expressions(filled: dict[str, str]) -> dict[str, str]:
    return {name: f"={{{{ {expression} }}}}" for name, expression in filled.items()}
