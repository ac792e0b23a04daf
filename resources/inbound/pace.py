"""How many calls are taken: so many of one address, and so many under one secret."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from resources.limiter import pool_of, shared_storage
from resources.signing import SigningSecret

logger = logging.getLogger(__name__)
NAMESPACE = "backline-inbound"
PATIENCE_SECONDS = 1


class CallPace:
    """Counts calls, in Redis where there is one; while that does not answer, each process counts alone."""

    def __init__(self, limit: str, redis_url: str = "") -> None:
        calls, _, seconds = limit.partition("/")
        self._item = RateLimitItemPerSecond(int(calls), int(seconds), namespace=NAMESPACE)
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._pool = pool_of(redis_url)
        self._together = self._alone
        if self._pool is not None:
            self._together = SlidingWindowCounterRateLimiter(shared_storage(self._pool))

    async def aclose(self) -> None:
        """Close the connections to the shared counts."""
        if self._pool is not None:
            await self._pool.disconnect()

    async def wait_seconds(self, name: str) -> int:
        """Count a call under a name; return 0, or after how many seconds there is room for one."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._counted(self._together, name)
        except (StorageError, TimeoutError) as error:
            logger.warning("Calls are counted by this process alone: Redis fails, %s.", type(error).__name__)
            return await self._counted(self._alone, name)

    async def _counted(self, window: SlidingWindowCounterRateLimiter, name: str) -> int:
        if await window.hit(self._item, name):
            return 0
        stats = await window.get_window_stats(self._item, name)
        return max(math.ceil(stats.reset_time - time.time()), 1)


def name_of(secret: SigningSecret) -> str:
    """Return the name under which a secret's calls are counted; it tells nothing of the secret."""
    return f"secret {hashlib.sha256(b'inbound pace ' + secret.key).hexdigest()[:16]}"
