"""The wire: one signed POST, and how that went. No fault of a receiver raises.

Deliveries use aiohttp itself, because httpx's requests and replies cost as much again as the whole POST
(``docs/decisions/0017-endpoints-and-deliveries.md``). A transport that stands in for the network is httpx's,
as everywhere.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
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

    @property
    def asks_for_time(self) -> bool:
        """Whether the receiver asked to be left alone for a while."""
        return self.status_code in {429, 503} and bool(self.retry_after)


@dataclass(slots=True)
class _Reply:
    """What is known of a reply so far; its status counts even where the rest never comes."""

    status: int | None = None
    retry_after: str | None = None
    excerpt: str | None = None


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
        self._trusted = self._allowed.hosts | {host_of(settings.n8n_url)}
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
        headers, reply, error = headers_of(letter, int(started_at.timestamp())), _Reply(), None
        try:
            async with asyncio.timeout(self.patience):
                await self._exchange(letter, headers, reply)
        except TimeoutError:
            error = f"no answer within {self.patience:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as fault:
            error = _reason(fault)
        if reply.status is not None:
            error = None if 200 <= reply.status < 300 else f"answered {reply.status}"  # noqa: PLR2004
        retry_after = None
        if reply.retry_after is not None:
            retry_after = retry_after_seconds({"retry-after": reply.retry_after}, datetime.now(UTC))
        duration_ms = round((time.perf_counter() - started) * 1000)
        return Answer(started_at, duration_ms, reply.status, reply.excerpt, error, retry_after)

    async def _exchange(self, letter: Letter, headers: dict[str, str], reply: _Reply) -> None:
        if self._transport is not None:
            await self._exchange_httpx(letter, headers, reply)
            return
        address, host = _target(letter.url)
        session = self._direct if host in self._trusted else self._guarded
        async with session.post(
            address, data=letter.body, headers=headers, allow_redirects=False, timeout=NONE
        ) as response:
            reply.status, reply.retry_after = response.status, response.headers.get("retry-after")
            content = response.content
            reply.excerpt = "" if content.at_eof() else await _excerpt(content.iter_any())

    async def _exchange_httpx(self, letter: Letter, headers: dict[str, str], reply: _Reply) -> None:
        request = self._client.build_request("POST", letter.url, content=letter.body, headers=headers)
        response = await self._client.send(request, stream=True)
        try:
            reply.status, reply.retry_after = response.status_code, response.headers.get("retry-after")
            reply.excerpt = await _excerpt(response.aiter_bytes())
        finally:
            await response.aclose()


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


@functools.lru_cache(1_024)
def _target(url: str) -> tuple[yarl.URL, str]:
    """Return an address as aiohttp takes it, and its host."""
    return yarl.URL(url), host_of(url)


def host_of(url: str) -> str:
    """Return the host that an address names, empty where it is no address."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


async def _excerpt(chunks: AsyncIterator[bytes]) -> str:
    """Read no more of an answer than is kept of it."""
    body = b""
    async for chunk in chunks:
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
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError), "it closed the connection without an answer"),
    ((aiohttp.ClientResponseError, httpx.RemoteProtocolError), "it does not speak HTTP as it should"),
    ((httpx.InvalidURL, aiohttp.InvalidURL, ValueError), "its address is no URL"),
)


def _verdict(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else type(error).__name__
