"""How near a limit is: the headers by which Meta tells how much of it is used, and the pace that follows.

Source: https://developers.facebook.com/docs/graph-api/overview/rate-limiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from resources.provider import UsageHeaders
from resources.replies import UNREADABLE

EASE_FROM_PERCENT, STOP_FROM_PERCENT = 75.0, 95.0
LONGEST_EASING_SECONDS = 2.0
REGAIN = timedelta(minutes=10)  # where a header does not say when
LONGEST_REGAIN_MINUTES, MOST_PERCENT = 7 * 24 * 60, 1_000_000
PERCENTAGES = ("call_count", "total_cputime", "total_time")


@dataclass(frozen=True)
class Pressure:
    """The largest share of a limit that is used, in percent, and how long until some of it is free."""

    percent: float = 0.0
    regain: timedelta = REGAIN

    @property
    def easing_seconds(self) -> float:
        """How long to wait between requests, growing as the limit comes nearer."""
        over = (self.percent - EASE_FROM_PERCENT) / (100.0 - EASE_FROM_PERCENT)
        return min(max(over, 0.0), 1.0) * LONGEST_EASING_SECONDS

    @property
    def is_full(self) -> bool:
        """Whether the next request would only make it worse."""
        return self.percent >= STOP_FROM_PERCENT


def pressures(headers: Mapping[str, str], names: UsageHeaders) -> tuple[Pressure | None, Pressure | None]:
    """Return the app's and the account's pressure; ``None`` where a header is missing or not understood."""
    return _largest(headers.get(names.app, "")), _largest(headers.get(names.account, ""))


def _largest(text: str) -> Pressure | None:
    if not text:
        return None
    try:
        found = list(_usages(msgspec.json.decode(text)))
    except (*UNREADABLE, UnicodeEncodeError):
        return None
    return max(found, key=lambda pressure: pressure.percent, default=None)


def _usages(value: Any) -> Iterator[Pressure]:
    """Yield every usage in a header's JSON, however deep: the business header holds lists by id."""
    if isinstance(value, list):
        for one in value:
            yield from _usages(one)
    if not isinstance(value, dict):
        return
    numbers = [number for name in PERCENTAGES if (number := _number(value.get(name))) is not None]
    if numbers:
        minutes = _number(value.get("estimated_time_to_regain_access")) or 0
        is_known = 0 < minutes <= LONGEST_REGAIN_MINUTES
        percent = float(min(max(numbers), MOST_PERCENT))
        yield Pressure(percent, timedelta(minutes=minutes) if is_known else REGAIN)
        return
    for one in value.values():
        yield from _usages(one)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
