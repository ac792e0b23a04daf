"""How gently a site is visited: a pause with jitter between two visits, and few at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

JITTER = 0.5
"""A pause is up to this share longer than it must be, so that visits form no beat."""


class Pace:
    """The turns of one site: at least ``pause_seconds`` from one's start to the next's, few at once."""

    def __init__(self, pause_seconds: float, concurrency: int) -> None:
        self._pause_seconds = pause_seconds
        self._free = asyncio.Semaphore(concurrency)
        self._next_start = 0.0

    @asynccontextmanager
    async def turn(self, least_pause_seconds: float = 0.0) -> AsyncIterator[None]:
        """Wait for a turn and hold it; ``least_pause_seconds`` is the pause that the site itself asks for."""
        async with self._free:
            await self._wait(max(self._pause_seconds, least_pause_seconds))
            yield

    async def _wait(self, pause_seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        start = max(self._next_start, now)
        jitter = 1 + JITTER * random.random()  # noqa: S311  # nothing secret
        self._next_start = start + pause_seconds * jitter
        if start > now:
            await asyncio.sleep(start - now)
