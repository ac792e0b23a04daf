"""What can be seen of an n8n from outside, without a key."""

from __future__ import annotations

import base64
import re

import httpx
import msgspec

from resources.n8n.faults import PROXY_STATUSES, fault_of, unreachable

PATIENCE = httpx.Timeout(10.0, connect=5.0)
SENTRY = re.compile(rb'<meta name="n8n:config:sentry" content="([A-Za-z0-9+/=]+)"')
REGISTERED, MISSING, UNKNOWN = "registered", "missing", "unknown"
STRANGER, NOT_THIS = "answers, but does not answer as n8n does", "correct BACKLINE_N8N_URL"
ANOTHER_METHOD = "Did you mean to make a POST request"


class Refusal(msgspec.Struct, frozen=True):
    """n8n's own words for a refusal."""

    message: str = ""


class Release(msgspec.Struct, frozen=True):
    """What n8n's front page says of itself, as ``n8n@2.40.7``."""

    release: str = ""


def version_of(page: bytes) -> str | None:
    """Return the version that n8n's front page names, or None where it names none."""
    found = SENTRY.search(page)
    if found is None:
        return None
    try:
        release = msgspec.json.decode(base64.b64decode(found[1]), type=Release).release
    except (ValueError, msgspec.MsgspecError):
        return None
    return release.removeprefix("n8n@") or None


class Door:
    """n8n's public side."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url, self._client = url, client

    async def front_page(self) -> bytes | None:
        """Return n8n's front page, empty where it shows none; None where something else answers.

        Raises ``N8nError`` where nothing does.
        """
        alive = await self._send("GET", "/healthz")
        if alive.status_code in PROXY_STATUSES:
            raise fault_of(self.url, alive, secret="")
        if alive.status_code != httpx.codes.OK or b'"ok"' not in alive.content:
            return None
        page = await self._send("GET", "/")
        return page.content if page.is_success else b""

    async def ask(self, path: str) -> str:
        """Say whether a webhook is registered, without running it: by a method that it does not take."""
        response = await self._send("GET", f"/webhook/{path}")
        if response.status_code != httpx.codes.NOT_FOUND:
            return UNKNOWN
        try:
            words = msgspec.json.decode(response.content, type=Refusal).message
        except msgspec.MsgspecError:
            return UNKNOWN
        return REGISTERED if ANOTHER_METHOD in words else MISSING

    async def knock(self, path: str) -> str:
        """Send an unsigned request, which one that verifies refuses with 401."""
        response = await self._send("POST", f"/webhook/{path}", json={})
        status = response.status_code
        if status == httpx.codes.UNAUTHORIZED:
            return REGISTERED
        return MISSING if status == httpx.codes.NOT_FOUND else f"it answered {status}"

    async def _send(self, method: str, path: str, *, json: object = None) -> httpx.Response:
        try:
            return await self._client.request(method, f"{self.url}{path}", json=json, timeout=PATIENCE)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise unreachable(self.url, error) from error
