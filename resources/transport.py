"""The one way out over HTTP: httpx's interface on aiohttp's pool.

Why, and what it costs: ``docs/decisions/0003-http-transport.md``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import aiohttp
import httpx
import yarl
from httpx_aiohttp.transport import AiohttpResponseStream, AiohttpTransport, map_aiohttp_exceptions

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
USER_AGENT = "Backline/0.1"
LARGEST_REPLY_BYTES = 32 * 1024 * 1024
READ_AT_ONCE_BYTES = 1024 * 1024
LARGEST_HEADER_BYTES = 64 * 1024
KEEP_ALIVE_SECONDS = 15


class ReplyTooLarge(httpx.HTTPError):
    """A reply did not end within what one may hold."""


def open_client(max_connections: int, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return a client on aiohttp's pool, or on ``transport``; redirects are never followed."""
    if transport is None:
        limits = httpx.Limits(max_connections=max_connections, keepalive_expiry=KEEP_ALIVE_SECONDS)
        transport = PooledTransport(limits=limits)
    return PlainClient(transport)


def open_session(**connector: Any) -> aiohttp.ClientSession:
    """Return a session on a pool made with ``connector``; it keeps no cookies and undoes no compression.

    A cookie jar is the session's, and would carry what one account was given to all the others.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(**connector),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"accept-encoding": "gzip, deflate"},  # what httpx undoes everywhere
        auto_decompress=False,
        max_field_size=LARGEST_HEADER_BYTES,
    )


class PlainClient(httpx.AsyncClient):
    """An ``httpx.AsyncClient`` that hands each request to its transport as it is.

    It knows no redirects, no cookies and no authentication of its own, which is half of what
    ``httpx.AsyncClient.send`` spends its time on.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        super().__init__(transport=transport, timeout=TIMEOUT, headers={"user-agent": USER_AGENT})
        self._pool, self._patience = transport, TIMEOUT.as_dict()

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """Send a request; raise ``httpx.HTTPError`` where no whole reply of a bearable size comes."""
        request.extensions.setdefault("timeout", self._patience)
        response = await self._pool.handle_async_request(request)
        response.request = request
        if stream or response.is_stream_consumed:
            return response
        try:
            return await _whole(response)
        finally:
            await response.aclose()


async def _whole(response: httpx.Response) -> httpx.Response:
    """Read a reply to its end; raise ``ReplyTooLarge`` where that is too far away."""
    chunks, size = [], 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > LARGEST_REPLY_BYTES:
            raise ReplyTooLarge(f"the reply is larger than {LARGEST_REPLY_BYTES // 1024**2} MiB")
        chunks.append(chunk)
    body = b"".join(chunks)
    return httpx.Response(
        response.status_code, headers=response.headers, content=body, request=response.request
    )


class PooledTransport(AiohttpTransport):
    """``httpx-aiohttp``'s transport, which reads short replies in one piece and keeps no cookies."""

    largest_read_at_once: ClassVar[int] = READ_AT_ONCE_BYTES

    def get_client(self) -> aiohttp.ClientSession:
        """Open the session."""
        return open_session(
            limit=self.limits.max_connections or 0,
            keepalive_timeout=self.limits.keepalive_expiry,
            ssl=self.ssl_context,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        try:
            with map_aiohttp_exceptions():
                return await _exchange(self.client, request, self.largest_read_at_once, self.proxy)
        except httpx.ConnectTimeout as error:  # the map calls every broken connection so
            if isinstance(error.__cause__, aiohttp.ClientProxyConnectionError):
                raise httpx.ProxyError("the proxy does not answer") from error
            if isinstance(error.__cause__, aiohttp.ServerTimeoutError):
                raise
            raise httpx.ConnectError(str(error)) from error
        except aiohttp.ClientError as error:  # the map leaves out replies that are no HTTP
            raise httpx.RemoteProtocolError(type(error).__name__) from error


class PageTransport(PooledTransport):
    """The same for public pages, of whatever size: every reply is a stream, through a proxy if one is given.

    A reply read in one piece is undone in one piece, and a megabyte of gzip may hold a gigabyte.
    """

    largest_read_at_once = -1

    def __init__(self, proxy: httpx.Proxy | None = None) -> None:
        super().__init__(limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS), proxy=proxy)


def _address(url: httpx.URL) -> yarl.URL:
    address = yarl.URL(str(url), encoded=True)
    try:
        address.explicit_port  # noqa: B018  # read late, it would raise in the middle of the request
    except ValueError as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
    return address


async def _exchange(
    session: aiohttp.ClientSession,
    request: httpx.Request,
    largest_read_at_once: int,
    proxy: httpx.Proxy | None,
) -> httpx.Response:
    through: dict[str, Any] = {}
    headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
    if proxy is not None:
        through["proxy"] = str(proxy.url)
        if proxy.auth:
            proof = {"proxy-authorization": aiohttp.encode_basic_auth(*proxy.auth)}
            # a proxy that tunnels is shown it before; one that is asked for a page, with the page's request
            through["proxy_headers"] = proof if request.url.scheme == "https" else None
            headers += [] if request.url.scheme == "https" else proof.items()
    reply = await session.request(
        request.method,
        _address(request.url),
        headers=headers,
        data=request.content or None,
        allow_redirects=False,
        timeout=_timeout_of(request),
        **through,
    )
    if reply.content_length is None or reply.content_length > largest_read_at_once:
        stream = AiohttpResponseStream(reply)
        return httpx.Response(reply.status, headers=reply.raw_headers, stream=stream)
    return httpx.Response(reply.status, headers=reply.raw_headers, content=await reply.read())


def _timeout_of(request: httpx.Request) -> aiohttp.ClientTimeout:
    seconds = request.extensions["timeout"]
    return aiohttp.ClientTimeout(sock_connect=seconds["connect"], sock_read=seconds["read"])
