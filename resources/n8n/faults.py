"""What each way of not answering means, and its cure."""

from __future__ import annotations

import httpx
import msgspec

from resources.errors import N8nError

LONGEST_REASON = 300
NEW_KEY = "make a key in n8n under Settings, n8n API, and set it as BACKLINE_N8N_API_KEY"
NOT_THERE = "start it, or correct BACKLINE_N8N_URL"
PROXY_STATUSES = {502, 503, 504}
CAUSES = {
    403: (
        "does not let this API key do that",
        "give the key the scopes that docs/how-to/receive-events-in-n8n.md names",
    ),
    404: ("does not know what it was asked for", "push the workflows again"),
    409: ("sees a conflict", "look for another workflow with the same webhook path, and unpublish it"),
}


class Refusal(msgspec.Struct, frozen=True):
    """n8n's own words for a refusal."""

    message: str = ""


def unreachable(url: str, error: Exception) -> N8nError:
    """Return the fault where no answer came."""
    if isinstance(error, httpx.TimeoutException):
        return N8nError(url, "does not answer in time", "see whether it is overloaded, or start it again")
    if isinstance(error, httpx.ConnectError):
        return N8nError(url, "cannot be reached", NOT_THERE)
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | ValueError):
        return N8nError(url, "is no address", "correct BACKLINE_N8N_URL: http:// or https://, and a host")
    return N8nError(url, f"does not answer in HTTP ({type(error).__name__})", NOT_THERE)


def fault_of(url: str, response: httpx.Response, *, secret: str) -> N8nError:
    """Return the fault that a reply tells of; ``secret`` is kept out of its words."""
    status, reason = response.status_code, _reason(response, secret)
    cause, cure = _words(status, reason, response)
    return N8nError(url, cause, cure, status=status)


def _words(status: int, reason: str | None, response: httpx.Response) -> tuple[str, str]:
    if response.is_redirect:
        to = httpx.URL(response.headers.get("location", "")).host
        where = f" to {to}" if to else ""
        return f"redirects{where}", "set BACKLINE_N8N_URL to the address that n8n itself answers at"
    if status in PROXY_STATUSES:
        return f"is not up: {status} from what stands before it", "start it again, then look at its log"
    if status == httpx.codes.UNAUTHORIZED:
        return "does not accept the API key", NEW_KEY
    if reason is None:
        cure = "correct BACKLINE_N8N_URL; n8n's public API must not be disabled"
        return f"does not answer as n8n's API does ({status}, not JSON)", cure
    cause, cure = CAUSES.get(status, (f"answers {status}", "see n8n's log, then try again"))
    return f"{cause} ({reason})", cure


def _reason(response: httpx.Response, secret: str) -> str | None:
    """Return n8n's words without the secret, or None where the reply is none of n8n's."""
    try:
        message = msgspec.json.decode(response.content, type=Refusal).message
    except msgspec.MsgspecError:
        return None
    shown = message.replace(secret, "••••") if secret else message
    return shown[:LONGEST_REASON].strip().rstrip(".") or "without a reason"
