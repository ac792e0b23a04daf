"""Reads a YouTube channel's public feed: its newest videos with exact counts of views."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from resources.providers.youtube.atom import ATOM, MEDIA, YOUTUBE, parse
from resources.providers.youtube.walls import refusal_by_address, refusal_by_markup
from resources.providers.youtube.words import video_id
from resources.reading.guard import guarded, layout_changed, missing_of
from resources.reading.markup import Markup
from resources.reading.values import LARGEST, Unreadable
from resources.reading.verdict import Capture, Outcome, Reading, Refusal, Verdict

OTHER_KIND = Refusal(Outcome.WRONG_PAGE, "It is not a feed.")
LAYOUT = "feed_2026_01"
MUST = ("video_id", "title", "published_at", "views")
OF_THE_FEED = frozenset(f"{ATOM}{name}" for name in ("link", "id", "title", "author", "published", "updated"))
Row = dict[str, Any]


@guarded(refusal_by_address)
def read_feed_page(capture: Capture, subject: str) -> Verdict:
    """Read the feed of a channel, by its id."""
    body = capture.body.lstrip()
    if not body.startswith("<?xml"):
        return refusal_by_markup(Markup(body)) or OTHER_KIND
    try:
        feed = parse(body)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    if feed.tag != f"{ATOM}feed":
        return OTHER_KIND
    owners = set(_owners(feed))
    if not owners:
        return layout_changed("channel_id")
    if others := owners - {subject}:
        return Refusal(Outcome.WRONG_PAGE, f"It is the feed of {', '.join(sorted(others))}.")
    return _reading(feed, subject)


def _owners(feed: ET.Element) -> Iterator[str]:
    """Yield whose feed it is and whose its videos are; the feed itself leaves the id's ``UC`` out."""
    own = (feed.findtext(f"{YOUTUBE}channelId") or "").strip()
    if own:
        yield own if own.startswith("UC") else f"UC{own}"
    for entry in feed.iterfind(f"{ATOM}entry"):
        yield (entry.findtext(f"{YOUTUBE}channelId") or "").strip() or "nobody"


def _reading(feed: ET.Element, subject: str) -> Verdict:
    rows = [_row(entry, subject) for entry in feed.iterfind(f"{ATOM}entry")]
    missing = tuple(dict.fromkeys(name for row in rows for name in missing_of(row, MUST)))
    unknown = {child.tag for child in feed} - OF_THE_FEED - {f"{YOUTUBE}channelId"}
    if missing or (not rows and unknown):
        return layout_changed(*(missing or ("video_id",)))
    return Reading(tuple(rows), LAYOUT)


def _row(entry: ET.Element, subject: str) -> Row:
    community = entry.find(f"{MEDIA}group/{MEDIA}community")
    views = _number(community, "statistics", "views")
    likes = _number(community, "starRating", "count")
    return {
        "channel_id": subject,
        "video_id": video_id((entry.findtext(f"{YOUTUBE}videoId") or "").strip()),
        "title": (entry.findtext(f"{ATOM}title") or "").strip() or None,
        "published_at": _moment((entry.findtext(f"{ATOM}published") or "").strip()),
        "views": views,
        "views_step": 1,
        "likes": likes,
        "likes_step": None if likes is None else 1,
    }


def _number(community: ET.Element | None, name: str, attribute: str) -> int | None:
    node = None if community is None else community.find(f"{MEDIA}{name}")
    text = "" if node is None else node.get(attribute, "").strip()
    is_number = text.isascii() and text.isdecimal() and len(text) < len(str(LARGEST))
    return int(text) if is_number else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
