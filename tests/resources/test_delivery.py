"""Deliveries: when an event is tried again, and what one signed POST tells of its receiver."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.delivery import EXCERPT_BYTES, JITTER, RETRY_SECONDS, Answer, post_signed, retry_wait
from resources.signing import SigningSecret, verify

pytestmark = pytest.mark.webhooks

CONTRACTS = Path(__file__).parents[3] / "shared" / "CONTRACTS.md"
SECRET = SigningSecret(b"canary-canary-canary-canary-cana")
DAY = 86_400
BODY = b'{"id": "evt_1"}'
chances = st.floats(0, 1, exclude_max=True)


def posted(answer: httpx.Response | Exception) -> tuple[Answer, httpx.Request]:
    """Post to a receiver that answers so, and return how that went and what it got."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def go() -> Answer:
        async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
            return await post_signed(client, "http://n8n.example/webhook/data-sync", [SECRET], "evt_1", BODY)

    return asyncio.run(go()), requests[0]


def test_schedule_is_that_of_the_contract():
    assert RETRY_SECONDS == (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200, DAY)
    if not CONTRACTS.exists():
        pytest.skip(f"{CONTRACTS} is not here")
    written = re.search(r"retried at about (.+) with jitter", CONTRACTS.read_text())
    unit = {"s": 1, "min": 60, "h": 3_600}
    waits = [int(n) * unit[u] for n, u in re.findall(r"(\d+) (s|min|h)", written[1])] if written else []
    assert tuple(waits) == RETRY_SECONDS


@given(attempts=st.integers(1, len(RETRY_SECONDS)), chance=chances)
def test_wait_is_within_a_fifth_of_the_schedule(attempts, chance):
    wait, planned = retry_wait(attempts, None, chance), RETRY_SECONDS[attempts - 1]
    assert planned * (1 - JITTER) <= wait <= planned * (1 + JITTER)


@pytest.mark.parametrize("attempts", range(1, len(RETRY_SECONDS) + 1))
def test_jitter_spreads_to_both_sides_and_is_the_planned_wait_in_the_middle(attempts):
    planned = RETRY_SECONDS[attempts - 1]
    waits = [retry_wait(attempts, None, chance) for chance in (0.0, 0.5, 1.0)]
    assert waits == pytest.approx([planned * 0.8, planned, planned * 1.2])


@given(attempts=st.integers(1, len(RETRY_SECONDS)), retry_after=st.floats(0, 10 * DAY), chance=chances)
def test_longer_retry_after_is_honoured_up_to_a_day(attempts, retry_after, chance):
    wait = retry_wait(attempts, retry_after, chance)
    assert wait >= min(retry_after, DAY)
    assert wait == max(retry_wait(attempts, None, chance), min(retry_after, DAY))


@given(
    attempts=st.integers(len(RETRY_SECONDS) + 1, 100),
    retry_after=st.none() | st.floats(0, DAY),
    chance=chances,
)
def test_after_the_last_wait_there_is_no_further_attempt(attempts, retry_after, chance):
    assert retry_wait(attempts, retry_after, chance) is None


def test_post_is_signed_and_carries_the_body_untouched():
    answer, request = posted(httpx.Response(200))
    timestamp = int(request.headers["webhook-timestamp"])
    assert verify([SECRET], request.headers, request.content, timestamp) == "evt_1"
    assert request.content == BODY
    assert request.headers["content-type"] == "application/json"
    assert timestamp == int(answer.started_at.timestamp())


@pytest.mark.parametrize(
    ("status", "delivered"),
    [(200, True), (204, True), (299, True), (199, False), (302, False), (410, False), (500, False)],
)
def test_only_2xx_is_delivered(status, delivered):
    answer, _ = posted(httpx.Response(status, content=b"said"))
    assert (answer.delivered, answer.status_code, answer.excerpt) == (delivered, status, "said")
    assert answer.error == (None if delivered else f"answered {status}")


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("canary"),
        httpx.ReadTimeout("canary"),
        httpx.LocalProtocolError("canary"),
        httpx.InvalidURL("canary"),
    ],
)
def test_receiver_that_cannot_be_reached_raises_nothing_and_tells_no_more_than_the_fault(fault):
    answer, _ = posted(fault)
    assert not answer.delivered
    assert (answer.status_code, answer.error) == (None, type(fault).__name__)
    assert "canary" not in repr(answer)


def test_retry_after_of_the_receiver_is_kept():
    assert posted(httpx.Response(503, headers={"retry-after": "77"}))[0].retry_after == 77


def test_long_binary_answer_is_cut_and_fits_any_database():
    answer, _ = posted(httpx.Response(500, content=b"a\0\xff" * 10_000))
    assert len(answer.excerpt) <= EXCERPT_BYTES
    assert answer.excerpt.startswith("a��")


def test_endless_answer_is_not_read_to_its_end():
    read = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal read
            while True:
                read += 100
                yield b"x" * 100

    answer, _ = posted(httpx.Response(200, stream=Endless()))
    assert answer.delivered
    assert read <= 2 * EXCERPT_BYTES
