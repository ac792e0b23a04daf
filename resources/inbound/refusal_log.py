"""What the audit log keeps of refused calls, however many there are."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from resources import audit
from resources.backline import Backline

logger = logging.getLogger(__name__)

SUBJECT = "/hooks/n8n"
WINDOW_SECONDS, MOST_ROWS = 60.0, 20
ELSEWHERE = "other addresses"


class Kind(NamedTuple):
    """What refusals are counted by."""

    actor: str
    reason: str
    source: str


class RefusalLog:
    """Writes refusals into the audit log: the first of each kind at once, the others of a minute as a number.

    So one process writes at most 20 first ones and 20 numbers a minute, and a few for all other addresses,
    whatever is sent.
    """

    def __init__(self, backline: Backline, clock: Callable[[], float] = time.monotonic) -> None:
        self._backline, self._clock = backline, clock
        self._lock = threading.Lock()
        self._window_ends = 0.0
        self._written: set[Kind] = set()
        self._held: Counter[Kind] = Counter()

    def note(self, kind: Kind) -> None:
        """Write a refusal down, or count it; a database that fails costs the entry, not the answer."""
        with self._lock:
            due = self._next_window() if self._clock() >= self._window_ends else {}
            if kind in self._written or len(self._written) >= MOST_ROWS:
                self._held[kind if kind in self._written else kind._replace(source=ELSEWHERE)] += 1
            else:
                self._written.add(kind)
                due = {**due, kind: due.get(kind, 0) + 1}
        self._write(due)

    def flush(self) -> None:
        """Write what was only counted so far."""
        with self._lock:
            due, self._held = dict(self._held), Counter()
        self._write(due)

    def _next_window(self) -> dict[Kind, int]:
        held, self._held, self._written = dict(self._held), Counter(), set()
        self._window_ends = self._clock() + WINDOW_SECONDS
        return held

    def _write(self, due: dict[Kind, int]) -> None:
        if not due:
            return
        try:
            with self._backline.database.write() as connection:
                for kind, count in due.items():
                    details: dict[str, Any] = {"reason": kind.reason, "source": kind.source, "count": count}
                    audit.record(connection, kind.actor, "inbound.refused", SUBJECT, **details)
        except SQLAlchemyError as error:
            logger.warning("%d kinds of refused calls are not in the audit log: %s.", len(due), type(error))
