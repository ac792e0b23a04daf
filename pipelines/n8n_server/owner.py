"""The owner's account of an n8n that we started, used to make a key of its public API without a browser.

These are the addresses that n8n's own editor uses; they hold for the version that is pinned.
"""

from __future__ import annotations

from typing import Any

import httpx

from resources.errors import N8nError
from resources.n8n.api import KEY_HEADER

LABEL = "Backline"
SCOPES = (
    "credential:create",
    "credential:list",
    "credential:update",
    "execution:list",
    "execution:read",
    "workflow:activate",
    "workflow:create",
    "workflow:list",
    "workflow:read",
    "workflow:update",
)


class Owner:
    """Logs in with a password and makes keys; no key or password is in any message."""

    def __init__(self, url: str, mail: str, password: str) -> None:
        self.url, self._login = url, {"emailOrLdapLoginId": mail, "password": password}

    def api_key(self, known: str | None) -> str:
        """Return ``known`` where n8n takes it, else a new key in place of the one that we had; a secret."""
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as client:
            if known and self._is_taken(client, known):
                return known
            self._ask(client, "POST", "/rest/login", self._login)
            for one in self._ask(client, "GET", "/rest/api-keys")["items"]:
                if one["label"] == LABEL:
                    self._ask(client, "DELETE", f"/rest/api-keys/{one['id']}")
            wanted = {"label": LABEL, "scopes": SCOPES, "expiresAt": None}
            return str(self._ask(client, "POST", "/rest/api-keys", wanted)["rawApiKey"])

    @staticmethod
    def _is_taken(client: httpx.Client, key: str) -> bool:
        answer = client.get("/api/v1/workflows?limit=1", headers={KEY_HEADER: key})
        return answer.status_code == httpx.codes.OK

    def _ask(self, client: httpx.Client, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = client.request(method, path, json=body)
        if not answer.is_success:
            cause = f"answered {answer.status_code} when a key of its API was to be made"
            raise N8nError(self.url, cause, "see its log", status=answer.status_code)
        found: dict[str, Any] = answer.json()["data"]
        return found
