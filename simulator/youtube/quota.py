"""The project's daily quota, by bucket and by day of California."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from simulator.clock import Clock

Bucket = Literal["default", "stats", "search"]
BUCKETS: tuple[Bucket, ...] = ("default", "stats", "search")
PACIFIC = ZoneInfo("America/Los_Angeles")
DAILY_UNITS, STATS_UNITS, SEARCH_CALLS = 10_000, 10_000, 100


class Quota:
    """Counts units; ``used`` and ``refusals`` go by day and bucket, a day is ``2026-11-23``."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.limits: dict[Bucket, int] = {
            "default": DAILY_UNITS,
            "stats": STATS_UNITS,
            "search": SEARCH_CALLS,
        }
        self.used: dict[str, dict[Bucket, int]] = {}
        self.refusals: dict[str, dict[Bucket, int]] = {}
        self._day, self._begins_at, self._ends_at = "", 0.0, 0.0

    def today(self) -> str:
        """Return the day it is in California by the simulated clock."""
        now = self.clock.now()
        if not self._begins_at <= now < self._ends_at:
            local = datetime.fromtimestamp(now, UTC).astimezone(PACIFIC)
            midnight = datetime(local.year, local.month, local.day, tzinfo=PACIFIC)
            self._begins_at = midnight.timestamp()
            self._ends_at = (midnight + timedelta(days=1)).timestamp()
            self._day = f"{local:%Y-%m-%d}"
        return self._day

    def charge(self, bucket: Bucket) -> bool:
        """Count one unit; return whether there was one left."""
        day = self.today()
        used = self.used.setdefault(day, dict.fromkeys(BUCKETS, 0))
        if used[bucket] >= self.limits[bucket]:
            self.count_refusal(bucket)
            return False
        used[bucket] += 1
        return True

    def count_refusal(self, bucket: Bucket) -> None:
        """Count an answer ``quotaExceeded``."""
        self.refusals.setdefault(self.today(), dict.fromkeys(BUCKETS, 0))[bucket] += 1

    def status(self) -> dict[str, Any]:
        """Return what was used and refused, today and on the days before."""
        today = self.today()
        used = self.used.get(today, dict.fromkeys(BUCKETS, 0))
        return {
            "day": today,
            "limits": dict(self.limits),
            "used": used,
            "quota_exceeded": sum(sum(counts.values()) for counts in self.refusals.values()),
            "days": {
                day: {
                    "used": self.used.get(day, dict.fromkeys(BUCKETS, 0)),
                    "quota_exceeded": self.refusals.get(day, dict.fromkeys(BUCKETS, 0)),
                }
                for day in sorted({*self.used, *self.refusals})
            },
        }
