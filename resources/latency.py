"""Response times in constant memory: a histogram of buckets that each span 5 %."""

from __future__ import annotations

import math
from collections import Counter

STEP = math.log(1.05)
SMALLEST_SECONDS = 1e-4


class LatencyHistogram:
    """Counts durations and tells their mean and percentiles, the latter to 5 %."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._count, self._sum = 0, 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._buckets[int(math.log(max(seconds, SMALLEST_SECONDS) / SMALLEST_SECONDS) / STEP)] += 1
        self._count += 1
        self._sum += seconds

    def merge(self, other: LatencyHistogram) -> None:
        """Count all that another counted."""
        self._buckets.update(other._buckets)
        self._count += other._count
        self._sum += other._sum

    @property
    def mean_ms(self) -> float:
        """The mean in milliseconds, 0 where nothing was counted."""
        return self._sum / self._count * 1000 if self._count else 0.0

    def percentile_ms(self, share: float) -> float:
        """Return the duration in milliseconds that ``share`` (0 to 1) of the counted do not exceed."""
        wanted, seen = share * self._count, 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return SMALLEST_SECONDS * math.exp((bucket + 1) * STEP) * 1000
        return 0.0
