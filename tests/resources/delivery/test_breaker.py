"""The breaker: opens after failures in a row, asks with one event at a time, closes when one is taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.delivery.breaker import CLOSED, FIRST_PAUSE, LONGEST_PAUSE, OPENS_AFTER, Breaker

pytestmark = pytest.mark.webhooks

NOW = datetime(2026, 11, 24, tzinfo=UTC)
answers = st.lists(st.booleans(), max_size=60)


def opened():
    return CLOSED.after([False] * OPENS_AFTER, NOW)


def test_failures_in_a_row_open_it_and_fewer_do_not():
    assert CLOSED.after([False] * (OPENS_AFTER - 1), NOW).state == "closed"
    assert (opened().state, opened().opened_at, opened().probe_at) == ("open", NOW, NOW + FIRST_PAUSE)


@given(answers)
def test_one_event_that_is_taken_closes_it_and_forgets_all(before):
    assert CLOSED.after([*before, True], NOW) == CLOSED


@given(answers)
def test_it_is_open_exactly_when_the_last_answers_were_all_failures(found):
    trailing = len(found) - max((place + 1 for place, taken in enumerate(found) if taken), default=0)
    breaker = CLOSED.after(found, NOW)
    assert (breaker.state == "open") == (trailing >= OPENS_AFTER)
    assert breaker.failures == trailing


@given(st.integers(1, 40))
def test_pauses_double_up_to_the_longest_and_it_says_since_when_it_is_open(trips):
    breaker, pauses = opened(), []
    for number in range(trips):
        now = NOW + timedelta(hours=number)
        pauses.append(breaker.probe_at - (now - timedelta(hours=1) if number else NOW))
        breaker = breaker.probing(now + timedelta(minutes=1)).after([False], now)
    assert pauses == [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(trips)]
    assert (breaker.state, breaker.opened_at) == ("open", NOW)


def test_it_may_be_asked_when_its_pause_is_over():
    assert not opened().may_probe(NOW)
    assert opened().may_probe(NOW + FIRST_PAUSE)
    assert not CLOSED.may_probe(NOW)


def test_a_probe_that_never_answers_is_followed_by_another():
    probing = opened().probing(NOW + timedelta(minutes=1))
    assert (probing.state, probing.may_probe(NOW)) == ("half_open", False)
    assert probing.may_probe(NOW + timedelta(minutes=1))


def test_failures_of_posts_that_were_under_way_do_not_lengthen_the_pause():
    assert opened().after([False] * 5, NOW + timedelta(seconds=1)).probe_at == opened().probe_at


def test_it_is_a_value():
    assert Breaker() == CLOSED
