"""What an account has: its profile, its saved, followed and top things, its plays.

A slot is the place a thing had when the library began; slots, their order and their dates follow from
the account's number, and edits are laid over them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from simulator import names
from simulator.clock import timestamp
from simulator.exchange import encode
from simulator.mixing import mix
from simulator.spotify.catalogue import (
    ALBUM_PLACES,
    ARTISTS,
    TRACK_PLACES,
    Shape,
    album_object,
    albums_of,
    image,
    pick_track,
    track_object,
)
from simulator.spotify.ids import make_id, make_user_id
from simulator.world import Collection, Edits, World

LIBRARY_BEGAN = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
SLOT_SECONDS = 6 * 3600
MOST = {"saved_tracks": 401, "saved_albums": 61, "followed_artists": 201}
SALTS = {
    "saved_tracks": 101,
    "saved_albums": 103,
    "followed_artists": 107,
    "top_artists": 109,
    "top_tracks": 113,
}
REACHABLE_PLAYS = 50
ABSENT_EVERY = 11  # of saved albums, every so many is null, as recorded
NEWCOMER = 12  # accounts whose number leaves this by 13 have no top lists and few plays
TIME_RANGES = ("short_term", "medium_term", "long_term")


def is_newcomer(account: int) -> bool:
    """Tell whether the account has hardly been used."""
    return account % 13 == NEWCOMER


def first_size(account: int, collection: str) -> int:
    """Return how many things the collection held when the simulator started."""
    return mix(SALTS[collection], account) % MOST[collection]


def slots(world: World, account: int, collection: Collection) -> list[int] | range:
    """Return the collection's slots in the order shown, newest first."""
    changed = world.edits_of(account).slots.get(collection)
    return range(first_size(account, collection) - 1, -1, -1) if changed is None else changed


def added_at(edits: Edits, collection: str, slot: int) -> str:
    """Return when the thing in a slot was added; later slots are younger."""
    known = edits.added_at.get((collection, slot))
    return timestamp(LIBRARY_BEGAN - (MOST[collection] - slot) * SLOT_SECONDS if known is None else known)


def artist_at(salt: int, account: int, slot: int) -> int:
    """Return the artist in a slot; no two of the first 4,001 slots hold the same."""
    seed = mix(salt, account)
    return (seed + slot * (1 + (seed >> 32) % (ARTISTS - 1))) % ARTISTS


def track_at(salt: int, account: int, slot: int) -> int:
    """Return the track in a slot; no two slots hold the same, for each is another artist's."""
    return pick_track(mix(salt, account, slot), artist_at(salt, account, slot))


def album_at(account: int, slot: int) -> int:
    """Return the saved album in a slot."""
    artist = artist_at(SALTS["saved_albums"], account, slot)
    return artist * ALBUM_PLACES + mix(127, account, slot) % albums_of(artist)


def saved_track(world: World, shape: Shape, account: int, slot: int) -> msgspec.Raw:
    """Return one saved track as listed."""
    when = added_at(world.edits_of(account), "saved_tracks", slot)
    track = track_object(shape, track_at(SALTS["saved_tracks"], account, slot))
    return msgspec.Raw(encode({"added_at": when, "track": track}))


def saved_album(world: World, shape: Shape, account: int, slot: int) -> msgspec.Raw | None:
    """Return one saved album as listed; some are null."""
    if slot % ABSENT_EVERY == ABSENT_EVERY - 1:
        return None
    when = added_at(world.edits_of(account), "saved_albums", slot)
    return msgspec.Raw(encode({"added_at": when, "album": album_object(shape, album_at(account, slot))}))


def top_size(account: int, salt: int) -> int:
    """Return how long a top list is; newcomers have none."""
    return 0 if is_newcomer(account) else 20 + mix(salt, account) % 180


def top_slot(time_range: str, rank: int) -> int:
    """Return the slot at a rank: ranges overlap, but start elsewhere."""
    return rank + 15 * TIME_RANGES.index(time_range)


def plays(world: World, account: int) -> list[tuple[int, int]]:
    """Return the reachable plays, newest first, as (Unix ms, place in the account's history)."""
    edits = world.edits_of(account)
    new = [(ms, len(edits.played_at_ms) - place) for place, ms in enumerate(reversed(edits.played_at_ms))]
    known = mix(131, account) % 7 if is_newcomer(account) else REACHABLE_PLAYS
    end_ms = int(world.played_until * 1000) - mix(137, account) % 3_600_000
    old = [(end_ms - place * 241_000 - mix(139, account, place) % 60_000, -place) for place in range(known)]
    return (new + old)[:REACHABLE_PLAYS]


def play_object(shape: Shape, account: int, ms: int, place: int) -> dict[str, Any]:
    """Return one play as listed; some were not started from an album or a playlist."""
    seed = mix(149, account, place & 0xFFFF)
    track = pick_track(seed, seed % ARTISTS)
    album = make_id("album", track // TRACK_PLACES)
    context = {
        "type": "album",
        "href": f"{shape.base}/albums/{album}",
        "external_urls": {"spotify": f"https://open.spotify.com/album/{album}"},
        "uri": f"spotify:album:{album}",
    }
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return {
        "track": track_object(shape, track),
        "played_at": f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z",
        "context": context if seed % 5 else None,
    }


def display_name(world: World, account: int) -> str:
    """Return the name the account shows."""
    return world.edits_of(account).display_name or names.person_name(account)


def user_object(world: World, shape: Shape, account: int) -> dict[str, Any]:
    """Return a person as named on playlists."""
    user = make_user_id(account)
    return {
        "display_name": display_name(world, account),
        "external_urls": {"spotify": f"https://open.spotify.com/user/{user}"},
        "href": f"{shape.base}/users/{user}",
        "id": user,
        "type": "user",
        "uri": f"spotify:user:{user}",
    }


def account_id(account: int) -> str:
    """Return the identifier that stays when the user name changes."""
    return make_id("user", account)[:10]


def profile(world: World, shape: Shape, account: int, scopes: frozenset[str]) -> dict[str, Any]:
    """Return ``/me``; extended apps see more of it, as far as their scopes go."""
    body = user_object(world, shape, account) | {
        "account_id": account_id(account),
        "images": image(account, (300, 64)) if account % 5 else [],
    }
    if not shape.extended:
        return body
    body["followers"] = {"href": None, "total": mix(151, account) % 5_000}
    if "user-read-private" in scopes:
        body |= {"country": "NL", "product": "premium"}
        body["explicit_content"] = {"filter_enabled": False, "filter_locked": False}
    if "user-read-email" in scopes:
        body["email"] = f"listener{account}@example.com"
    return body
