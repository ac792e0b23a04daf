"""Artists, albums, tracks and episodes: invented, numbered, made when asked for, kept as encoded JSON.

An album's number is ``artist * 16 + place``, a track's ``album * 64 + place``; an episode's is
``show * 64 + place``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from simulator import names
from simulator.exchange import encode
from simulator.mixing import mix
from simulator.spotify.ids import Kind, make_id

ARTISTS = 4_001  # a prime, so that any stride walks through all of them
ALBUM_PLACES, TRACK_PLACES = 16, 64
SHOWS = 500
LONGEST_SINGLE, LONGEST_ALBUM = 3, 14  # tracks
MARKETS = ["AT", "BR", "CA", "DE", "ES", "FR", "GB", "JP", "NL", "US"]
OPEN_URL, IMAGE_URL = "https://open.spotify.com", "https://i.scdn.co/image"
OCCASIONAL, UNPLAYABLE_EVERY = 9, 40


class Shape(NamedTuple):
    """How bodies look: the API's address in their links, and whether they have extended apps' fields."""

    base: str
    extended: bool


def image(seed: int, sizes: tuple[int, ...] = (640, 300, 64)) -> list[dict[str, Any]]:
    """Return one picture in several sizes, pixels."""
    return [
        {"url": f"{IMAGE_URL}/ab67616d{size:08x}{mix(31, seed):016x}", "height": size, "width": size}
        for size in sizes
    ]


def link(shape: Shape, kind: Kind, number: int) -> dict[str, Any]:
    """Return the fields by which everything in the catalogue is named."""
    name = make_id(kind, number)
    return {
        "external_urls": {"spotify": f"{OPEN_URL}/{kind}/{name}"},
        "href": f"{shape.base}/{kind}s/{name}",
        "id": name,
        "type": kind,
        "uri": f"spotify:{kind}:{name}",
    }


def albums_of(artist: int) -> int:
    """Return how many albums an artist has made."""
    return 1 + mix(41, artist) % 14


def tracks_of(album: int) -> int:
    """Return how many tracks an album has; a few are box sets that take two pages."""
    seed = mix(43, album)
    return 52 + seed % 12 if seed % 40 == 0 else 1 + seed % 14


def album_type(album: int) -> str:
    """Return ``single``, ``album`` or ``compilation``, by how many tracks there are."""
    total = tracks_of(album)
    return "single" if total <= LONGEST_SINGLE else "compilation" if total > LONGEST_ALBUM else "album"


def artist_of(album: int) -> int:
    """Return whose album it is."""
    return album // ALBUM_PLACES


def artist_exists(artist: int) -> bool:
    """Tell whether there is such an artist."""
    return artist < ARTISTS


def album_exists(album: int) -> bool:
    """Tell whether there is such an album."""
    return artist_exists(artist_of(album)) and album % ALBUM_PLACES < albums_of(artist_of(album))


def track_exists(track: int) -> bool:
    """Tell whether there is such a track."""
    return album_exists(track // TRACK_PLACES) and track % TRACK_PLACES < tracks_of(track // TRACK_PLACES)


@lru_cache(maxsize=8_192)
def artist_name_object(shape: Shape, artist: int) -> msgspec.Raw:
    """Return an artist as credited on albums and tracks."""
    return msgspec.Raw(encode({**link(shape, "artist", artist), "name": names.artist_name(artist)}))


@lru_cache(maxsize=8_192)
def artist_object(shape: Shape, artist: int) -> msgspec.Raw:
    """Return an artist in full."""
    body = {
        **link(shape, "artist", artist),
        "name": names.artist_name(artist),
        "images": image(artist) if artist % OCCASIONAL else [],
    }
    if shape.extended:
        body["followers"] = {"href": None, "total": followers_of(artist)}
        body["genres"], body["popularity"] = names.genres(artist), mix(47, artist) % 101
    return msgspec.Raw(encode(body))


def followers_of(artist: int) -> int:
    """Return how many follow an artist."""
    return mix(47, artist) % 3_000_000


def _release(album: int) -> tuple[str, str]:
    """Return the date and how precise it is; a sixth of the dates are a year or a month only."""
    seed = mix(53, album)
    year, month, day = 1961 + seed % 65, 1 + (seed >> 8) % 12, 1 + (seed >> 16) % 28
    if seed % 12 == 0:
        return f"{year}", "year"
    if seed % 12 == 1:
        return f"{year}-{month:02}", "month"
    return f"{year}-{month:02}-{day:02}", "day"


def _album(shape: Shape, album: int) -> dict[str, Any]:
    date, precision = _release(album)
    body = {
        **link(shape, "album", album),
        "album_type": album_type(album),
        "total_tracks": tracks_of(album),
        "images": image(album),
        "name": names.title(album),
        "release_date": date,
        "release_date_precision": precision,
        "artists": [artist_name_object(shape, artist_of(album))],
        "is_playable": True,
    }
    if shape.extended:
        body["available_markets"] = MARKETS
    return body


@lru_cache(maxsize=16_384)
def album_name_object(shape: Shape, album: int) -> msgspec.Raw:
    """Return an album as named on its tracks."""
    return msgspec.Raw(encode(_album(shape, album)))


def discography_album_object(shape: Shape, album: int) -> msgspec.Raw:
    """Return an album as listed among its artist's."""
    body = _album(shape, album)
    if shape.extended:
        body["album_group"] = body["album_type"]
    return msgspec.Raw(encode(body))


