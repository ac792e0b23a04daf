"""Reads a Spotify artist's page: the answer it asks for itself, else what it shows, else its description.

Only the answer has followers, rank and cities; only it and what is shown are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from resources.reading.counts import Count, read_count
from resources.reading.guard import guarded, layout_changed, missing_of
from resources.reading.markup import Markup
from resources.reading.values import Unreadable, decode, dig, listed, whole, word
from resources.reading.verdict import Capture, Outcome, Reading, Refusal, Verdict

ANSWER, SHOWN, DESCRIBED = "pathfinder_2026_06", "rendered_2022_12", "description_2022_12"
MUST = ("name", "monthly_listeners")
LISTENERS = {"en": ("monthly listener", "monthly listeners"), "de": ("monatliche Hörer",)}
"""What follows the number, by the page's language: those that were seen."""
ABSENT_TYPES = frozenset({"NotFound", "GenericError"})
OF_THE_OVERVIEW = frozenset({"discography", "goods", "visuals"})
OTHER_KIND = Refusal(Outcome.WRONG_PAGE, "It is not the page of an artist.")
UNSUPPORTED = Refusal(Outcome.BLOCKED, "The site says that it does not support the browser.")
Row = dict[str, Any]


def refusal_by_address(capture: Capture) -> Refusal | None:
    """Return what it means to have been led to where people sign in."""
    parts = urlsplit(capture.url)
    if (parts.hostname or "").startswith("accounts.") or parts.path.rstrip("/").endswith("/login"):
        return Refusal(Outcome.LOGIN_WALL, "The site wants somebody to sign in.")
    return None


@guarded(refusal_by_address)
def read_artist_page(capture: Capture, subject: str) -> Verdict:
    """Read the page of an artist, by its id."""
    body = capture.body.lstrip()
    if body.startswith("{"):
        return _from_document(decode(body), subject)
    page = Markup(body)
    if page.title.strip() == "Unsupported browser":
        return UNSUPPORTED
    if refusal := _refusal_by_kind(page.address, subject):
        return refusal
    for artist in _artists(capture):
        if word(artist, "__typename") in ABSENT_TYPES and not word(artist, "id"):
            return _absent(artist)
        if _id_of(artist) == subject and isinstance(dig(artist, "stats"), dict):
            verdict = _from_artist(artist, subject)
            if isinstance(verdict, Reading):
                return verdict
    return _from_page(page, subject)


def _from_document(data: Any, subject: str) -> Verdict:
    """Read an answer of the site that is itself the document."""
    artist = dig(data, "data", "artistUnion")
    if not isinstance(artist, dict):
        return OTHER_KIND
    if word(artist, "__typename") in ABSENT_TYPES:
        return _absent(artist)
    found = _id_of(artist)
    if found and found != subject:
        return Refusal(Outcome.WRONG_PAGE, f"It is the page of {found}.")
    if "stats" not in artist and not OF_THE_OVERVIEW & set(artist):
        return OTHER_KIND
    return _from_artist(artist, subject) if found else layout_changed("artist_id")


def _absent(artist: Any) -> Refusal:
    return Refusal(Outcome.NOT_FOUND, f"The site's own answer is {dig(artist, '__typename')}.")


def _id_of(artist: Any) -> str | None:
    """Return whose answer it is, ``None`` where it does not say or contradicts itself."""
    address = word(artist, "uri") or ""
    said = {word(artist, "id"), address.removeprefix("spotify:artist:") if address else None} - {None}
    return said.pop() if len(said) == 1 else None


def _artists(capture: Capture) -> Iterator[Any]:
    """Yield the artists that the page's own requests were answered with."""
    for answer in capture.answers:
        if answer.status == 200 and "artistUnion" in answer.body:  # noqa: PLR2004
            try:
                artist = dig(decode(answer.body.lstrip()), "data", "artistUnion")
            except Unreadable:
                continue
            if isinstance(artist, dict):
                yield artist


def _from_artist(artist: Row, subject: str) -> Verdict:
    stats = artist.get("stats")
    listeners, followers = whole(stats, "monthlyListeners"), whole(stats, "followers")
    row = _row(
        subject,
        word(artist, "profile", "name"),
        Count(listeners, 1) if listeners is not None else None,
        Count(followers, 1) if followers is not None else None,
    )
    row["world_rank"] = whole(stats, "worldRank") or None  # 0 is not among the first 500
    row["top_cities"] = _cities(stats)
    return _verdict(row, ANSWER)


def _cities(stats: Any) -> list[Row] | None:
    cities = [
        {
            "city": word(item, "city"),
            "country": word(item, "country"),
            "region": word(item, "region"),
            "listeners": whole(item, "numberOfListeners"),
        }
        for item in listed(stats, "topCities", "items")
    ]
    known = [city for city in cities if city["city"] and city["listeners"] is not None]
    return known or None


def _from_page(page: Markup, subject: str) -> Verdict:
    if page.address is None:
        return layout_changed("artist_id")
    language, name = page.language or "en", page.meta.get("og:title")
    if shown := _shown(page, language):
        return _verdict(_row(subject, name, shown, None), SHOWN)
    _, _, told = page.meta.get("og:description", "").rpartition("·")
    described = _listeners(told.strip().removesuffix("."), language)
    return _verdict(_row(subject, name, described, None), DESCRIBED)


def _shown(page: Markup, language: str) -> Count | None:
    """Return the listeners that the page shows, ``None`` where it shows none or several of them."""
    nodes = page.tree.css("[data-testid=monthly-listeners-label], span, div[data-encore-id]")
    texts = {node.text(deep=False).strip() for node in nodes}
    found = {count for text in texts if (count := _listeners(" ".join(text.split()), language))}
    return found.pop() if len(found) == 1 else None


def _listeners(text: str, language: str) -> Count | None:
    number, _, noun = text.replace("\N{NO-BREAK SPACE}", " ").partition(" ")
    nouns = LISTENERS.get(language.partition("-")[0], ())
    return read_count(number, language) if noun.strip() in nouns else None


def _refusal_by_kind(address: str | None, subject: str) -> Refusal | None:
    """Return why the address that a page gives itself is not the subject's."""
    if address is None:
        return None
    kind, _, found = address.strip("/").rpartition("/")
    if kind.rpartition("/")[2] != "artist":
        return OTHER_KIND
    return None if found == subject else Refusal(Outcome.WRONG_PAGE, f"It is the page of {found}.")


def _row(subject: str, name: str | None, listeners: Count | None, followers: Count | None) -> Row:
    return {
        "artist_id": subject,
        "name": name,
        "monthly_listeners": listeners.value if listeners else None,
        "monthly_listeners_step": listeners.step if listeners else None,
        "followers": followers.value if followers else None,
        "followers_step": followers.step if followers else None,
        "world_rank": None,
        "top_cities": None,
    }


def _verdict(row: Row, layout: str) -> Verdict:
    missing = missing_of(row, MUST)
    return layout_changed(*missing) if missing else Reading((row,), layout)
