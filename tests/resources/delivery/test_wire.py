"""The wire: what one signed POST tells of its receiver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from resources.delivery.wire import EXCERPT_BYTES, Answer, Letter, Wire
from resources.settings import Settings
from resources.signing import SigningSecret, verify

pytestmark = pytest.mark.webhooks

SECRET = SigningSecret(b"canary-canary-canary-canary-cana")
BODY = b'{"id": "evt_1"}'


def posted(answer: httpx.Response | Exception) -> tuple[Answer, httpx.Request]:
    """Post to a receiver that answers so, and return how that went and what it got."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def go() -> Answer:
        async with Wire(Settings(), httpx.MockTransport(respond)) as wire:
            letter = Letter("http://n8n.example/webhook/data-sync", "evt_1", BODY, [SECRET], {"x-own": "1"})
            return await wire.post(letter)

    return asyncio.run(go()), requests[0]


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
    ("fault", "words"),
    [
        (httpx.ConnectError("canary"), "it cannot be connected to"),
        (httpx.ReadTimeout("canary"), "ReadTimeout"),
        (httpx.RemoteProtocolError("canary"), "it does not speak HTTP as it should"),
        (httpx.InvalidURL("canary"), "its address is no URL"),
    ],
)
def test_receiver_that_cannot_be_reached_raises_nothing_and_tells_no_more_than_the_fault(fault, words):
    answer, _ = posted(fault)
    assert not answer.delivered
    assert (answer.status_code, answer.error) == (None, words)
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
