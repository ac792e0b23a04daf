"""CPU of a request by client: ``python -m benchmarks.transport API_URL CLIENT`` prints microseconds.

Each asks for the same page of 50 records, 32 at a time, and reads the whole body. The clients: ``aiohttp``
itself; ``httpx`` with its own transport; ``httpx-aiohttp`` as published; ``backline``, which is
``resources.transport.open_client``; ``provider``, which is that with rate limit, URL, retries and counts.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

from resources.http import ProviderClient, Usage
from resources.limiter import AppLimiter
from resources.provider import Limit
from resources.providers import find_provider
from resources.transport import open_client

IN_FLIGHT, REQUESTS = 32, 3_000
PAGE = {"limit": "50", "offset": "0"}
Ask = Callable[[str], Awaitable[bytes]]


@asynccontextmanager
async def _aiohttp(api_url: str) -> AsyncIterator[Ask]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def ask(token: str) -> bytes:
            headers = {"authorization": f"Bearer {token}"}
            async with session.get(f"{api_url}/me/tracks", params=PAGE, headers=headers) as reply:
                return await reply.read()

        yield ask


@asynccontextmanager
async def _client(client: httpx.AsyncClient, api_url: str) -> AsyncIterator[Ask]:
    async def ask(token: str) -> bytes:
        headers = {"authorization": f"Bearer {token}"}
        reply = await client.get(f"{api_url}/me/tracks", params=PAGE, headers=headers)
        return reply.content

    async with client:
        yield ask


@asynccontextmanager
async def _provider(api_url: str) -> AsyncIterator[Ask]:
    spotify, usage = find_provider("spotify"), Usage()
    async with open_client(IN_FLIGHT) as client:
        limiter = AppLimiter("spotify", Limit(10_000_000, seconds=1))
        asking = ProviderClient("spotify", spotify.api, {"": api_url}, client, limiter)

        async def ask(token: str) -> bytes:
            return await asking.get("/me/tracks", PAGE, token, usage)

        yield ask


def _httpx(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, timeout=30)


LIMITS = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
CLIENTS: dict[str, Callable[[str], object]] = {
    "aiohttp": _aiohttp,
    "httpx": lambda url: _client(_httpx(httpx.AsyncHTTPTransport(limits=LIMITS)), url),
    "httpx-aiohttp": lambda url: _client(_httpx(AiohttpTransport(limits=LIMITS)), url),
    "backline": lambda url: _client(open_client(IN_FLIGHT), url),
    "provider": _provider,
}


async def measure(api_url: str, client: str) -> float:
    """Return the process's CPU microseconds a request."""
    numbers = iter(range(REQUESTS))
    async with CLIENTS[client](api_url) as ask:  # type: ignore[attr-defined]

        async def work() -> None:
            for number in numbers:
                assert len(await ask(f"{number:010d}")) > 1_000

        started = time.process_time()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        return (time.process_time() - started) / REQUESTS * 1e6


if __name__ == "__main__":
    print(uvloop.run(measure(sys.argv[1], sys.argv[2])))
