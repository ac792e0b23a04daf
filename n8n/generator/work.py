"""What each event does in n8n once it was taken."""

from __future__ import annotations

from n8n.generator.asking import ASK
from n8n.generator.nodes import (
    AGAIN,
    calling,
    fields,
    forgetting,
    inserted,
    inserting,
    made_table,
    row,
    to,
    values,
    where,
)
from n8n.generator.receiving import EVENT, Work, your_steps
from resources.n8n.declared import YOUR_STEPS

REMEMBERED_DAYS = 400
P = "$('Event').first().json.payload"
E = "$('Event').first().json"

ALERTS = "backline_alerts"
ALERT_COLUMNS = {
    "key": "string",
    "severity": "string",
    "error": "string",
    "provider": "string",
    "org": "string",
    "account": "string",
    "message": "string",
    "cure": "string",
    "count": "number",
    "first_at": "string",
    "last_at": "string",
    "event_id": "string",
}
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
    severity = {error: name for name, errors in SEVERITIES.items() for error in errors}
    words = "{" + ", ".join(f"{error}: '{name}'" for error, name in severity.items()) + "}"
    key = f"[{E}.orgId, {E}.provider, {P}.accountId || 'all', {P}.error].join('/')"
    known = "$('Known alert').first().json"
    alert = (
        f"({{key: {key}, severity: ({words})[{P}.error] || 'action', count: ({known}.count || 0) + 1, "
        f"firstAt: {known}.first_at || {E}.metadata.timestamp}})"
    )
    plain = {name: (kind, f"{E}.{name}") for name, (kind, _) in EVENT.items()}
    plain |= {"summary": ("string", f"{E}.summary"), "alert": ("object", alert)}
    same = where(("key", "eq", f"={{{{ {key} }}}}"))
    nodes = [
        made_table("Table of alerts", (10, 0), ALERTS, ALERT_COLUMNS),
        row("Known alert", (11, 0), ALERTS, "get", {**same, "limit": 1}, alwaysOutputData=True, **AGAIN),
        fields("Alert", (12, 0), plain),
        row(
            "Record alert",
            (13, 0),
            ALERTS,
            "upsert",
            {**same, **values(ALERT_COLUMNS, _alert_row()), "options": {}},
            **AGAIN,
        ),
        your_steps((13, -1)),
    ]
    connections = {
        "Table of alerts": to("Known alert"),
        "Known alert": to("Alert"),
        "Alert": to((YOUR_STEPS, "Record alert")),
    }
    old = forgetting("Forget old alerts", (1, 3), ALERTS, ALERT_COLUMNS, REMEMBERED_DAYS)
    return Work(nodes, connections, ("Table of alerts",), old)


def _alert_row() -> dict[str, str]:
    a, p = "$('Alert').first().json.alert", P
    return _expressions(
        {
            "key": f"{a}.key",
            "severity": f"{a}.severity",
            "error": f"{p}.error",
            "provider": f"{E}.provider",
            "org": f"{E}.orgId",
            "account": f"{p}.accountId || ''",
            "message": f"{p}.message",
            "cure": f"{p}.cure",
            "count": f"{a}.count",
            "first_at": f"{a}.firstAt",
            "last_at": f"{E}.metadata.timestamp",
            "event_id": f"{E}.id",
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
    nodes = [your_steps((10, -1)), *inserting(name, (10, 0), table, columns, _expressions(filled))]
    old = forgetting(f"Forget old {what}", (1, 3), table, columns, REMEMBERED_DAYS)
    return Work(nodes, inserted(name), (YOUR_STEPS, name), old)


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
    same = where(("key", "eq", f"={{{{ {_key_of_failure()} }}}}"))
    failure = {**same, **values(ALERT_COLUMNS, _failure_row()), "options": {}}
    nodes = [
        your_steps((10, -1)),
        calling("Sync it at once", (10, 0), ASK, asked, onError="continueErrorOutput"),
        made_table("Table of alerts", (11, 1), ALERTS, ALERT_COLUMNS),
        row("Record that it failed", (12, 1), ALERTS, "upsert", failure, **AGAIN),
    ]
    connections = {
        "Sync it at once": {"main": [[], to("Table of alerts")["main"][0]]},
        "Table of alerts": to("Record that it failed"),
    }
    return Work(nodes, connections, (YOUR_STEPS, "Sync it at once"))


def _key_of_failure() -> str:
    return f"[{E}.orgId, {E}.provider, {P}.accountId, 'follow_up'].join('/')"


def _failure_row() -> dict[str, str]:
    moment = f"{E}.metadata.timestamp"
    filled = {
        "key": _key_of_failure(),
        "severity": "'action'",
        "error": "'follow_up'",
        "provider": f"{E}.provider",
        "org": f"{E}.orgId",
        "account": f"{P}.accountId",
        "message": f"{P}.displayName + ' is connected, but its first sync could not be asked for.'",
        "cure": "'See the last execution of Backline: ask for work. The next sync reads it.'",
        "count": "1",
        "first_at": moment,
        "last_at": moment,
        "event_id": f"{E}.id",
    }
    return _expressions(filled)


def _expressions(filled: dict[str, str]) -> dict[str, str]:
    return {name: f"={{{{ {expression} }}}}" for name, expression in filled.items()}
