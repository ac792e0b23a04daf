"""What is counted of videos: every counter at every moment, so that the Data API and Analytics agree.

A counter is a share of a video's views, whole at each moment; what a day brought is the difference between
its two ends. Days are those of UTC-8, numbered from 1970-01-01.
"""

from __future__ import annotations

from functools import lru_cache
from math import log1p
from typing import NamedTuple

from simulator.mixing import mix
from simulator.world import DAY_SECONDS
from simulator.youtube.ids import SLOT_BITS
from simulator.youtube.library import duration_seconds

WEST_SECONDS = 8 * 3_600
STEADY = 0.01
COUNTERS = (
    *("views", "engagedViews", "likes", "dislikes", "comments", "shares", "subscribersGained"),
    *("subscribersLost", "videosAddedToPlaylists", "videosRemovedFromPlaylists", "redViews"),
    *("watched_seconds", "offered_seconds", "red_watched_seconds", "monetizedPlaybacks", "adImpressions"),
    *("ad_micros", "red_micros"),
)
PLACES = {name: place for place, name in enumerate(COUNTERS)}
LIKES, GAINED, LOST = PLACES["likes"], PLACES["subscribersGained"], PLACES["subscribersLost"]


class Pace(NamedTuple):
    """How much a video is watched, and what share of its views each counter is."""

    scale: float
    shares: tuple[float, ...]


def day_of(seconds: float) -> float:
    """Return the day, with its part, that Unix seconds lie in."""
    return (seconds - WEST_SECONDS) / DAY_SECONDS


@lru_cache(maxsize=1 << 12)
def popularity(account: int) -> float:
    """Return how many views a channel's videos draw at first, 20 to some 100,000."""
    return float(20 * 10 ** (mix(251, account) % 1_000 / 270))


@lru_cache(maxsize=1 << 17)
def pace(number: int) -> Pace:
    """Return a video's pace."""
    seed = mix(253, number)
    part = [(seed >> 6 * place & 63) / 63 for place in range(10)]
    duration = duration_seconds(number)
    watched = duration * (0.25 + 0.4 * part[0])
    monetized = 0.3 + 0.4 * part[1]
    return Pace(
        popularity(number >> SLOT_BITS) * (0.2 + 2.8 * part[2]),
        (
            *(1.0, 0.55 + 0.35 * part[3], 0.02 + 0.04 * part[4], 0.0005 + 0.0015 * part[5]),
            *(0.001 + 0.004 * part[6], 0.002 + 0.008 * part[7], 0.001 + 0.005 * part[8]),
            *(0.0003 + 0.0009 * part[8], 0.004 * part[9], 0.001 * part[9], 0.06, watched, float(duration)),
            *(watched * 0.07, monetized, monetized * 1.3, monetized * 2_600, 0.06 * 900),
        ),
    )


def views_at(number: int, born: float, day: float) -> float:
    """Return a video's views so far; it was published at the day ``born``."""
    whole = int(day)
    before = _views(number, born, whole)
    part = day - whole
    return before + part * (_views(number, born, whole + 1) - before) if part else before


def _views(number: int, born: float, day: int) -> float:
    """Return the views at a day's begin: many at first, then steady, each day a little otherwise."""
    age = day - born
    if age <= 0:
        return 0.0
    noise = ((number * 0x9E3779B1 ^ day * 0x85EBCA6B) * 0xC2B2AE35 >> 12 & 0xFFFF) / 0xFFFF
    return pace(number).scale * (log1p(age) + STEADY * (age + 0.8 * noise * min(1.0, age)))
