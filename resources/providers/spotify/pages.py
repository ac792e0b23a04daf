"""Spotify's public pages: an artist's page, which has what the Web API does not give."""

from __future__ import annotations

import msgspec

from resources.provider import Agreement, FromConfig, Page, Site
from resources.providers.spotify.artist_page import read_artist_page
from resources.records import Record

PAGES_URL = "https://open.spotify.com"
RICK_ASTLEY = "0gxyHStUsqpMadRV0Di1Qt"


class City(msgspec.Struct, frozen=True):
    """A city, and how many monthly listeners an artist has there."""

    city: str
    country: str | None
    region: str | None
    listeners: int


class ArtistPage(Record):
    """An artist as anybody sees it; ``world_rank`` is only there for the first 500."""

    artist_id: str
    name: str
    monthly_listeners: int
    monthly_listeners_step: int
    followers: int | None
    followers_step: int | None
    world_rank: int | None
    top_cities: list[City] | None


SITE = Site(
    origin=PAGES_URL,
    pages=(
        Page(
            "artist_page",
            "/artist/{artist_id}",
            ArtistPage,
            key=("artist_id",),
            each=FromConfig("artist_ids", "artist_id"),
            read=read_artist_page,
            doc="The org's own artists as anybody sees them.",
            canary=RICK_ASTLEY,
            ways=("browser",),  # a plain request gets rounded listeners and nothing else
            listens=("/pathfinder/",),
            agreements=(Agreement("followers", "artists", "followers", on="artist_id"),),
        ),
    ),
)
