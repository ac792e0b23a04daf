"""How many events are on their way to an endpoint at once: as many as it takes without slowing down.

Additive increase, multiplicative decrease, as TCP does it; that an answer takes much longer than the best
counts as congestion, for n8n queues what it cannot do yet and answers late.
"""

from __future__ import annotations

import math

FIRST_LIMIT = 4
SLOWER, TOLERATED_SECONDS = 3.0, 0.25  # answers that take three times the best, and a quarter second more
SHRINK_SLOW, SHRINK_FAILED = 0.95, 0.5
FORGET = 1.002  # the best drifts up with every answer: a receiver may be slower for good
SMOOTHING = 0.2


class Pace:
    """The limit for one endpoint, between 1 and ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(min(most, FIRST_LIMIT))
        self._best, self._usual = math.inf, 0.0

    @property
    def limit(self) -> int:
        """How many may be on their way now."""
        return int(self._limit)

    def answered(self, seconds: float, *, taken: bool) -> None:
        """Learn from an answer that came after ``seconds``."""
        if not taken:
            self._limit = max(1.0, self._limit * SHRINK_FAILED)
            return
        self._best = min(self._best * FORGET, max(seconds, 1e-6))
        self._usual += SMOOTHING * (seconds - self._usual)
        if self._usual > SLOWER * self._best + TOLERATED_SECONDS:
            self._limit = max(1.0, self._limit * SHRINK_SLOW)
        else:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)
