"""What the simulator remembers: its clock, its accounts' edits, its faults and its log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from simulator.clock import Clock
from simulator.faults import Faults
from simulator.journal import Journal

Mode = Literal["development", "extended"]
Collection = Literal["saved_tracks", "saved_albums", "followed_artists"]
DAY_SECONDS = 86_400


@dataclass
class Edits:
    """What was changed of one account since the start; all else follows from its number.

    ``slots`` holds, for a changed collection, its slots in the order shown, newest first, and
    ``added_at`` when slots came that were not there at the start, in Unix seconds.
    """

    slots: dict[str, list[int]] = field(default_factory=dict)
    added_at: dict[tuple[str, int], float] = field(default_factory=dict)
    played_at_ms: list[int] = field(default_factory=list)
    playlist_touches: dict[int, int] = field(default_factory=dict)
    display_name: str | None = None


UNCHANGED = Edits()


@dataclass
class World:
    """All state of one simulator. ``rate_limit`` is requests in 30 s of one app, 0 for none."""

    accounts: int = 1_000
    latency_ms: float = 0
    rate_limit: int = 2_000
    spotify_mode: Mode = "development"
    allowlist: frozenset[int] = frozenset(range(5))
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    edits: dict[int, Edits] = field(default_factory=dict)
    played_until: float = 0
    version: int = 0

    def __post_init__(self) -> None:
        """Let all plays lie before the day of the start, so that a restart on that day repeats them."""
        if not self.played_until:
            now = self.clock.now()
            self.played_until = now - now % DAY_SECONDS

    def edits_of(self, account: int) -> Edits:
        """Return what was changed of an account; not to be written to."""
        return self.edits.get(account, UNCHANGED)

    def edit(self, account: int) -> Edits:
        """Return the account's changes, to write another into."""
        self.version += 1
        return self.edits.setdefault(account, Edits())

    def has(self, account: int) -> bool:
        """Tell whether there is such an account."""
        return 0 <= account < self.accounts
