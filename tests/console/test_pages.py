"""Words for time."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.pages import apart

NOW = dt.datetime(2026, 11, 23, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (dt.timedelta(seconds=-5), "just now"),
        (dt.timedelta(seconds=5), "in a moment"),
        (dt.timedelta(seconds=-50), "1 min ago"),
        (dt.timedelta(minutes=-89), "89 min ago"),
        (dt.timedelta(hours=-2), "2 h ago"),
        (dt.timedelta(hours=47), "in 47 h"),
        (dt.timedelta(days=-3), "3 days ago"),
        (dt.timedelta(days=182), "in 6 months"),
    ],
)
def test_distance_is_said_in_the_unit_that_fits(span, said):
    assert apart(NOW + span, NOW) == said


@given(st.timedeltas(dt.timedelta(days=-3000), dt.timedelta(days=3000)))
def test_past_and_future_are_never_mixed_up(span):
    said = apart(NOW + span, NOW)
    assert said.startswith("in ") == (span > dt.timedelta(0))
