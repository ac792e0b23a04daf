"""Response times: percentiles as ``statistics`` has them, to 5 %."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.latency import SMALLEST_SECONDS, LatencyHistogram

durations = st.lists(st.floats(SMALLEST_SECONDS, 3_600), min_size=1, max_size=200)
SLACK = 1e-9


def histogram_of(seconds: list[float]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for duration in seconds:
        histogram.add(duration)
    return histogram


@given(durations)
def test_mean_is_the_mean(seconds):
    assert histogram_of(seconds).mean_ms == pytest.approx(statistics.fmean(seconds) * 1000)


@given(durations)
def test_median_is_the_median_to_five_percent(seconds):
    true = statistics.median_low(seconds) * 1000
    assert true * (1 - SLACK) <= histogram_of(seconds).percentile_ms(0.5) <= true * 1.05 * (1 + SLACK)


@given(seconds=durations, percent=st.integers(1, 100))
def test_percentile_is_never_below_the_true_one_and_at_most_five_percent_above(seconds, percent):
    true = sorted(seconds)[math.ceil(len(seconds) * percent / 100) - 1] * 1000
    told = histogram_of(seconds).percentile_ms(percent / 100)
    if not (len(seconds) * percent / 100).is_integer():  # at an edge, rounding may tell the next one
        assert told <= true * 1.05 * (1 + SLACK)
    assert told >= true * (1 - SLACK)


@given(first=durations, second=durations)
def test_merged_is_as_if_counted_together(first, second):
    merged, together = histogram_of(first), histogram_of([*first, *second])
    merged.merge(histogram_of(second))
    assert merged.mean_ms == pytest.approx(together.mean_ms)
    for share in (0.05, 0.5, 0.95, 1):
        assert merged.percentile_ms(share) == together.percentile_ms(share)


def test_nothing_counted_is_zero():
    assert (LatencyHistogram().mean_ms, LatencyHistogram().percentile_ms(0.95)) == (0.0, 0.0)


@pytest.mark.parametrize("seconds", [0.0, -1e-9, 1e-9])
def test_immeasurably_short_counts_as_the_shortest(seconds):
    assert 0 < histogram_of([seconds]).percentile_ms(1) <= SMALLEST_SECONDS * 1000 * 1.05 * (1 + SLACK)


def test_memory_does_not_grow_with_what_is_counted():
    histogram = histogram_of([n / 1000 for n in range(1, 20_000)])
    assert len(histogram._buckets) < 250
