"""The pace of one provider app: a rate shared by all who call it, and the pauses it asks for."""

from __future__ import annotations

import asyncio
import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

from resources.errors import InputRefused
from resources.provider import Limit

KEY_PREFIX = "backline"
SHORTEST_WAIT_SECONDS = 0.01


def _storage(redis_url: str) -> Storage:
    """Return where the counts are kept: in Redis for many processes, otherwise in this one."""
    if not redis_url:
        return MemoryStorage()
    storage = storage_from_string(f"async+{redis_url}", implementation="redispy", wrap_exceptions=True)
    if not isinstance(storage, Storage):
        raise TypeError("The limits package returned a storage that is not asynchronous.")
    return storage


class AppLimiter:
    """Lets at most the app's limit of requests through; waits in line otherwise."""

    def __init__(self, app: str, limit: Limit, redis_url: str = "") -> None:
        self._app = app
        self._item = RateLimitItemPerSecond(limit.requests, limit.seconds, namespace=KEY_PREFIX)
        self._storage = _storage(redis_url)
        self._window = MovingWindowRateLimiter(self._storage)
        self._paused_until = 0.0

    async def check(self) -> None:
        """Raise ``InputRefused`` where the shared counts cannot be reached."""
        if not await self._storage.check():
            cure = "start Redis, or unset it where one process at a time syncs"
            raise InputRefused("BACKLINE_REDIS_URL", "does not answer", cure)

    def pause(self, seconds: float) -> None:
        """Let nothing through for ``seconds``, as the provider asked."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    async def acquire(self) -> None:
        """Wait until one more request may be sent, and count it."""
        while True:
            if (pause := self._paused_until - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            elif await self._window.hit(self._item, self._app):
                return
            else:
                stats = await self._window.get_window_stats(self._item, self._app)
                await asyncio.sleep(max(stats.reset_time - time.time(), SHORTEST_WAIT_SECONDS))
