"""How tests send signed events to a real n8n."""

import json
import secrets
import time
from typing import Any

import httpx

from pipelines.n8n_server import N8nServer
from resources.settings import REPOSITORY
from resources.signing import parse_secrets, signed_headers
from resources.vault import signing_secrets_text

TYPES = {
    "provider-event": "provider.connected",
    "data-sync": "data.synced",
    "scraper-results": "scraper.completed",
    "error-alerts": "error.occurred",
}


def example(path: str) -> dict[str, Any]:
    """Return an event of a path's type under an id of its own."""
    schema = REPOSITORY / "n8n" / "schemas" / f"{TYPES[path]}.json"
    body: dict[str, Any] = json.loads(schema.read_text(encoding="utf-8"))["examples"][0]
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return {**body, "id": "evt_" + "".join(secrets.choice(letters) for _ in range(26))}


def deliver(server: N8nServer, path: str, body: dict[str, Any]) -> httpx.Response:
    """Post a good event."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    keys = parse_secrets(signing_secrets_text(server.settings))
    headers = signed_headers(keys, body["id"], int(time.time()), raw) | {"content-type": "application/json"}
    return httpx.post(
        f"{server.url}/webhook/{path}", content=raw, headers=headers, timeout=60, trust_env=False
    )
