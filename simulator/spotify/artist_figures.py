"""What an artist's public page counts: followers as the Web API says, listeners, and where they are."""

from __future__ import annotations

from typing import Any, NamedTuple

from simulator.mixing import mix
from simulator.spotify.catalogue import followers_of

CITIES = (
    *(("Lisbon", "PT", "11"), ("Oslo", "NO", "03"), ("Osaka", "JP", "27"), ("Leeds", "GB", "ENG")),
    *(("Recife", "BR", "PE"), ("Utrecht", "NL", "UT"), ("Lyon", "FR", "ARA"), ("Puebla", "MX", "PUE")),
    *(("Turin", "IT", "21"), ("Valparaíso", "CL", "VS"), ("Malmö", "SE", "M"), ("Halifax", "CA", "NS")),
)
TOP_CITIES, RANKED = 5, 500


class City(NamedTuple):
    """A city, and how many listen there in a month."""

    city: str
    country: str
    region: str
    listeners: int


class Figures(NamedTuple):
    """The numbers of an artist; ``world_rank`` is 0 for all but the 500 most heard."""

    followers: int
    monthly_listeners: int
    world_rank: int
    cities: tuple[City, ...]

    def stats(self) -> dict[str, Any]:
        """Return them as the page's own query has them."""
        keys = ("city", "country", "region", "numberOfListeners")
        return {
            "followers": self.followers,
            "monthlyListeners": self.monthly_listeners,
            "topCities": {"items": [dict(zip(keys, city, strict=True)) for city in self.cities]},
            "worldRank": self.world_rank,
        }


def figures(artist: int, factor: float = 1.0) -> Figures:
    """Return an artist's numbers, each multiplied where the page is to disagree with the Web API."""
    seed = mix(271, artist)
    listeners = 40 + followers_of(artist) * (20 + seed % 400) // 100
    first = (seed >> 16) % len(CITIES)
    cities = (CITIES[(first + place) % len(CITIES)] for place in range(TOP_CITIES))
    rank = 1 + (seed >> 24) % RANKED if seed % 60 == 0 else 0
    return Figures(
        int(followers_of(artist) * factor),
        int(listeners * factor),
        rank,
        tuple(City(*city, int(listeners * factor / (20 + 9 * place))) for place, city in enumerate(cities)),
    )
