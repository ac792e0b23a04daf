"""The circuit breaker of an endpoint: after failures in a row, one event at a time asks whether it is back.

While it is open no event spends a retry, however long the receiver is away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

OPENS_AFTER = 10
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True)
class Breaker:
    """What an endpoint's last answers came to; ``probe_at`` is when one event is tried again.

    ``failures`` are those in a row, ``trips`` the times that it opened since it was last closed.
    """

    state: State = "closed"
    failures: int = 0
    trips: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None

    def after(self, answers: Iterable[bool], now: datetime) -> Breaker:
        """Return what it is after some answers, each whether the event was taken, in their order."""
        breaker = self
        for taken in answers:
            breaker = CLOSED if taken else breaker._after_failure(now)
        return breaker

    def may_probe(self, now: datetime) -> bool:
        """Say whether it is time to try one event of an endpoint that does not answer."""
        return self.state != "closed" and (self.probe_at is None or self.probe_at <= now)

    def probing(self, until: datetime) -> Breaker:
        """Return what it is while one event is tried; where no answer comes ``until`` then, another is."""
        return replace(self, state="half_open", probe_at=until)

    def _after_failure(self, now: datetime) -> Breaker:
        failed = replace(self, failures=self.failures + 1)
        if self.state == "open" or (self.state == "closed" and failed.failures < OPENS_AFTER):
            return failed
        pause = min(FIRST_PAUSE * 2 ** min(self.trips, 16), LONGEST_PAUSE)
        opened_at = self.opened_at or now
        return replace(failed, state="open", trips=self.trips + 1, opened_at=opened_at, probe_at=now + pause)


CLOSED = Breaker()
