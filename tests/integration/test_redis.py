"""The app's rate is shared through a real Redis by all processes that call the provider."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.processes import free_port
from resources.errors import InputRefused
from resources.inbound.pace import CallPace
from resources.limiter import AppLimiter
from resources.provider import Limit
from resources.settings import REPOSITORY

pytestmark = [pytest.mark.integration]

PROCESSES, WATCHED_SECONDS = 4, 6
LIMITS = [(20, 2), (6, 1)]  # requests, seconds
HEARD_LATE_SECONDS = 0.3  # Redis counts a request before its process hears of it
CALLER = """
import asyncio, sys, time
from resources.limiter import AppLimiter
from resources.provider import Limit

async def call(url, app, until):
    limiter = AppLimiter(app, Limit({requests}, {seconds}), url)
    while time.time() < until:
        try:
            await asyncio.wait_for(limiter.acquire(), until - time.time())
        except TimeoutError:
            break
        print(time.time())
    await limiter.aclose()

asyncio.run(call(sys.argv[1], sys.argv[2], float(sys.argv[3])))
"""


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of our own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed: apt install redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        url = f"redis://127.0.0.1:{port}/0"
        until = time.monotonic() + 20
        while not asyncio.run(_answers(url)):
            assert time.monotonic() < until, "Redis did not start"
            time.sleep(0.1)
        yield url
        server.terminate()


async def _answers(url: str) -> bool:
    limiter = AppLimiter("probe", Limit(1, 1), url)
    try:
        await limiter.check()
    except InputRefused:
        return False
    finally:
        await limiter.aclose()
    return True


def _started(redis_url: str, requests: int, seconds: int) -> list[subprocess.Popen[str]]:
    app, until = f"app-{uuid.uuid4().hex}", time.time() + WATCHED_SECONDS
    code = CALLER.format(requests=requests, seconds=seconds)
    command = [sys.executable, "-c", code, redis_url, app, str(until)]
    return [
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]


@pytest.mark.parametrize(("requests", "seconds"), LIMITS)
def test_processes_together_never_exceed_the_apps_rate_over_any_window(
    redis_url: str, requests: int, seconds: int
) -> None:
    callers = _started(redis_url, requests, seconds)
    calls = [list(map(float, caller.communicate()[0].split())) for caller in callers]
    moments = sorted(moment for own in calls for moment in own)
    assert len(moments) >= 2 * requests, "more than one window was seen"
    assert min(map(len, calls)) > 0, "none of them starves"
    for first, beyond in zip(moments, moments[requests:], strict=False):
        assert beyond - first >= seconds - HEARD_LATE_SECONDS, "any window, wherever it begins"


@pytest.mark.webhooks
def test_calls_are_counted_over_processes_and_by_each_alone_while_redis_is_gone(redis_url: str) -> None:
    async def asked() -> tuple[list[int], list[int]]:
        first, second = CallPace("3/60", redis_url), CallPace("3/60", redis_url)
        together = [await pace.wait_seconds("n8n") for pace in (first, second, first, second)]
        gone = CallPace("1/60", f"redis://127.0.0.1:{free_port()}/0")
        alone = [await gone.wait_seconds("n8n") for _ in range(2)]
        for pace in (first, second, gone):
            await pace.aclose()
        return together, alone

    together, alone = asyncio.run(asked())
    assert (together[:3], together[3] > 0) == ([0, 0, 0], True)
    assert (alone[0], alone[1] > 0) == (0, True)


def test_a_redis_that_is_gone_is_refused_by_its_settings_name() -> None:
    async def look() -> None:
        limiter = AppLimiter("app", Limit(1, 1), f"redis://127.0.0.1:{free_port()}/0")
        with pytest.raises(InputRefused, match="BACKLINE_REDIS_URL: does not answer; start Redis"):
            await limiter.check()
        await limiter.aclose()

    asyncio.run(look())


def test_an_address_that_is_no_redis_url_is_refused() -> None:
    with pytest.raises(InputRefused, match="BACKLINE_REDIS_URL: is not a Redis URL"):
        AppLimiter("app", Limit(1, 1), "localhost:6379")
