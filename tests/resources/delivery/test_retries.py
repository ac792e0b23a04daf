"""When an event that was not taken is tried again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.delivery.retries import JITTER, RETRY_SECONDS, retry_wait

pytestmark = pytest.mark.webhooks

CONTRACTS = Path(__file__).parents[4] / "shared" / "CONTRACTS.md"
DAY = 86_400
chances = st.floats(0, 1, exclude_max=True)


def test_schedule_is_that_of_the_contract():
    assert RETRY_SECONDS == (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200, DAY)
    if not CONTRACTS.exists():
        pytest.skip(f"{CONTRACTS} is not here")
    written = re.search(r"retried at about (.+) with jitter", CONTRACTS.read_text())
    unit = {"s": 1, "min": 60, "h": 3_600}
    waits = [int(n) * unit[u] for n, u in re.findall(r"(\d+) (s|min|h)", written[1])] if written else []
    assert tuple(waits) == RETRY_SECONDS


@given(retries=st.integers(1, len(RETRY_SECONDS)), chance=chances)
def test_wait_is_within_a_fifth_of_the_schedule(retries, chance):
    wait, planned = retry_wait(retries, None, chance), RETRY_SECONDS[retries - 1]
    assert planned * (1 - JITTER) <= wait <= planned * (1 + JITTER)


@pytest.mark.parametrize("retries", range(1, len(RETRY_SECONDS) + 1))
def test_jitter_spreads_to_both_sides_and_is_the_planned_wait_in_the_middle(retries):
    planned = RETRY_SECONDS[retries - 1]
    waits = [retry_wait(retries, None, chance) for chance in (0.0, 0.5, 1.0)]
    assert waits == pytest.approx([planned * 0.8, planned, planned * 1.2])


@given(retries=st.integers(1, len(RETRY_SECONDS)), retry_after=st.floats(0, 10 * DAY), chance=chances)
def test_longer_retry_after_is_honoured_up_to_a_day(retries, retry_after, chance):
    wait = retry_wait(retries, retry_after, chance)
    assert wait >= min(retry_after, DAY)
    assert wait == max(retry_wait(retries, None, chance), min(retry_after, DAY))


@given(
    retries=st.integers(len(RETRY_SECONDS) + 1, 100),
    retry_after=st.none() | st.floats(0, DAY),
    chance=chances,
)
def test_after_the_last_wait_there_is_no_further_attempt(retries, retry_after, chance):
    assert retry_wait(retries, retry_after, chance) is None
