"""What each endpoint of the Web API answers."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from simulator.mixing import mix
from simulator.spotify import catalogue, library, playlists
from simulator.spotify.asked import Asked, number_of, offset_page
from simulator.spotify.ids import make_id, make_user_id, read_user_id
from simulator.spotify.query import Refused

Body = dict[str, Any] | msgspec.Raw
MOST_ALBUM_IDS, MOST_IDS = 20, 50


def me(asked: Asked) -> Body:
    """Answer ``/me``."""
    return library.profile(asked.world, asked.shape, asked.account, asked.scopes)


def my_tracks(asked: Asked) -> Body:
    """Answer ``/me/tracks``."""
    slots = library.slots(asked.world, asked.account, "saved_tracks")
    return offset_page(
        asked,
        len(slots),
        lambda place: library.saved_track(asked.world, asked.shape, asked.account, slots[place]),
    )


def my_albums(asked: Asked) -> Body:
    """Answer ``/me/albums``."""
    slots = library.slots(asked.world, asked.account, "saved_albums")
    return offset_page(
        asked,
        len(slots),
        lambda place: library.saved_album(asked.world, asked.shape, asked.account, slots[place]),
    )


def my_playlists(asked: Asked) -> Body:
    """Answer ``/me/playlists``, whose links name the person's public path, as recorded.

    In development mode that path is closed: whoever follows the link instead of its offset learns it here.
    """
    path = f"/users/{make_user_id(asked.account)}/playlists"
    numbers = playlists.of_account(asked.world, asked.account)
    return _playlists(Asked(**{**vars(asked), "path": path}), numbers)


def user_playlists(asked: Asked) -> Body:
    """Answer ``/users/{id}/playlists``: of others, what is public."""
    number = _user(asked)
    if number == asked.account:
        return my_playlists(asked)
    mine = range(number * playlists.PLACES, number * playlists.PLACES + playlists.owned(number))
    return _playlists(asked, [playlist for playlist in mine if playlists.is_public(playlist)])


def _playlists(asked: Asked, numbers: list[int]) -> Body:
    return offset_page(
        asked, len(numbers), lambda place: playlists.listed_object(asked.world, asked.shape, numbers[place])
    )


def top_artists(asked: Asked) -> Body:
    """Answer ``/me/top/artists``."""
    salt, time_range = library.SALTS["top_artists"], asked.values.get("time_range", "medium_term")

    def item(rank: int) -> msgspec.Raw:
        slot = library.top_slot(time_range, rank)
        return catalogue.artist_object(asked.shape, library.artist_at(salt, asked.account, slot))

    return offset_page(asked, library.top_size(asked.account, salt), item)


def top_tracks(asked: Asked) -> Body:
    """Answer ``/me/top/tracks``."""
    salt, time_range = library.SALTS["top_tracks"], asked.values.get("time_range", "medium_term")

    def item(rank: int) -> msgspec.Raw:
        slot = library.top_slot(time_range, rank)
        return catalogue.track_object(asked.shape, library.track_at(salt, asked.account, slot))

    return offset_page(asked, library.top_size(asked.account, salt), item)


def following(asked: Asked) -> Body:
    """Answer ``/me/following``, whose cursor is the id of the last artist given."""
    if "type" not in asked.values:
        raise Refused(400, "Missing parameter type")
    salt, limit = library.SALTS["followed_artists"], asked.values.get("limit", 20)
    slots = library.slots(asked.world, asked.account, "followed_artists")
    artists = [library.artist_at(salt, asked.account, slot) for slot in slots]
    start = 0
    if "after" in asked.values:
        after = number_of("artist", asked.values["after"], catalogue.artist_exists)
        start = artists.index(after) + 1 if after in artists else len(artists)
    shown = artists[start : start + limit]
    last = make_id("artist", shown[-1]) if start + limit < len(artists) else None
    position = {"after": asked.values["after"]} if "after" in asked.values else {}
    return {
        "artists": {
            "href": asked.address(**position, limit=limit),
            "items": [catalogue.artist_object(asked.shape, artist) for artist in shown],
            "limit": limit,
            "next": asked.address(after=last, limit=limit) if last else None,
            "cursors": {"after": last},
            "total": len(artists),
        }
    }


def recently_played(asked: Asked) -> Body:
    """Answer ``/me/player/recently-played``: newest first, cursors in ms, no total.

    A full page has a ``next`` even where nothing is left, an empty one has no cursors; both as seen
    in https://github.com/spotify/web-api/issues/1405.
    """
    values, limit = asked.values, asked.values.get("limit", 20)
    if "after" in values and "before" in values:
        raise Refused(400, "Only one of before and after can be specified")
    after, before = values.get("after", -1), values.get("before", 10**15 + 1)
    plays = [play for play in library.plays(asked.world, asked.account) if after < play[0] < before][:limit]
    position = {name: values[name] for name in ("after", "before") if name in values}
    body: dict[str, Any] = {
        "items": [library.play_object(asked.shape, asked.account, *play) for play in plays],
        "next": None,
        "cursors": None,
        "limit": limit,
        "href": asked.address(**position, limit=limit),
    }
    if plays:
        body["cursors"] = {"after": str(plays[0][0]), "before": str(plays[-1][0])}
    if len(plays) == limit:
        body["next"] = asked.address(before=plays[-1][0], limit=limit)
    return body


def artist(asked: Asked) -> Body:
    """Answer ``/artists/{id}``."""
    return catalogue.artist_object(asked.shape, asked.number("artist", catalogue.artist_exists))


def artist_albums(asked: Asked) -> Body:
    """Answer ``/artists/{id}/albums``; ``include_groups`` leaves out other kinds of albums."""
    first = asked.number("artist", catalogue.artist_exists) * catalogue.ALBUM_PLACES
    groups = asked.values.get("include_groups")
    albums = [
        album
        for album in range(first, first + catalogue.albums_of(first // catalogue.ALBUM_PLACES))
        if groups is None or catalogue.album_type(album) in groups
    ]
    return offset_page(
        asked, len(albums), lambda place: catalogue.discography_album_object(asked.shape, albums[place]), 5
    )


def artist_top_tracks(asked: Asked) -> Body:
    """Answer ``/artists/{id}/top-tracks``: the artist's first album."""
    album = asked.number("artist", catalogue.artist_exists) * catalogue.ALBUM_PLACES
    numbers = range(min(10, catalogue.tracks_of(album)))
    first = album * catalogue.TRACK_PLACES
    return {"tracks": [catalogue.track_object(asked.shape, first + place) for place in numbers]}


