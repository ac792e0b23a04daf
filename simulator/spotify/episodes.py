"""Podcast episodes, which stand in playlists among the tracks."""

from __future__ import annotations

from typing import Any

from simulator import names
from simulator.mixing import mix
from simulator.spotify.catalogue import MARKETS, TRACK_PLACES, Shape, image, link


def _show(shape: Shape, show: int) -> dict[str, Any]:
    text = f"Two friends talk about the {names.NOUNS[show % len(names.NOUNS)].lower()} once a week."
    return {
        **link(shape, "show", show),
        "available_markets": MARKETS,
        "copyrights": [],
        "description": text,
        "html_description": f"<p>{text}</p>",
        "explicit": False,
        "images": image(show),
        "is_externally_hosted": False,
        "languages": ["en"],
        "media_type": "audio",
        "name": f"The {names.title(show)} Podcast",
        "publisher": names.person_name(show),
        "total_episodes": TRACK_PLACES,
    }


def _dated(number: int) -> dict[str, Any]:
    return {
        "release_date": f"2026-{1 + number % 9:02}-{1 + number % 28:02}",
        "release_date_precision": "day",
    }


def episode_object(shape: Shape, episode: int) -> dict[str, Any]:
    """Return an episode as clients see it that said ``additional_types=episode``."""
    name = names.title(episode)
    return {
        **link(shape, "episode", episode),
        **_dated(episode),
        "audio_preview_url": None,
        "description": f"About {name}.",
        "html_description": f"<p>About {name}.</p>",
        "duration_ms": 1_200_000 + mix(73, episode) % 3_000_000,
        "explicit": False,
        "images": image(episode),
        "is_externally_hosted": False,
        "is_playable": True,
        "languages": ["en"],
        "name": name,
        "show": _show(shape, episode // TRACK_PLACES),
    }


def episode_as_track(shape: Shape, episode: int) -> dict[str, Any]:
    """Return an episode as all other clients see it: a track whose album is the show."""
    show = _show(shape, episode // TRACK_PLACES)
    kept = ("external_urls", "href", "id", "images", "name", "uri")
    named = {"external_urls": show["external_urls"], "href": show["href"], "id": show["id"]}
    return {
        **link(shape, "episode", episode),
        "album": {key: show[key] for key in kept}
        | _dated(episode)
        | {"type": "show", "album_type": "compilation", "total_tracks": TRACK_PLACES, "artists": []},
        "artists": [{**named, "name": show["publisher"], "type": "show", "uri": show["uri"]}],
        "disc_number": 0,
        "track_number": 0,
        "duration_ms": 1_200_000 + mix(73, episode) % 3_000_000,
        "explicit": False,
        "external_ids": {"spotify": show["external_urls"]["spotify"]},
        "is_local": False,
        "is_playable": True,
        "name": names.title(episode),
        "preview_url": None,
    }
