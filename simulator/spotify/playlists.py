"""Playlists: an account's own and those of others it follows, and what stands in them.

A playlist's number is ``owner * 64 + place``.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from simulator import names
from simulator.clock import timestamp
from simulator.exchange import encode
from simulator.mixing import mix
from simulator.spotify.catalogue import (
    ARTISTS,
    SHOWS,
    TRACK_PLACES,
    Shape,
    image,
    link,
    pick_track,
    track_fields,
)
from simulator.spotify.episodes import episode_as_track, episode_object
from simulator.spotify.ids import make_id
from simulator.spotify.library import LIBRARY_BEGAN, SLOT_SECONDS, user_object
from simulator.world import World

PLACES = 64
LONGEST = 160
PUBLIC_PLACE = 0  # everyone's first playlist is public, and is the one that others follow
LOCAL, REMOVED, EPISODE = 4, 9, 13  # positions, counted modulo 17, of what is not an ordinary track
CYCLE = 17


def owned(account: int) -> int:
    """Return how many playlists the account has made."""
    return 3 + mix(201, account) % 9


def followed(world: World, account: int) -> list[int]:
    """Return the numbers of others' playlists that the account follows."""
    others = {
        (account + 1 + mix(203, account, place) % 97) % world.accounts for place in range(1 + account % 4)
    }
    return [other * PLACES + PUBLIC_PLACE for other in sorted(others - {account})]


def of_account(world: World, account: int) -> list[int]:
    """Return the numbers of the playlists listed under ``/me/playlists``."""
    return [account * PLACES + place for place in range(owned(account))] + followed(world, account)


def owner_of(playlist: int) -> int:
    """Return the account that made it."""
    return playlist // PLACES


def exists(world: World, playlist: int) -> bool:
    """Tell whether there is such a playlist."""
    return world.has(owner_of(playlist)) and playlist % PLACES < owned(owner_of(playlist))


def touches(world: World, playlist: int) -> int:
    """Return how often it was changed since the start."""
    return world.edits_of(owner_of(playlist)).playlist_touches.get(playlist % PLACES, 0)


def size(world: World, playlist: int) -> int:
    """Return how many items stand in it; every change adds one."""
    return mix(207, playlist) % LONGEST + touches(world, playlist)


def is_public(playlist: int) -> bool:
    """Tell whether others may see it."""
    return playlist % PLACES == PUBLIC_PLACE or mix(209, playlist) % 3 == 0


def snapshot_id(world: World, playlist: int) -> str:
    """Return the version, which changes with every change of the items and with nothing else."""
    count = touches(world, playlist)
    words = (mix(211, playlist, count), mix(223, playlist, count))
    raw = count.to_bytes(4, "big") + b"".join(word.to_bytes(8, "big") for word in words) + b"\0" * 4
    return base64.b64encode(raw).decode()


def _images(playlist: int) -> list[dict[str, Any]] | None:
    """Return the cover: none yet is null, one of the person's own has no size."""
    if playlist % 5 == 2:  # noqa: PLR2004  # a share of them
        return None
    covers = image(playlist, (640, 300, 60))
    return covers if playlist % 2 else [covers[1] | {"height": None, "width": None}]


def listed_object(world: World, shape: Shape, playlist: int) -> dict[str, Any]:
    """Return a playlist as listed: what is in it is only counted."""
    path = f"{shape.base}/playlists/{make_id('playlist', playlist)}"
    total = size(world, playlist)
    body = {
        **link(shape, "playlist", playlist),
        "collaborative": False,
        "description": "" if playlist % 3 else f"For {names.PLACES[playlist % 10]}.",
        "images": _images(playlist),
        "name": names.title(mix(227, playlist)),
        "owner": user_object(world, shape, owner_of(playlist)),
        "primary_color": None,
        "public": is_public(playlist),
        "snapshot_id": snapshot_id(world, playlist),
        "tracks": {"href": f"{path}/tracks", "total": total},
    }
    if not shape.extended:
        body["items"] = {"href": f"{path}/items", "total": total}
    return body


def item(world: World, shape: Shape, playlist: int, position: int, types: frozenset[str]) -> msgspec.Raw:
    """Return what stands at a position; items added since the start stand first, as the newest."""
    place = position - touches(world, playlist)
    owner = {
        key: value
        for key, value in user_object(world, shape, owner_of(playlist)).items()
        if key != "display_name"
    }
    content = _content(shape, playlist, place, types)
    body = {
        "added_at": timestamp(LIBRARY_BEGAN - place * SLOT_SECONDS),
        "added_by": owner,
        "is_local": place % CYCLE == LOCAL,
        "primary_color": None,
        "video_thumbnail": {"url": None},
        "track": content,
    }
    if not shape.extended:
        body["item"] = content
    return msgspec.Raw(encode(body))


def _content(shape: Shape, playlist: int, place: int, types: frozenset[str]) -> dict[str, Any] | None:
    seed = mix(229, playlist, place & 0xFFFF)
    if place % CYCLE == REMOVED:
        return None
    if place % CYCLE == LOCAL:
        return _local_file(seed)
    if place % CYCLE == EPISODE:
        episode = seed % SHOWS * TRACK_PLACES + place % TRACK_PLACES
        made = episode_object if "episode" in types else episode_as_track
        return made(shape, episode) | {"episode": True, "track": False}
    return track_fields(shape, pick_track(seed, seed % ARTISTS)) | {"episode": False, "track": True}


def _local_file(seed: int) -> dict[str, Any]:
    """Return a file that is on the person's own device only: it has no id and no address."""
    artist, name = names.artist_name(seed % ARTISTS), names.title(seed)
    nothing: dict[str, Any] = {"external_urls": {}, "href": None, "id": None, "uri": None}
    return {
        "album": nothing
        | {
            "album_type": None,
            "artists": [],
            "available_markets": [],
            "images": [],
            "name": "",
            "type": "album",
        }
        | {"release_date": None, "release_date_precision": None, "total_tracks": 0},
        "artists": [nothing | {"name": artist, "type": "artist"}],
        "available_markets": [],
        "disc_number": 0,
        "duration_ms": 180_000 + seed % 60_000,
        "explicit": False,
        "external_ids": {},
        "external_urls": {},
        "href": None,
        "id": None,
        "is_local": True,
        "name": name,
        "popularity": 0,
        "preview_url": None,
        "track_number": 0,
        "type": "track",
        "uri": f"spotify:local:{artist}::{name}:200".replace(" ", "+"),
        "episode": False,
        "track": True,
    }
