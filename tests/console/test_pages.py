"""Words for time."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.pages import amount, apart, coded, span

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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Run `backline doctor`, now", "Run <code>backline doctor</code>, now"),
        ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
        ("one ` alone <b>", "one ` alone &lt;b&gt;"),
        ("{0} `{1}`", "{0} <code>{1}</code>"),
    ],
)
def test_what_stands_between_backticks_is_code_and_harmless(text, shown):
    assert coded(text) == shown


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59, "59 s"), (95, "1 min 35 s"), (7_800, "2 h 10 min")]
)
def test_spans_are_said_in_two_units(seconds, said):
    assert span(seconds) == said


@pytest.mark.parametrize(("number", "said"), [(2_000, "2,000"), (0.5, "0.5"), (1_234_567.25, "1,234,567.25")])
def test_numbers_are_grouped(number, said):
    assert amount(number) == said
