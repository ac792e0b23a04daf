"""Calls are counted under each name alone; a Redis that is gone stops nobody."""

from __future__ import annotations

import asyncio

import pytest

from resources.inbound.pace import CallPace, name_of
from resources.signing import SigningSecret

pytestmark = pytest.mark.webhooks


def test_more_than_the_limit_must_wait_and_others_need_not():
    async def asked():
        pace = CallPace("2/60")
        waits = [await pace.wait_seconds("a") for _ in range(3)]
        return waits, await pace.wait_seconds("b")

    (first, second, third), other = asyncio.run(asked())
    assert (first, second, other) == (0, 0, 0)
    assert 1 <= third <= 120


def test_who_waited_as_long_as_told_is_let_in():
    async def asked():
        pace = CallPace("1/1")
        assert await pace.wait_seconds("a") == 0
        seconds = await pace.wait_seconds("a")
        await asyncio.sleep(seconds + 1)  # a window slides: half of the last one counts yet
        return seconds, await pace.wait_seconds("a")

    seconds, then = asyncio.run(asked())
    assert (seconds >= 1, then) == (True, 0)


def test_a_secrets_name_tells_nothing_of_it():
    secret = SigningSecret(b"0123456789abcdef")
    assert secret.key.decode() not in name_of(secret)
    assert name_of(secret) == name_of(SigningSecret(secret.key))
    assert name_of(secret) != name_of(SigningSecret(b"fedcba9876543210"))
