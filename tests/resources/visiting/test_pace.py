"""The pace of visits: pauses with jitter, and few at once."""

from __future__ import annotations

import asyncio
import itertools

from resources.visiting.pace import JITTER, Pace
from tests.conftest import LeapingLoop


def starts(pace, count, *, seconds=0.0, least=0.0):
    """Return when each of some visits began, and how many were under way at most."""

    async def go():
        loop, began, under_way, most = asyncio.get_running_loop(), [], 0, 0

        async def visit():
            nonlocal under_way, most
            async with pace.turn(least):
                began.append(loop.time())
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(seconds)
                under_way -= 1

        await asyncio.gather(*(visit() for _ in range(count)))
        return began, most

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(go())


def test_visits_start_a_pause_apart_with_jitter():
    began, _ = starts(Pace(3.0, 4), 40)
    gaps = [later - earlier for earlier, later in itertools.pairwise(began)]
    assert min(gaps) >= 2.99
    assert max(gaps) <= 3.0 * (1 + JITTER) + 0.2
    assert max(gaps) - min(gaps) > 0.3


def test_no_more_are_under_way_than_allowed():
    _, most = starts(Pace(0.0, 3), 20, seconds=5.0)
    assert most == 3


def test_longer_pause_of_the_site_holds():
    began, _ = starts(Pace(1.0, 2), 4, least=10.0)
    assert began[-1] - began[0] >= 29.9


def test_cancelled_turn_is_given_back():
    async def go():
        pace = Pace(0.0, 1)
        async with pace.turn():
            waiting = asyncio.create_task(pace.turn().__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(1), pace.turn():
            pass

    asyncio.run(go())
