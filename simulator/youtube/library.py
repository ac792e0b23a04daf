"""What channels have: uploads, playlists and comment threads, by rule and by what was changed since.

A slot is the place of an upload counted from the oldest, which is 0. What was there at the start is private
where ``slot % 9 == 4`` and unlisted where ``slot % 9 == 7``; what came later is public.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from simulator.mixing import mix
from simulator.world import DAY_SECONDS, World
from simulator.youtube import names
from simulator.youtube.ids import PLACE_BITS, SLOT_BITS, SLOTS

Privacy = Literal["public", "unlisted", "private"]
LATEST_START = 1_790_000_000  # 2026-09-21, Unix seconds: before it, all uploads of the start
LONGEST_HISTORY_DAYS = 3_000
MANY_UPLOADS = 120
THREADS_PERIOD_DAYS = 40


@dataclass
class Changes:
    """What was changed of one channel since the start; slots, and times in Unix seconds."""

    added_at: dict[int, float] = field(default_factory=dict)
    removed_at: dict[int, float] = field(default_factory=dict)
    private: set[int] = field(default_factory=set)
    revisions: dict[int, int] = field(default_factory=dict)
    updated_at: dict[int, float] = field(default_factory=dict)
    title: str | None = None


UNCHANGED = Changes()


def created_at(account: int) -> int:
    """Return when a channel was made."""
    return LATEST_START - (200 + mix(221, account) % LONGEST_HISTORY_DAYS) * DAY_SECONDS


def first_uploads(account: int) -> int:
    """Return how many uploads a channel had at the start: 120 for every eleventh, else 3 to 40."""
    return MANY_UPLOADS if account % 11 == 0 else 3 + mix(223, account) % 38


@lru_cache(maxsize=1 << 17)
def first_published_at(number: int) -> int:
    """Return when an upload that was there at the start was published."""
    account, slot = number >> SLOT_BITS, number % SLOTS
    start = created_at(account)
    gap = (LATEST_START - start) / first_uploads(account)
    return int(start + slot * gap + mix(227, number) % 997 / 997 * gap * 0.9)


def comments_disabled(number: int) -> bool:
    """Tell whether nobody may comment on a video: where ``slot % 8 == 5``."""
    return number % SLOTS % 8 == 5  # noqa: PLR2004


def likes_hidden(number: int) -> bool:
    """Tell whether a video does not show its likes: where ``slot % 10 == 6``."""
    return number % SLOTS % 10 == 6  # noqa: PLR2004


def is_short(number: int) -> bool:
    """Tell whether a video is a Short: where ``slot % 5 == 3``."""
    return number % SLOTS % 5 == 3  # noqa: PLR2004


@lru_cache(maxsize=1 << 17)
def duration_seconds(number: int) -> int:
    """Return how long a video is."""
    seed = mix(229, number)
    return 8 + seed % 50 if is_short(number) else 61 + seed % 4_000


def hides_subscribers(account: int) -> bool:
    """Tell whether a channel hides how many subscribers it has: where ``account % 7 == 3``."""
    return account % 7 == 3  # noqa: PLR2004


def is_monetized(account: int) -> bool:
    """Tell whether a channel earns money: not where ``account % 13 == 5``."""
    return account % 13 != 5  # noqa: PLR2004


class Library:
    """The channels of all accounts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.changed: dict[int, Changes] = {}

    def changes(self, account: int) -> Changes:
        """Return what was changed of a channel; not to be written to."""
        return self.changed.get(account, UNCHANGED)

    def change(self, account: int) -> Changes:
        """Return the channel's changes, to write another into."""
        return self.changed.setdefault(account, Changes())

    def title(self, account: int) -> str:
        """Return what a channel is called."""
        return self.changes(account).title or names.channel_title(account)

    def next_slot(self, account: int) -> int:
        """Return the first slot never used: what was removed does not come back."""
        return first_uploads(account) + len(self.changes(account).added_at)

    def uploads(self, account: int) -> list[int]:
        """Return the numbers of a channel's uploads, newest first, private ones too."""
        base, removed = account << SLOT_BITS, self.changes(account).removed_at
        slots = range(self.next_slot(account) - 1, -1, -1)
        return [base | slot for slot in slots if slot not in removed]

    def listed(self, account: int, viewer: int | None) -> list[int]:
        """Return the uploads as a viewer sees them listed: all to the channel itself, else public ones."""
        uploads = self.uploads(account)
        return uploads if viewer == account else [number for number in uploads if self.is_public(number)]

    def ever_uploaded(self, account: int) -> list[int]:
        """Return the numbers of all uploads that ever were, oldest first."""
        base = account << SLOT_BITS
        return [base | slot for slot in range(self.next_slot(account))]

    def exists(self, number: int) -> bool:
        """Tell whether there is such a video."""
        account, slot = number >> SLOT_BITS, number % SLOTS
        if not self.world.has(account):
            return False
        return slot < self.next_slot(account) and slot not in self.changes(account).removed_at

    def privacy(self, number: int) -> Privacy:
        """Return who may see a video."""
        account, slot = number >> SLOT_BITS, number % SLOTS
        changes = self.changes(account)
        if slot in changes.private:
            return "private"
        if slot >= first_uploads(account):
            return "public"
        return "private" if slot % 9 == 4 else "unlisted" if slot % 9 == 7 else "public"  # noqa: PLR2004

    def is_public(self, number: int) -> bool:
        """Tell whether a video is listed for all."""
        return self.privacy(number) == "public"

    def answers(self, number: int, viewer: int | None) -> bool:
        """Tell whether a viewer who knows the id is shown the video."""
        if not self.exists(number):
            return False
        return viewer == number >> SLOT_BITS or self.privacy(number) != "private"

    def published_at(self, number: int) -> float:
        """Return when a video was published, Unix seconds."""
        slot = number % SLOTS
        added = self.changes(number >> SLOT_BITS).added_at
        return added[slot] if slot in added else first_published_at(number)

    def revision(self, number: int) -> int:
        """Return how often a video's title was changed."""
        return self.changes(number >> SLOT_BITS).revisions.get(number % SLOTS, 0)

    def removed_at(self, number: int) -> float | None:
        """Return when a video was deleted, Unix seconds."""
        return self.changes(number >> SLOT_BITS).removed_at.get(number % SLOTS)


