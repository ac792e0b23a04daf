"""The light way to a page: one plain request as the identity, redirects followed within the site."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx

from resources.reading.verdict import Capture
from resources.transport import PageTransport
from resources.visiting.errand import (
    PROXY_AUTHENTICATION_REQUIRED,
    Errand,
    NoPage,
    refused_by,
    too_large,
    too_slow,
)
from resources.visiting.hosts import is_same_site
from resources.visiting.proxies import Proxy
from resources.visiting.robots import LARGEST_BYTES, RobotsFile

MOST_REDIRECTS = 8
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
PATIENCE = httpx.Timeout(30.0, connect=10.0).as_dict()
TransportOf = Callable[[Proxy | None], httpx.AsyncBaseTransport]


class LightWay:
    """Brings pages back without a browser; one pool of connections for each proxy."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._given = transport
        self._transports: dict[str, httpx.AsyncBaseTransport] = {}

    async def fetch(self, errand: Errand) -> Capture:
        """Return what stands at the address in the end; raise :class:`NoPage` where nothing whole does.

        A redirect to another site is not followed: the capture has its address, and no body.
        """
        try:
            async with asyncio.timeout(errand.seconds):
                return await self._follow(errand)
        except TimeoutError:
            raise too_slow(errand.seconds) from None

    async def robots(self, errand: Errand) -> RobotsFile:
        """Ask for a robots.txt; another site's is none. Raise :class:`NoPage` of the proxy's."""
        try:
            capture = await self.fetch(replace(errand, largest_bytes=LARGEST_BYTES))
        except NoPage as error:
            if error.is_proxys:
                raise
            return RobotsFile(None)
        is_text = not 300 <= capture.status < 400  # noqa: PLR2004  # a redirect elsewhere has no rules
        return RobotsFile(capture.status if is_text else 404, capture.body)

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            await transport.aclose()

    async def _follow(self, errand: Errand) -> Capture:
        url = errand.url
        for _ in range(MOST_REDIRECTS + 1):
            async with self._asked(errand, url) as response:
                target = _redirect_of(response, url)
                if target is None:
                    body = await _text(response, errand.largest_bytes)
                    return Capture(url, response.status_code, body)
                if not _may_follow(errand.url, target):
                    return Capture(target, response.status_code, "")
            url = target
        raise NoPage(f"The site redirected more than {MOST_REDIRECTS} times.")

    @asynccontextmanager
    async def _asked(self, errand: Errand, url: str) -> AsyncIterator[httpx.Response]:
        request = httpx.Request(
            "GET", url, headers=errand.identity.headers(), extensions={"timeout": PATIENCE}
        )
        errand.identity.jar.set_cookie_header(request)
        try:
            response = await self._transport(errand.proxy).handle_async_request(request)
            response.request = request
            try:
                errand.identity.jar.extract_cookies(response)
                if errand.proxy and response.status_code == PROXY_AUTHENTICATION_REQUIRED:
                    raise httpx.ProxyError("407")
                yield response
            finally:
                await response.aclose()
        except httpx.ProxyError as error:
            raise refused_by(errand.proxy) from error
        except (httpx.HTTPError, httpx.InvalidURL, zlib.error) as error:
            raise NoPage(f"No whole answer came ({type(error).__name__}).") from error

    def _transport(self, proxy: Proxy | None) -> httpx.AsyncBaseTransport:
        if self._given is not None:
            return self._given
        name = proxy.name if proxy else ""
        if name not in self._transports:
            self._transports[name] = PageTransport(_httpx_proxy(proxy))
        return self._transports[name]


def _httpx_proxy(proxy: Proxy | None) -> httpx.Proxy | None:
    if proxy is None:
        return None
    auth = (proxy.username, proxy.password or "") if proxy.username is not None else None
    return httpx.Proxy(proxy.server, auth=auth)


def _redirect_of(response: httpx.Response, url: str) -> str | None:
    if response.has_redirect_location:
        target = httpx.URL(url).join(response.headers["location"])
        return str(target.copy_with(fragment=None))
    return None


def _may_follow(first: str, target: str) -> bool:
    ours, theirs = urlsplit(first), urlsplit(target)
    return theirs.scheme in {"http", "https"} and is_same_site(ours.hostname or "", theirs.hostname or "")


async def _text(response: httpx.Response, largest_bytes: int) -> str:
    """Read a body as it streams, undone and decoded; raise :class:`NoPage` where it is too large."""
    chunks, size = [], 0
    async for chunk in _plain(response, largest_bytes):
        size += len(chunk)
        if size > largest_bytes:
            raise too_large(largest_bytes)
        chunks.append(chunk)
    return b"".join(chunks).decode(_charset(response), errors="replace")


async def _plain(response: httpx.Response, largest_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body without its compression, never more at once than one byte above the limit."""
    if response.is_stream_consumed:  # a transport that stands for the network gave it whole
        yield response.content
        return
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in {"gzip", "deflate"}:
        async for chunk in response.aiter_raw():
            yield chunk
        return
    undo = zlib.decompressobj(GZIP_OR_ZLIB)
    async for chunk in response.aiter_raw():
        yield undo.decompress(chunk, largest_bytes + 1)
        if undo.unconsumed_tail:
            raise too_large(largest_bytes)
    if not undo.eof:
        raise NoPage("The answer was cut off.")


def _charset(response: httpx.Response) -> str:
    try:
        "".encode(response.charset_encoding or "utf-8")
    except LookupError:
        return "utf-8"
    return response.charset_encoding or "utf-8"