@lru_cache(maxsize=1_024)
def album_object(shape: Shape, album: int) -> msgspec.Raw:
    """Return an album in full, with the first page of its tracks."""
    total, limit = tracks_of(album), 50
    here = f"{shape.base}/albums/{make_id('album', album)}/tracks"
    tracks = {
        "href": f"{here}?offset=0&limit={limit}",
        "limit": limit,
        "next": f"{here}?offset={limit}&limit={limit}" if total > limit else None,
        "offset": 0,
        "previous": None,
        "total": total,
        "items": [
            album_track_object(shape, album * TRACK_PLACES + place) for place in range(min(limit, total))
        ],
    }
    body = _album(shape, album) | {
        "tracks": tracks,
        "copyrights": [{"text": f"{_release(album)[0][:4]} {names.label(album)}", "type": "P"}],
        "external_ids": {"upc": f"{mix(59, album) % 10**12:012}"},
    }
    if shape.extended:
        body |= {"genres": [], "label": names.label(album), "popularity": mix(61, album) % 101}
    return msgspec.Raw(encode(body))


def _track(shape: Shape, track: int) -> dict[str, Any]:
    album, seed = track // TRACK_PLACES, mix(67, track)
    credited = [artist_name_object(shape, artist_of(album))]
    if seed % 6 == 0:
        credited.append(artist_name_object(shape, seed % ARTISTS))
    body = {
        **link(shape, "track", track),
        "artists": credited,
        "disc_number": 1 + track % TRACK_PLACES // 30,
        "track_number": 1 + track % TRACK_PLACES % 30,
        "duration_ms": 61_000 + seed % 300_000,
        "explicit": seed % 7 == 0,
        "is_local": False,
        "is_playable": True,
        "name": names.title(track),
        "preview_url": None,
    }
    playable = seed % UNPLAYABLE_EVERY != 0
    if not playable:
        body |= {"is_playable": False, "restrictions": {"reason": "market"}}
    if shape.extended:
        body["available_markets"] = MARKETS if playable else []
    return body


def album_track_object(shape: Shape, track: int) -> msgspec.Raw:
    """Return a track as listed on its album: without album and ISRC."""
    return msgspec.Raw(encode(_track(shape, track)))


def track_fields(shape: Shape, track: int) -> dict[str, Any]:
    """Return a track in full, not yet encoded."""
    seed = mix(71, track)
    body = _track(shape, track) | {
        "album": album_name_object(shape, track // TRACK_PLACES),
        "external_ids": {"isrc": f"QZ{chr(65 + seed % 26)}ZZ{seed % 10**7:07}"},
    }
    if shape.extended:
        body["popularity"] = seed % 101
    return body


@lru_cache(maxsize=16_384)
def track_object(shape: Shape, track: int) -> msgspec.Raw:
    """Return a track in full."""
    return msgspec.Raw(encode(track_fields(shape, track)))


def pick_track(seed: int, artist: int) -> int:
    """Return one of the artist's tracks; mostly the hit, which is the first of the first album."""
    if seed % 8:
        return artist * ALBUM_PLACES * TRACK_PLACES
    album = artist * ALBUM_PLACES + (seed >> 8) % albums_of(artist)
    return album * TRACK_PLACES + (seed >> 16) % tracks_of(album)
