"""The pace of one provider app: a rate shared by all who call it, and the pauses it asks for."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool

from resources.errors import InputRefused
from resources.provider import Limit

KEY_PREFIX = "backline"
SHORTEST_WAIT_SECONDS = 0.01


def pool_of(redis_url: str) -> ConnectionPool | None:
    """Return connections to the shared counts; ``None`` where they are kept in this process."""
    if not redis_url:
        return None
    try:
        return ConnectionPool.from_url(redis_url)
    except ValueError as error:
        raise InputRefused("BACKLINE_REDIS_URL", "is not a Redis URL", "use redis://host:6379/0") from error


class AppLimiter:
    """Lets at most the app's limit of requests through; waits in line otherwise."""

    def __init__(self, app: str, limit: Limit, redis_url: str = "") -> None:
        self._app = app
        self._item = RateLimitItemPerSecond(limit.requests, limit.seconds, namespace=KEY_PREFIX)
        self._pool = pool_of(redis_url)
        self._storage = MemoryStorage() if self._pool is None else shared_storage(self._pool)
        self._window = MovingWindowRateLimiter(self._storage)
        self._paused_until, self._easing_seconds = 0.0, 0.0

    async def check(self) -> None:
        """Raise ``InputRefused`` where the shared counts cannot be reached."""
        if not await self._storage.check():
            cure = "start Redis, or unset it where one process at a time syncs"
            raise InputRefused("BACKLINE_REDIS_URL", "does not answer", cure)

    async def aclose(self) -> None:
        """Close the connections to the shared counts."""
        if self._pool is not None:
            await self._pool.disconnect()

    def pause(self, seconds: float) -> None:
        """Let nothing through for ``seconds``, as the provider asked."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def ease(self, seconds: float) -> None:
        """Let ``seconds`` pass before each request from now on; 0 is as fast as the limit allows."""
        self._easing_seconds = seconds

    async def acquire(self) -> None:
        """Wait until one more request may be sent, and count it."""
        if self._easing_seconds:
            await asyncio.sleep(self._easing_seconds)
        while True:
            if (pause := self._paused_until - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            elif await self._window.hit(self._item, self._app):
                return
            else:
                stats = await self._window.get_window_stats(self._item, self._app)
                await asyncio.sleep(max(stats.reset_time - time.time(), SHORTEST_WAIT_SECONDS))


def shared_storage(pool: ConnectionPool) -> RedisStorage:
    """Return the shared counts behind a pool."""
    options: dict[str, Any] = {"connection_pool": pool}
    return RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", **options)
