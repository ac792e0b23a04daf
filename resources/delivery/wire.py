"""The wire: one signed POST, and how that went. No fault of a receiver raises.

Deliveries use aiohttp itself, because httpx's requests and replies cost as much again as the whole POST
(``docs/decisions/0017-endpoints-and-deliveries.md``). A transport that stands in for the network is httpx's,
as everywhere.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import aiohttp
import httpx
import yarl

from resources.database import utc_now
from resources.delivery.addresses import AddressRefused, Allowed, GuardedSockets
from resources.http import retry_after_seconds
from resources.settings import Settings
from resources.signing import SigningSecret, signed_headers
from resources.transport import KEEP_ALIVE_SECONDS, USER_AGENT, open_client, open_session

POST_TIMEOUT_SECONDS = 15.0
EXCERPT_BYTES = 512


@dataclass(frozen=True, slots=True)
class Letter:
    """What is posted where: an event's body, the secrets that sign it, and the endpoint's own headers."""

    url: str
    event_id: str
    body: bytes
    secrets: Sequence[SigningSecret]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """How one signed POST went."""

    started_at: datetime
    duration_ms: int
    status_code: int | None
    excerpt: str | None
    error: str | None
    retry_after: float | None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took the event."""
        return self.status_code is not None and 200 <= self.status_code < 300  # noqa: PLR2004  # RFC 9110


class Reply(Protocol):
    """The head of a reply, and the way to its body."""

    status: int
    retry_after: str | None

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""


class Wire:
    """Posts over aiohttp, or over an ``httpx`` transport in its place; an asynchronous context.

    ``patience`` is how many seconds a receiver has to answer.
    """

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: float = POST_TIMEOUT_SECONDS,
    ) -> None:
        self.patience = patience
        self._allowed = Allowed.parse(settings.webhook_allowed_hosts)
        self._trusted = self._allowed.hosts | {_host(settings.n8n_url)}
        self._transport, self._open = transport, AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the pools of connections."""
        if self._transport is not None:
            self._client = await self._open.enter_async_context(open_client(0, self._transport))
            return self
        pool: dict[str, Any] = {"limit": 0, "keepalive_timeout": KEEP_ALIVE_SECONDS}
        guarded = open_session(**pool, socket_factory=GuardedSockets(self._allowed))
        self._guarded = await self._open.enter_async_context(guarded)
        self._direct = await self._open.enter_async_context(open_session(**pool))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self._open.aclose()

    async def post(self, letter: Letter) -> Answer:
        """Sign and post; return what came of it in time."""
        started_at, started = utc_now(), time.perf_counter()
        status, excerpt, error, retry_after = None, None, None, None
        try:
            async with asyncio.timeout(self.patience), self._sent(letter, started_at) as reply:
                status = reply.status
                if reply.retry_after is not None:
                    asked = {"retry-after": reply.retry_after}
                    retry_after = retry_after_seconds(asked, datetime.now(UTC))
                excerpt = await _excerpt(reply)
        except TimeoutError:
            error = f"no answer within {self.patience:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as fault:
            error = _reason(fault)
        if status is not None:  # it counts, even where the rest of the answer never came
            error = None if 200 <= status < 300 else f"answered {status}"  # noqa: PLR2004
        duration_ms = round((time.perf_counter() - started) * 1000)
        return Answer(started_at, duration_ms, status, excerpt, error, retry_after)

    @asynccontextmanager
    async def _sent(self, letter: Letter, at: datetime) -> AsyncIterator[Reply]:
        headers = headers_of(letter, int(at.timestamp()))
        if self._transport is not None:
            request = self._client.build_request("POST", letter.url, content=letter.body, headers=headers)
            response = await self._client.send(request, stream=True)
            try:
                yield _HttpxReply(response)
            finally:
                await response.aclose()
            return
        session = self._direct if _host(letter.url) in self._trusted else self._guarded
        address = yarl.URL(letter.url)
        posting = session.post(
            address, data=letter.body, headers=headers, allow_redirects=False, timeout=NONE
        )
        async with posting as answer:
            yield _AiohttpReply(answer)


NONE = aiohttp.ClientTimeout(total=None)  # ``asyncio.timeout`` bounds the whole


def headers_of(letter: Letter, timestamp: int) -> dict[str, str]:
    """Return all headers of a POST, signed for a moment in Unix seconds."""
    return {
        **letter.headers,
        **signed_headers(letter.secrets, letter.event_id, timestamp, letter.body),
        "content-type": "application/json",
        "accept-encoding": "identity",  # an excerpt is kept as it comes
        "user-agent": USER_AGENT,
    }


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


class _HttpxReply:
    def __init__(self, response: httpx.Response) -> None:
        self._response, self.status = response, response.status_code
        self.retry_after = response.headers.get("retry-after")

    def chunks(self) -> AsyncIterator[bytes]:
        return self._response.aiter_bytes()


class _AiohttpReply:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content, self.status = response.content, response.status
        self.retry_after = response.headers.get("retry-after")

    async def chunks(self) -> AsyncIterator[bytes]:
        while chunk := await self._content.readany():
            yield chunk


async def _excerpt(reply: Reply) -> str:
    """Read no more of an answer than is kept of it."""
    body = b""
    async for chunk in reply.chunks():
        body += chunk
        if len(body) >= EXCERPT_BYTES:
            break
    return body[:EXCERPT_BYTES].decode(errors="replace").replace("\0", "\ufffd")


def _reason(fault: Exception) -> str:
    """Return why nothing was answered, in words that hold nothing of the request."""
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not valid ({_verdict(fault.certificate_error)})"
    if isinstance(fault, aiohttp.ClientConnectorError) and isinstance(fault.os_error, AddressRefused):
        return str(fault.os_error)
    return next((words for kinds, words in REASONS if isinstance(fault, kinds)), type(fault).__name__)


REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its name is not known"),
    ((aiohttp.ClientSSLError, ssl.SSLError), "it does not speak TLS as it should"),
    ((aiohttp.ClientConnectorError, httpx.ConnectError), "it cannot be connected to"),
    (
        (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, httpx.RemoteProtocolError),
        "it closed the connection without an answer",
    ),
    ((httpx.InvalidURL, aiohttp.InvalidURL, ValueError), "its address is no URL"),
)


def _verdict(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else type(error).__name__
