"""Spotify's public pages: artists, and the query by which their pages learn the numbers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import msgspec

from simulator import names
from simulator.exchange import Reply, Request, as_json
from simulator.sites.document import page
from simulator.sites.drawn import Drawn
from simulator.sites.orders import ON_EVERY_PAGE, Outcomes, PageOrder
from simulator.sites.site import Place, SiteMode, Visit
from simulator.spotify.artist_figures import figures
from simulator.spotify.artist_page import (
    OLD_QUERY_PATH,
    OVERVIEW,
    QUERY_PATH,
    RELATED,
    Artist,
    Shell,
    artist_page,
    missing_page,
    track_page,
    unsupported_page,
)
from simulator.spotify.catalogue import ARTISTS, artist_exists
from simulator.spotify.ids import MalformedId, make_id, read_id

ARTIST_PAGE, FOLDER = "artist_page", "/artist/"
OUTCOMES: Outcomes = {ARTIST_PAGE: ON_EVERY_PAGE | {"old_layout", "late_numbers"}}
RELATED_ARTISTS = 20
OK = 200


class Asked(msgspec.Struct):
    """The query of a page: which of the site's questions, and about whom."""

    operation: str = msgspec.field(name="operationName")
    variables: dict[str, Any]


class SpotifyPages:
    """``open.spotify.com``; what a page was ordered to be, its own queries are too."""

    prefix = "/spotify/open"
    outcomes = OUTCOMES
    asks_consent = False

    def __init__(self) -> None:
        self.drawn = Drawn()

    def knows(self, subject: str) -> bool:
        """Tell whether an id is an artist's."""
        return _artist(subject).number is not None

    def place(self, path: str, request: Request) -> Place | None:
        """Return the artist page at a path."""
        name = path.removeprefix(FOLDER)
        is_page = request.method in {"GET", "HEAD"} and path.startswith(FOLDER) and "/" not in name and name
        return Place(ARTIST_PAGE, name) if is_page else None

    def draw(self, visit: Visit, mode: SiteMode) -> Reply:  # noqa: ARG002  # Spotify asks for no consent
        """Return an artist's page."""
        subject, order = visit.place.subject, visit.order
        self.drawn.remember(subject, order)
        return self._page(_shown(subject, order), visit)

    def _page(self, artist: Artist, visit: Visit) -> Reply:
        order = visit.order
        if artist.number is None:
            return page(missing_page(artist, self.prefix))
        numbers = figures(artist.number, visit.factor)
        if order and order.outcome == "blocked":
            status = order.status or OK
            headers = () if status == OK else (("retry-after", str(order.retry_after)),)
            return page(unsupported_page(artist, numbers), status, headers)
        if order and order.outcome == "wrong_page" and order.instead is None:
            return page(track_page(artist.number))
        late = order.seconds if order and order.outcome == "late_numbers" else 0.0
        return page(artist_page(artist, numbers, Shell(self.prefix, visit.outcome, late)))

    def further(self, path: str, request: Request) -> Reply:
        """Answer the query of a page, by POST or, of an old one, by GET."""
        if path not in {QUERY_PATH, OLD_QUERY_PATH}:
            return page("<!DOCTYPE html><title>Page not found</title><h1>Page not found</h1>", 404)
        try:
            asked = _asked(request)
        except (msgspec.DecodeError, KeyError):
            return as_json({"errors": [{"message": "PersistedQueryNotFound"}]}, 400)
        subject = str(asked.variables.get("uri", "")).rpartition(":")[2]
        order = self.drawn.order(subject)
        if order is not None and order.outcome == "blocked":
            return as_json({"error": {"status": 429}}, 429, (("retry-after", str(order.retry_after)),))
        return as_json({"data": {"artistUnion": self._answer(asked.operation, subject)}})

    def _answer(self, operation: str, subject: str) -> dict[str, Any]:
        order = self.drawn.order(subject)
        artist = _shown(subject, order)
        if artist.number is None or operation not in {OVERVIEW, RELATED}:
            return {"__typename": "NotFound"}
        known = {"__typename": "Artist", "id": artist.id, "uri": artist.uri, "profile": {"name": artist.name}}
        if operation == RELATED:
            return {**known, "relatedContent": {"relatedArtists": {"items": _related(artist.number)}}}
        stats = figures(artist.number, self.drawn.factor(subject)).stats()
        if order is not None and order.outcome == "next_layout":
            known["audience"] = {"listenersThisMonth": stats.pop("monthlyListeners"), **stats}
            return known
        return {**known, "saved": False, "stats": stats}


def _artist(subject: str) -> Artist:
    try:
        number = read_id("artist", subject)
    except MalformedId:
        return Artist(subject, None)
    return Artist(subject, number if number is not None and artist_exists(number) else None)


def _shown(subject: str, order: PageOrder | None) -> Artist:
    """Return whose page is shown: nobody's where it is not to be found, another's where it is wrong."""
    if order is not None and order.outcome == "not_found":
        return Artist(subject, None)
    if order is not None and order.outcome == "wrong_page" and order.instead is not None:
        return _artist(order.instead)
    return _artist(subject)


def _asked(request: Request) -> Asked:
    if request.method == "POST":
        return msgspec.json.decode(request.body, type=Asked)
    query = parse_qs(request.query_text)
    return Asked(query["operationName"][0], msgspec.json.decode(query["variables"][0], type=dict[str, Any]))


def _related(artist: int) -> list[dict[str, Any]]:
    others = [(artist + step) % ARTISTS for step in range(1, RELATED_ARTISTS + 1)]
    return [
        {
            "id": make_id("artist", other),
            "profile": {"name": names.artist_name(other)},
            "uri": f"spotify:artist:{make_id('artist', other)}",
        }
        for other in others
    ]