def album(asked: Asked) -> Body:
    """Answer ``/albums/{id}``."""
    return catalogue.album_object(asked.shape, asked.number("album", catalogue.album_exists))


def album_tracks(asked: Asked) -> Body:
    """Answer ``/albums/{id}/tracks``."""
    number = asked.number("album", catalogue.album_exists)
    first = number * catalogue.TRACK_PLACES
    return offset_page(
        asked,
        catalogue.tracks_of(number),
        lambda place: catalogue.album_track_object(asked.shape, first + place),
    )


def track(asked: Asked) -> Body:
    """Answer ``/tracks/{id}``."""
    return catalogue.track_object(asked.shape, asked.number("track", catalogue.track_exists))


def _playlist(asked: Asked) -> int:
    number = asked.number("playlist", partial(playlists.exists, asked.world))
    if playlists.owner_of(number) != asked.account and not playlists.is_public(number):
        raise Refused(404, "Resource not found")
    return number


def _items(asked: Asked, number: int, default_limit: int = 20) -> dict[str, Any]:
    types = frozenset(asked.values.get("additional_types", ()))
    return offset_page(
        asked,
        playlists.size(asked.world, number),
        lambda place: playlists.item(asked.world, asked.shape, number, place, types),
        default_limit,
    )


def playlist(asked: Asked) -> Body:
    """Answer ``/playlists/{id}``; in development mode, others' playlists come without their items."""
    number = _playlist(asked)
    body = playlists.listed_object(asked.world, asked.shape, number)
    body["followers"] = {"href": None, "total": mix(241, number) % 500}
    if asked.shape.extended:
        tracks = Asked(**{**vars(asked), "path": f"{asked.path}/tracks"})
        return body | {"tracks": _items(tracks, number, 100)}
    if playlists.owner_of(number) != asked.account:
        return {key: value for key, value in body.items() if key not in {"items", "tracks"}}
    items = _items(Asked(**{**vars(asked), "path": f"{asked.path}/items"}), number, 100)
    return body | {"items": items, "tracks": items}


def playlist_items(asked: Asked) -> Body:
    """Answer ``/playlists/{id}/items``, which is for the owner only."""
    number = _playlist(asked)
    if playlists.owner_of(number) != asked.account:
        raise Refused(403, "Forbidden")
    return _items(asked, number)


def playlist_tracks(asked: Asked) -> Body:
    """Answer ``/playlists/{id}/tracks``, which extended apps still have."""
    return _items(asked, _playlist(asked))


def _user(asked: Asked) -> int:
    number = read_user_id(asked.name)
    if number is None or not asked.world.has(number):
        raise Refused(404, "Resource not found")
    return number


def user(asked: Asked) -> Body:
    """Answer ``/users/{id}``."""
    number = _user(asked)
    body = library.user_object(asked.world, asked.shape, number)
    return body | {"followers": {"href": None, "total": mix(151, number) % 5_000}, "images": []}


def _ids(asked: Asked, most: int) -> list[str]:
    if "ids" not in asked.values:
        raise Refused(400, "Missing parameter ids")
    ids: list[str] = asked.values["ids"].split(",")
    if len(ids) > most:
        raise Refused(400, "Too many ids requested")
    return ids


def several_artists(asked: Asked) -> Body:
    """Answer ``/artists?ids=``."""
    numbers = [number_of("artist", name, catalogue.artist_exists) for name in _ids(asked, MOST_IDS)]
    return {"artists": [catalogue.artist_object(asked.shape, number) for number in numbers]}


def several_albums(asked: Asked) -> Body:
    """Answer ``/albums?ids=``."""
    numbers = [number_of("album", name, catalogue.album_exists) for name in _ids(asked, MOST_ALBUM_IDS)]
    return {"albums": [catalogue.album_object(asked.shape, number) for number in numbers]}


def several_tracks(asked: Asked) -> Body:
    """Answer ``/tracks?ids=``."""
    numbers = [number_of("track", name, catalogue.track_exists) for name in _ids(asked, MOST_IDS)]
    return {"tracks": [catalogue.track_object(asked.shape, number) for number in numbers]}
