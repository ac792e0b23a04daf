"""The simulator's own clock, which can be moved ahead of the real one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache


class Clock:
    """Unix seconds; ``wall`` is the real time, ``now`` runs ahead of it by what ``advance`` was given."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self.wall = wall
        self.ahead_seconds = 0.0

    def now(self) -> float:
        """Return the simulated time."""
        return self.wall() + self.ahead_seconds

    def advance(self, seconds: float) -> None:
        """Move the simulated time ahead, or back where ``seconds`` is negative."""
        self.ahead_seconds += seconds


@lru_cache(maxsize=1 << 13)
def timestamp(seconds: float) -> str:
    """Write Unix seconds as providers do: ``2026-11-23T10:00:00Z``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