def playlists(account: int) -> list[int]:
    """Return the numbers of the playlists that a channel made: none to six; the second is private."""
    return [account << PLACE_BITS | place for place in range(mix(231, account) % 7)]


def playlist_exists(number: int, world: World) -> bool:
    """Tell whether there is such a playlist."""
    account = number >> PLACE_BITS
    return world.has(account) and number in playlists(account)


def playlist_privacy(number: int) -> Privacy:
    """Return who may see a playlist."""
    return "private" if number % (1 << PLACE_BITS) == 1 else "public"


def playlist_videos(number: int) -> list[int]:
    """Return a playlist's videos, deleted ones too: every second or third of the uploads of the start."""
    account, place = number >> PLACE_BITS, number % (1 << PLACE_BITS)
    return [account << SLOT_BITS | slot for slot in range(place % 3, first_uploads(account), 2 + place % 2)]


def playlist_made_at(number: int) -> int:
    """Return when a playlist was made."""
    return created_at(number >> PLACE_BITS) + mix(233, number) % (150 * DAY_SECONDS)


def threads(number: int, born: float, now: float) -> int:
    """Return how many comment threads a video published at ``born`` has.

    Of the start it has 0 to 59, or 130 where ``slot % 10 == 0``, and each period brings one more; what was
    published later begins with none.
    """
    if comments_disabled(number):
        return 0
    return first_threads(number) * (born < LATEST_START) + max(
        0, int((now - max(born, LATEST_START)) // threads_period(number))
    )


def first_threads(number: int) -> int:
    """Return how many threads a video had at the start."""
    return 130 if number % SLOTS % 10 == 0 else mix(237, number) % 60


def threads_period(number: int) -> int:
    """Return how many seconds pass between two new threads."""
    return (3 + mix(239, number) % THREADS_PERIOD_DAYS) * DAY_SECONDS


def written_at(number: int, born: float, place: int) -> float:
    """Return when the thread at a place, counted from the oldest, was begun."""
    first = first_threads(number) if born < LATEST_START else 0
    if place < first:
        return born + (LATEST_START - born) * (place + 1) / (first + 2)
    return max(born, LATEST_START) + (place - first + 1) * threads_period(number)


def replies(place: int) -> int:
    """Return how many replies a thread has, by its place counted from the oldest."""
    return place % 3


def comments(number: int, born: float, now: float) -> int:
    """Return how many comments a video has, replies counted."""
    count = threads(number, born, now)
    return count + count // 3 * 3 + (1 if count % 3 == 2 else 0)  # noqa: PLR2004
