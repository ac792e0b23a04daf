"""The log of requests that providers and the receiver were asked."""

from __future__ import annotations

from collections import deque

import msgspec

LONGEST = 100_000


class Entry(msgspec.Struct, frozen=True):
    """One answered request; ``at`` is Unix seconds of the simulated time, ``fault`` the rule that met it."""

    method: str
    path: str
    query: str
    status: int
    account: int | None
    at: float
    fault: str | None = None


class Journal:
    """The last 100,000 requests."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=LONGEST)

    def add(self, entry: Entry) -> None:
        """Remember one more; the oldest falls off."""
        self.entries.append(entry)

    def under(self, path_prefix: str) -> list[Entry]:
        """Return those whose path starts so, oldest first."""
        return [entry for entry in self.entries if entry.path.startswith(path_prefix)]
