"""Moments as Instagram writes and reads them, and its days, which begin at midnight in California."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from simulator.instagram.errors import Refused

PACIFIC = ZoneInfo("America/Los_Angeles")
HOUR_SECONDS, DAY_SECONDS = 3_600, 86_400
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
LONGEST_NUMBER = 11  # digits of Unix seconds


def graph_time(seconds: float) -> str:
    """Write Unix seconds as the Graph API does: ``2026-11-23T10:00:00+0000``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S+0000}"


@lru_cache(maxsize=1 << 12)
def day_end(day: int) -> float:
    """Return when a day, given as its ordinal, ends in California, in Unix seconds: 07:00 or 08:00 UTC."""
    following = date.fromordinal(day) + timedelta(days=1)
    return datetime.combine(following, time(), PACIFIC).timestamp()


def day_of(seconds: float) -> int:
    """Return the ordinal of the day it is in California."""
    return datetime.fromtimestamp(seconds, PACIFIC).date().toordinal()


def read_moment(name: str, text: str) -> float:
    """Read Unix seconds, or a day as its midnight in California; raise ``Refused`` for anything else."""
    if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER:
        return float(text)
    if DAY.fullmatch(text):
        try:
            return datetime.combine(date.fromisoformat(text), time(), PACIFIC).timestamp()
        except ValueError:
            pass
    raise Refused(f"(#100) {name} param is not valid.")
