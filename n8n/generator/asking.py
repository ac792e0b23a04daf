"""How n8n asks Backline for work: a signed call of ``/hooks/n8n``, by another workflow or by a form."""

from __future__ import annotations

from collections.abc import Iterable

from n8n.generator.nodes import Json, fields, gate, hmac, node, stable_id, to, workflow
from resources.n8n.declared import CONSOLE

ASK = "backlineAskWork1"
NAME = "Backline: ask for work"
TRIES = 5
TIMEOUT_MS = 6000  # five tries and the pauses between them fit in the longest execution of who calls this
SIGNED = "$('Signature').item.json"
HEADERS = {
    "webhook-id": f"={{{{ {SIGNED}.id }}}}",
    "webhook-timestamp": f"={{{{ {SIGNED}.timestamp }}}}",
    "webhook-signature": f"=v1,{{{{ {SIGNED}.signature }}}}",
}
KINDS = {
    "Sync": "sync.requested",
    "Scrape": "scrape.requested",
    "Deliver failed events again": "replay.requested",
}
LATER = "$json.statusCode >= 500 || $json.statusCode === 429"
SAID = "($json.body || ($json.data?.startsWith('{') ? JSON.parse($json.data) : {}))"
"""What came back: n8n reads `application/json`, and leaves `application/problem+json` as text.

To name the format does not help: with a raw body, n8n 2.40 then hands on the stream itself.
"""
REFUSAL = (
    f"={{{{ 'Backline said ' + $json.statusCode + ': ' + ({SAID}.detail || 'nothing more') + ' ' + "
    f"({SAID}.cure || '') }}}}"
)
PROVIDERS = ("spotify", "instagram", "youtube")


def asking() -> Json:
    """Return the workflow; it gives out ``id``, ``type``, ``status``, and where to ``follow`` the call."""
    nodes = [
        _called(),
        _form(),
        fields("Form as call", (1, 1), _from_form()),
        fields("Call", (2, 0), _call()),
        hmac("Signature", (3, 0), "={{ $json.id }}.{{ $json.timestamp }}.{{ $json.body }}", "signature"),
        _request(),
        gate("Taken?", (5, 0), "$json.statusCode >= 200 && $json.statusCode < 300"),
        fields("Accepted", (6, 0), _accepted()),
        gate("Worth another try?", (6, 1), LATER, f"$runIndex < {TRIES - 1}"),
        node("A moment later", "wait", 1.1, (7, 2), {}, webhookId=stable_id("ask-backline", "wait")),
        node("Refused", "stopAndError", 1, (7, 1), {"errorMessage": REFUSAL}),
    ]
    connections = {
        "When called": to("Call"),
        "By hand": to("Form as call"),
        "Form as call": to("Call"),
        "Call": to("Signature"),
        "Signature": to("Ask Backline"),
        "Ask Backline": to("Taken?"),
        "Taken?": to("Accepted", "Worth another try?"),
        "Worth another try?": to("A moment later", "Refused"),
        "A moment later": to("Ask Backline"),
    }
    return workflow(ASK, NAME, "ask-backline", nodes, connections, callerPolicy="workflowsFromSameOwner")


def _called() -> Json:
    """Take ``type`` and ``data``, and an ``id`` where the same call may be made again."""
    inputs = [{"name": "type"}, {"name": "data", "type": "object"}, {"name": "id"}]
    return node("When called", "executeWorkflowTrigger", 1.2, (0, 0), {"workflowInputs": {"values": inputs}})


def _form() -> Json:
    """Ask a person who is logged into n8n, and may run this workflow."""
    chosen = [
        {
            "fieldLabel": "What",
            "fieldType": "dropdown",
            "fieldOptions": _options(KINDS),
            "requiredField": True,
        },
        {
            "fieldLabel": "Provider",
            "fieldType": "dropdown",
            "fieldOptions": _options(PROVIDERS),
            "requiredField": True,
        },
        {"fieldLabel": "Org", "placeholder": "its slug; empty for all"},
    ]
    parameters = {
        "authentication": "n8nUserAuth",
        "requireExecuteAccess": True,
        "formTitle": "Ask Backline for work",
        "formFields": {"values": chosen},
        "responseMode": "lastNode",
        "options": {"path": "ask-backline"},
    }
    web = stable_id("ask-backline", "form")
    return node("By hand", "formTrigger", 2.6, (0, 1), parameters, webhookId=web)


def _options(names: Iterable[str]) -> Json:
    return {"values": [{"option": name} for name in names]}


def _from_form() -> dict[str, tuple[str, str]]:
    kinds = ", ".join(f"'{shown}': '{kind}'" for shown, kind in KINDS.items())
    about = "{provider: $json.Provider, ...($json.Org ? {org: $json.Org.trim()} : {})}"
    replay = "$json.What === 'Deliver failed events again'"
    return {
        "type": ("string", f"({{{kinds}}})[$json.What]"),
        "data": ("object", f"{replay} ? {{filter: {{status: 'failed', ...{about} }} }} : {about}"),
    }


def _call() -> dict[str, tuple[str, str]]:
    """Make the call once, so that every try sends the same id, time and bytes."""
    made = "'n8n_' + $workflow.id + '_' + $execution.id + '_' + $itemIndex"
    body = "JSON.stringify({type: $json.type, timestamp: $now.toUTC().toISO(), data: $json.data})"
    return {
        "id": ("string", f"$json.id || {made}"),
        "timestamp": ("string", "String(Math.floor(Date.now() / 1000))"),
        "body": ("string", body),
    }


def _request() -> Json:
    """Return the call itself; no answer is an error here, so that a refusal keeps its own words."""
    headers = [{"name": name, "value": value} for name, value in HEADERS.items()]
    parameters = {
        "method": "POST",
        "url": f"{CONSOLE}/hooks/n8n",
        "sendHeaders": True,
        "headerParameters": {"parameters": headers},
        "sendBody": True,
        "contentType": "raw",
        "rawContentType": "application/json",
        "body": f"={{{{ {SIGNED}.body }}}}",
        "options": {
            "redirect": {"redirect": {"followRedirects": False}},
            "response": {"response": {"fullResponse": True, "neverError": True}},
            "timeout": TIMEOUT_MS,
        },
    }
    again = {"retryOnFail": True, "maxTries": TRIES, "waitBetweenTries": 5000}
    return node("Ask Backline", "httpRequest", 4.2, (4, 0), parameters, **again)


def _accepted() -> dict[str, tuple[str, str]]:
    return {name: ("string", f"{SAID}.{name}") for name in ("id", "type", "status", "follow")}
