"""Search: what has the words in its artist's name."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from simulator import names
from simulator.spotify import catalogue
from simulator.spotify.asked import Asked, offset_page
from simulator.spotify.query import Refused


@cache
def _folded_names() -> tuple[str, ...]:
    return tuple(names.artist_name(number).casefold() for number in range(catalogue.ARTISTS))


@lru_cache(maxsize=256)
def _artists(words: str) -> tuple[int, ...]:
    folded = words.casefold()
    return tuple(number for number, name in enumerate(_folded_names()) if folded in name)


def _page(asked: Asked, kind: str, artists: tuple[int, ...]) -> dict[str, Any]:
    if kind == "artist":
        return offset_page(
            asked, len(artists), lambda at: catalogue.artist_object(asked.shape, artists[at]), 5
        )
    firsts = [artist * catalogue.ALBUM_PLACES for artist in artists]
    if kind == "album":
        return offset_page(
            asked, len(firsts), lambda at: catalogue.album_name_object(asked.shape, firsts[at]), 5
        )
    if kind == "track":
        return offset_page(
            asked,
            len(firsts),
            lambda at: catalogue.track_object(asked.shape, firsts[at] * catalogue.TRACK_PLACES),
            5,
        )
    return offset_page(asked, 0, lambda at: at, 5)


def search(asked: Asked) -> dict[str, Any]:
    """Answer ``/search``; playlists, shows, episodes and audiobooks are never found."""
    for name, message in (("q", "No search query"), ("type", "Missing parameter type")):
        if name not in asked.values:
            raise Refused(400, message)
    artists = _artists(asked.values["q"])
    return {f"{kind}s": _page(asked, kind, artists) for kind in asked.values["type"]}
