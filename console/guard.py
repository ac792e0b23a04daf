"""The guard in front of every handler: who may ask, what every reply carries, what the log says.

The log names the path alone, because the query of an OAuth callback holds its code and state.
"""

import ipaddress
import logging
import time
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.pages import Message as PageMessage
from console.pages import message_page
from console.parts import origin_of

logger = logging.getLogger("console.access")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PROBES = frozenset({"/healthz", "/readyz"})
SIGNED = frozenset({"/hooks/n8n"})  # its caller proves itself by a signature, and calls us as it knows us
METRICS = "/metrics"
POLICY = (
    "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
LIVE_POLICY = POLICY.replace("script-src 'none'", "script-src 'self'")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
CROSS_SITE = PageMessage(
    "This request came from another site",
    "Backline takes orders from its own pages only; nothing was done.",
    "Open the console itself, and press the button there.",
)


def secured(response: Response) -> Response:
    """Give a reply the headers that every reply carries."""
    _secure(response.headers, POLICY)
    return response


def _secure(headers: MutableHeaders, policy: str) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("content-security-policy", policy)


def is_cross_site(request: Request, public_url: str) -> bool:
    """Say whether a browser sent the request from a page that is not ours.

    Our pages ask for no referrer, and so their forms carry ``Origin: null``; then ``Sec-Fetch-Site``
    decides. A request without either header was not sent by a browser, and carries nobody's rights.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        return True
    if origin is None or (origin == "null" and site is not None):
        return False
    return origin.lower() not in {
        origin_of(public_url),
        f"{request.url.scheme}://{request.url.netloc}".lower(),
    }


def has_own_origin(request: Request, public_url: str) -> bool:
    """Say whether a browser proves that the request comes from one of our own pages.

    Orders under a session need that proof, and so no token in each form: ``Origin`` and ``Sec-Fetch-Site``
    are set by the browser alone, and the cookie is ``SameSite=Lax`` besides.
    """
    known = request.headers.get("sec-fetch-site") or request.headers.get("origin")
    return known is not None and not is_cross_site(request, public_url)


class Guard:
    """Wraps the application.

    A ``Host`` that is neither the console's own nor this machine is refused: a page elsewhere that
    points its name here (DNS rebinding) would read the console otherwise. ``form_targets`` are the
    origins that a form may end at after its redirect: the providers' consent pages.
    """

    def __init__(self, app: ASGIApp, *, public_url: str, form_targets: tuple[str, ...] = ()) -> None:
        self._app, self._public_url = app, public_url
        self._hosts = LOOPBACK | {(urlsplit(public_url).hostname or "").lower()}
        self._policy = " ".join((POLICY, *form_targets))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse, one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                _secure(MutableHeaders(scope=message), self._policy)
                _log(scope, message["status"], time.perf_counter() - started)
            await send(message)

        try:
            await (self._refusal(Request(scope)) or self._app)(scope, receive, send_secured)
        except Exception:  # its page is made outside of the guard
            _log(scope, HTTPStatus.INTERNAL_SERVER_ERROR, time.perf_counter() - started)
            raise

    def _refusal(self, request: Request) -> Response | None:
        if request.url.path in SIGNED:
            return None
        if not self._is_called(request.url.path, (request.url.hostname or "").lower()):
            message = PageMessage(
                "The console is not called that",
                "The address in the browser is not the one it is set up for.",
                f"Open {self._public_url}, or set BACKLINE_PUBLIC_URL to the right address.",
                links=(),
            )
            return message_page(message, HTTPStatus.MISDIRECTED_REQUEST)
        if request.method not in SAFE_METHODS and is_cross_site(request, self._public_url):
            return message_page(CROSS_SITE, HTTPStatus.FORBIDDEN)
        return None

    def _is_called(self, path: str, host: str) -> bool:
        """Say whether the console may be called so; Prometheus finds it by its address or short name."""
        return path in PROBES or host in self._hosts or (path == METRICS and _is_inside(host))


def _is_inside(host: str) -> bool:
    """Say whether a host is an address or a name without a dot, to which nobody's page can point a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True


def _log(scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
    level = logging.DEBUG if scope["path"] in PROBES else logging.INFO
    logger.log(level, "%s %s %d %.0f ms", scope["method"], quote(scope["path"]), status, seconds * 1000)
