"""Edits of an account: what it adds, removes, plays and renames after the simulator started."""

from __future__ import annotations

from typing import Literal

import msgspec

from simulator.platform import Some
from simulator.spotify import library, playlists
from simulator.spotify.catalogue import ARTISTS
from simulator.world import Collection, World

PLAY_MS = 180_000


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """Change of a collection: places to remove, as listed before, then how many new things come on top."""

    remove: tuple[int, ...] = ()
    add: Some = 0


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/edit``. ``playlist_touch`` holds places in the account's own playlists."""

    account: int
    provider: Literal["spotify"] = "spotify"
    saved_tracks: Change | None = None
    saved_albums: Change | None = None
    followed_artists: Change | None = None
    plays: Some = 0
    playlist_touch: tuple[int, ...] = ()
    display_name: str | None = None


def apply_edit(world: World, order: Edit) -> dict[str, int]:
    """Change the account, and return what it has now; raise ``IndexError`` for a place that is not there."""
    _check(world, order)
    edits = world.edit(order.account)
    _change(world, order.account, "saved_tracks", order.saved_tracks)
    _change(world, order.account, "saved_albums", order.saved_albums)
    _change(world, order.account, "followed_artists", order.followed_artists)
    for place in order.playlist_touch:
        edits.playlist_touches[place] = edits.playlist_touches.get(place, 0) + 1
    _play(world, order.account, order.plays)
    edits.display_name = order.display_name or edits.display_name
    return {
        "account": order.account,
        "saved_tracks": len(library.slots(world, order.account, "saved_tracks")),
        "saved_albums": len(library.slots(world, order.account, "saved_albums")),
        "followed_artists": len(library.slots(world, order.account, "followed_artists")),
        "plays": len(library.plays(world, order.account)),
    }


def _check(world: World, order: Edit) -> None:
    """Refuse an order as a whole, so that none is carried out by half."""
    changes: tuple[tuple[Collection, Change | None], ...] = (
        ("saved_tracks", order.saved_tracks),
        ("saved_albums", order.saved_albums),
        ("followed_artists", order.followed_artists),
    )
    for collection, change in changes:
        size = len(library.slots(world, order.account, collection))
        if change and not all(0 <= place < size for place in change.remove):
            raise IndexError(f"{collection}.remove: there are places 0 to {size - 1}")
        if change and _next_slot(world, order.account, collection) + change.add > ARTISTS:
            raise IndexError(f"{collection}.add: the world has {ARTISTS} artists only")
    mine = playlists.owned(order.account)
    if not all(0 <= place < mine for place in order.playlist_touch):
        raise IndexError(f"playlist_touch: the account has made playlists 0 to {mine - 1}")


def _change(world: World, account: int, collection: Collection, change: Change | None) -> None:
    if change is None:
        return
    edits, shown = world.edits_of(account), library.slots(world, account, collection)
    removed, first = set(change.remove), _next_slot(world, account, collection)
    kept = [slot for place, slot in enumerate(shown) if place not in removed]
    new = list(range(first + change.add - 1, first - 1, -1))
    edits.added_at |= {(collection, slot): world.clock.now() for slot in new}
    edits.slots[collection] = new + kept


def _next_slot(world: World, account: int, collection: Collection) -> int:
    """Return the first slot never used: what was removed does not come back."""
    known = {slot for name, slot in world.edits_of(account).added_at if name == collection}
    return max(known | {library.first_size(account, collection) - 1}) + 1


def _play(world: World, account: int, count: int) -> None:
    """Add plays that end now, three minutes apart where there is room since the last."""
    played = world.edits_of(account).played_at_ms
    now_ms = int(world.clock.now() * 1000)
    for left in range(count - 1, -1, -1):
        last = played[-1] if played else int(world.played_until * 1000)
        played.append(max(last + 1, now_ms - left * PLAY_MS))
