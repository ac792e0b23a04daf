"""Edits of a channel: what it publishes, deletes, hides and renames after the simulator started."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from simulator.platform import Some
from simulator.youtube.ids import SLOTS, video_id
from simulator.youtube.library import Library


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/edit``; places count the owner's uploads before the edit, newest first."""

    account: int
    provider: Literal["youtube"]
    add_videos: Some = 0
    remove_videos: tuple[int, ...] = ()
    private: tuple[int, ...] = ()
    retitle: tuple[int, ...] = ()
    rename: str | None = None


def apply_edit(shelf: Library, order: Edit) -> dict[str, Any]:
    """Change the channel, and return what it has now; raise ``IndexError`` for a place that is not there."""
    uploads = shelf.uploads(order.account)
    for name, places in (
        ("remove_videos", order.remove_videos),
        ("private", order.private),
        ("retitle", order.retitle),
    ):
        if not all(0 <= place < len(uploads) for place in places):
            raise IndexError(f"{name}: there are places 0 to {len(uploads) - 1}")
    if shelf.next_slot(order.account) + order.add_videos > SLOTS:
        raise IndexError(f"add_videos: a channel publishes {SLOTS} videos at most")
    changes = shelf.change(order.account)
    remove(shelf, [uploads[place] for place in order.remove_videos])
    changes.private |= {uploads[place] % SLOTS for place in order.private}
    retitle(shelf, [uploads[place] for place in order.retitle])
    added = add(shelf, order.account, order.add_videos)
    changes.title = order.rename or changes.title
    return {
        "account": order.account,
        "title": shelf.title(order.account),
        "uploads": len(shelf.uploads(order.account)),
        "added": [video_id(number) for number in added],
    }


def add(shelf: Library, account: int, count: int) -> list[int]:
    """Publish videos now, a second apart, and return their numbers."""
    now, changes, numbers = shelf.world.clock.now(), shelf.change(account), []
    for left in range(count - 1, -1, -1):
        slot = shelf.next_slot(account)
        last = max(changes.added_at.values(), default=0.0)
        changes.added_at[slot] = max(now - left, last + 1)
        numbers.append(account * SLOTS + slot)
    return numbers


def remove(shelf: Library, numbers: Iterable[int]) -> None:
    """Delete videos."""
    for number in numbers:
        shelf.change(number // SLOTS).removed_at[number % SLOTS] = shelf.world.clock.now()


def retitle(shelf: Library, numbers: Iterable[int]) -> None:
    """Give videos another title."""
    for number in numbers:
        changes, slot = shelf.change(number // SLOTS), number % SLOTS
        changes.revisions[slot] = changes.revisions.get(slot, 0) + 1
        changes.updated_at[slot] = shelf.world.clock.now()
