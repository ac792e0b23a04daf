"""The pace of an app: never more than its limit, and silence while it is paused."""

from __future__ import annotations

import asyncio
import time

import pytest

from resources.limiter import AppLimiter
from resources.provider import Limit

pytestmark = pytest.mark.providers

TIMER_SECONDS = 0.02


async def moments_of(limiter: AppLimiter, count: int) -> list[float]:
    """Acquire ``count`` times at once, and return when each was let through."""
    moments: list[float] = []

    async def one() -> None:
        await limiter.acquire()
        moments.append(time.monotonic())

    await asyncio.gather(*(one() for _ in range(count)))
    return moments


def most_in_any_second(moments: list[float]) -> int:
    return max(sum(start <= moment < start + 1 - TIMER_SECONDS for moment in moments) for start in moments)


def test_rate_is_never_exceeded_by_many_at_once():
    moments = asyncio.run(moments_of(AppLimiter("acme", Limit(20, seconds=1)), 45))
    assert len(moments) == 45
    assert most_in_any_second(moments) <= 20
    assert 2 - TIMER_SECONDS <= moments[-1] - moments[0] < 4


def test_requests_under_the_limit_do_not_wait():
    moments = asyncio.run(moments_of(AppLimiter("acme", Limit(100, seconds=30)), 100))
    assert moments[-1] - moments[0] < 0.5


def test_pause_lets_nothing_through_and_the_longest_counts():
    async def paused() -> float:
        limiter, started = AppLimiter("acme", Limit(100, seconds=1)), time.monotonic()
        limiter.pause(0.2)
        limiter.pause(0.05)
        return min(await moments_of(limiter, 10)) - started

    assert 0.2 <= asyncio.run(paused()) < 1


def test_pause_reaches_those_who_wait_already():
    async def late() -> float:
        limiter, started = AppLimiter("acme", Limit(100, seconds=1)), time.monotonic()
        limiter.pause(0.05)
        waiting = asyncio.create_task(moments_of(limiter, 3))
        await asyncio.sleep(0.01)
        limiter.pause(0.2)
        return min(await waiting) - started

    assert 0.2 <= asyncio.run(late()) < 1
