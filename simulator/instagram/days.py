"""An account's numbers day by day: the same whenever they are read, but for the last two days, which grow."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.instagram import profile, times
from simulator.instagram.state import State
from simulator.mixing import mix

GROWN_SECONDS = 48 * 3_600
AT_DAY_END_PERCENT = 80
UNIQUE = ("reach", "accounts_engaged")  # people, who are not counted twice in a longer window
SCALES = {  # per thousand of an account's usual reach
    "reach": 1_000,
    "views": 1_700,
    "accounts_engaged": 150,
    "total_interactions": 260,
    "likes": 180,
    "comments": 25,
    "saves": 20,
    "shares": 18,
    "replies": 6,
    "reposts": 8,
    "profile_links_taps": 12,
}


def within(state: State, since: float, until: float) -> list[int]:
    """Return the days, as ordinals, that end in a window and have begun."""
    first, last = times.day_of(since), min(times.day_of(until), times.day_of(state.now))
    return [day for day in range(first, last + 1) if since < times.day_end(day) <= until]


def value(state: State, account: int, metric: str, day: int) -> int:
    """Return one day's number, as far as it is known now."""
    return _final(account, metric, day) * _percent(state, day) // 100


def total(state: State, account: int, metric: str, days: Iterable[int]) -> int:
    """Return a window's number: a sum, or for people less than one."""
    values = [value(state, account, metric, day) for day in days]
    if metric not in UNIQUE or not values:
        return sum(values)
    return max(values) + (sum(values) - max(values)) // 3


def _final(account: int, metric: str, day: int) -> int:
    if metric == "follower_count":
        return profile.follows_on(account, day)
    if metric == "unfollows":
        return profile.unfollows_on(account, day)
    usual = 3 + profile.followers_at(account, day) // 4
    swing = 50 + mix(347, account, day) % 100  # percent, of all metrics alike
    own = 90 + mix(359, account, day, SCALES[metric]) % 20  # percent
    return usual * swing * own * SCALES[metric] // 10_000_000


def _percent(state: State, day: int) -> int:
    """Return how much of a day's number is counted by now."""
    after = state.now - times.day_end(day)
    if after >= GROWN_SECONDS:
        return 100
    if after >= 0:
        return AT_DAY_END_PERCENT + int(after * (100 - AT_DAY_END_PERCENT) / GROWN_SECONDS)
    return max(0, int(AT_DAY_END_PERCENT * (1 + after / times.DAY_SECONDS)))
