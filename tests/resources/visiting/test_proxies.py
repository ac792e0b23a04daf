"""The pool of proxies: turns, rests, healing, and secrets that are never said."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from resources.errors import InputRefused
from resources.reading.verdict import Outcome
from resources.settings import Settings
from resources.tables import ProxyHealth
from resources.visiting.proxies import (
    FIRST_REST,
    LONGEST_REST,
    AllResting,
    ProxyPool,
    proxies_of,
    rest_of,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TWO = "http://user:pa%40ss@one.example:8080, http://two.example:3128"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self):
        """Return the time."""
        return self.now


def settings_with(proxies):
    return Settings(scraper_proxies=proxies)


def test_proxies_are_read_and_their_passwords_not_said():
    one, two = proxies_of(settings_with(TWO))
    assert (one.name, one.server, one.username, one.password) == (
        "one.example:8080",
        "http://one.example:8080",
        "user",
        "pa@ss",
    )
    assert (two.name, two.number, two.username) == ("two.example:3128", 2, None)
    assert "pa" not in repr(one).replace("Proxy", "")


def test_users_of_one_gateway_are_told_apart():
    names = [
        proxy.name for proxy in proxies_of(settings_with("http://a:x@g.example:1,http://b:y@g.example:1"))
    ]
    assert names == ["g.example:1", "g.example:1#2"]


@pytest.mark.parametrize(
    "text", ["one.example:80", "socks5://u:secret@h:1", "http://u:secret@h", "http://u:secret@h:x"]
)
def test_wrong_address_is_refused_and_not_quoted(text):
    with pytest.raises(InputRefused) as caught:
        proxies_of(settings_with(f"http://good.example:1,{text}"))
    assert "number 2 is not the address of an HTTP proxy" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pool(database, clock):
    return ProxyPool(database, proxies_of(settings_with(TWO)), clock)


def chosen(pool, count=4):
    async def go():
        return [(await pool.choose()).number for _ in range(count)]

    return asyncio.run(go())


def note(pool, number, *outcomes, **fault):
    async def go():
        for outcome in outcomes:
            await pool.note(pool._proxies[number - 1], outcome, **fault)

    asyncio.run(go())


def test_without_proxies_there_is_none(database):
    assert asyncio.run(ProxyPool(database, ()).choose()) is None


def test_proxies_take_turns(pool):
    assert chosen(pool) == [1, 2, 1, 2]


@pytest.mark.parametrize("outcome", [Outcome.BLOCKED, Outcome.LOGIN_WALL, Outcome.TIMED_OUT])
def test_third_failure_in_a_row_rests_it(pool, clock, outcome):
    note(pool, 1, outcome, outcome)
    assert 1 in chosen(pool)
    note(pool, 1, outcome)
    assert chosen(pool) == [2, 2, 2, 2]
    clock.now += FIRST_REST + timedelta(seconds=1)
    assert 1 in chosen(pool)


def test_success_between_failures_heals(pool):
    note(pool, 1, Outcome.BLOCKED, Outcome.BLOCKED, Outcome.NOT_FOUND, Outcome.BLOCKED, Outcome.BLOCKED)
    assert 1 in chosen(pool)


def test_changed_layout_says_nothing_of_a_proxy(pool, database):
    note(pool, 1, *[Outcome.LAYOUT_CHANGED, Outcome.WRONG_PAGE, Outcome.CONSENT_WALL] * 3)
    with database.read() as connection:
        assert not connection.execute(sa.select(ProxyHealth)).all()


def test_proxy_that_does_not_work_rests_at_once(pool):
    note(pool, 2, Outcome.TIMED_OUT, is_proxys_fault=True)
    assert chosen(pool) == [1, 1, 1, 1]


def test_rest_doubles_up_to_a_limit():
    rests = [rest_of(failures) for failures in range(3, 40)]
    assert rests[:3] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST]
    assert rests[-1] == LONGEST_REST


def test_all_resting_is_said_with_its_end(pool, clock):
    for number in (1, 2):
        note(pool, number, Outcome.TIMED_OUT, is_proxys_fault=True)
        clock.now += timedelta(seconds=10)
    with pytest.raises(AllResting, match="Every proxy rests, the first until 2026-11-23 12:01:00 UTC"):
        chosen(pool)


def test_health_holds_over_runs_and_names_no_password(pool, database, clock):
    note(pool, 1, *[Outcome.BLOCKED] * 3)
    later = ProxyPool(database, proxies_of(settings_with(TWO)), clock)
    assert chosen(later) == [2, 2, 2, 2]
    with database.read() as connection:
        (row,) = connection.execute(sa.select(ProxyHealth)).all()
    assert (row.name, row.failures, row.last_outcome) == ("one.example:8080", 3, "blocked")
