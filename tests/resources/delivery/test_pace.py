"""The pace: as many at once as a receiver takes without slowing down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.delivery.pace import FIRST_LIMIT, Pace

pytestmark = pytest.mark.webhooks

seconds = st.floats(0, 60, allow_nan=False)


@given(st.integers(1, 256), st.lists(st.tuples(seconds, st.booleans()), max_size=200))
def test_limit_stays_between_one_and_the_most(most, answers):
    pace = Pace(most)
    for took, taken in answers:
        pace.answered(took, taken=taken)
        assert 1 <= pace.limit <= most


@given(st.integers(1, 128), st.floats(0.0001, 5))
def test_steady_answers_bring_it_to_the_most(most, took):
    pace = Pace(most)
    for _ in range(most * most):
        pace.answered(took, taken=True)
    assert pace.limit == most


def test_it_begins_gently():
    assert Pace(64).limit == FIRST_LIMIT
    assert Pace(2).limit == 2


def test_answers_that_become_slow_bring_it_down_to_one_and_fast_ones_up_again():
    pace = Pace(8)
    for _ in range(100):
        pace.answered(0.05, taken=True)
    for _ in range(200):
        pace.answered(3.6, taken=True)
    assert pace.limit == 1
    for _ in range(200):
        pace.answered(0.05, taken=True)
    assert pace.limit == 8


def test_failures_halve_it():
    pace = Pace(64)
    for _ in range(5_000):
        pace.answered(0.01, taken=True)
    limits = []
    for _ in range(4):
        pace.answered(0.01, taken=False)
        limits.append(pace.limit)
    assert limits == [32, 16, 8, 4]


def test_a_receiver_that_is_slow_for_good_is_not_left_at_one():
    pace = Pace(8)
    pace.answered(0.01, taken=True)
    for _ in range(3_000):
        pace.answered(1.0, taken=True)
    assert pace.limit == 8
