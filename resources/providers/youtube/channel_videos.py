"""Reads the recent videos of a YouTube channel's page, in every layout since 2018.

Items without a count of views (what is live, what comes, what is for members) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from resources.providers.youtube.words import count_of, is_counted, label_of, text_of, video_id
from resources.reading.counts import Count
from resources.reading.values import dig, everything_at, listed, word

GRID, RICH_GRID, LOCKUP = "grid_2018_01", "rich_grid_2022_11", "lockup_2026_05"
LIVE_MARKS = frozenset(
    {"LIVE", "UPCOMING", "BADGE_STYLE_TYPE_LIVE_NOW", "THUMBNAIL_OVERLAY_BADGE_STYLE_LIVE"}
)
Item = dict[str, Any]


@dataclass(frozen=True)
class Videos:
    """The videos that a page lists, and the layout of the list; without any it has none."""

    items: list[Item]
    layout: str = ""


def read_videos(data: Any, language: str, *, none_expected: bool) -> Videos | None:
    """Return the videos of the tab that is open, ``None`` where their list is not understood.

    An empty list is believed where the header counts none, where a message stands in its place, or where
    the channel has no tab of videos.
    """
    tabs = [dig(tab, "tabRenderer") for tab in listed(data, *_TABS)]
    opened = next((tab for tab in tabs if dig(tab, "selected") is True), None)
    content = dig(opened, "content")
    for layout, nodes in _lists(content):
        items = [item for node in nodes if (item := _item(layout, node, language))]
        if items:
            return Videos(items, layout)
    empty = none_expected or _has_message(content) or _has_no_videos_tab(tabs)
    return Videos([]) if opened and empty and not any(_lists(content)) else None


_TABS = ("contents", "twoColumnBrowseResultsRenderer", "tabs")


def _lists(content: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of videos that a tab holds, by layout; those that hold no video are none."""
    cells = [
        dig(cell, "richItemRenderer", "content") for cell in listed(content, "richGridRenderer", "contents")
    ]
    shelves = [
        dig(inner)
        for section in listed(content, "sectionListRenderer", "contents")
        for inner in listed(section, "itemSectionRenderer", "contents")
    ]
    grids = [item for shelf in shelves for item in _grid_items(shelf)]
    for layout, nodes in (
        (LOCKUP, [dig(cell, "lockupViewModel") for cell in cells]),
        (RICH_GRID, [dig(cell, "videoRenderer") for cell in cells]),
        (GRID, [dig(item, "gridVideoRenderer") for item in grids]),
    ):
        if found := [node for node in nodes if isinstance(node, dict)]:
            yield layout, found


def _grid_items(shelf: Any) -> list[Any]:
    """Return the items of the grid of uploads; other shelves show other people's videos too."""
    address = _address(dig(shelf, "shelfRenderer", "endpoint"))
    if "/videos" in address:
        return listed(shelf, "shelfRenderer", "content", "horizontalListRenderer", "items")
    return listed(shelf, "gridRenderer", "items")


def _address(endpoint: Any) -> str:
    newer = word(endpoint, "commandMetadata", "webCommandMetadata", "url")
    return newer or word(endpoint, "webNavigationEndpointData", "url") or ""


def _has_message(content: Any) -> bool:
    sections = listed(content, "sectionListRenderer", "contents")
    inner = [one for section in sections for one in listed(section, "itemSectionRenderer", "contents")]
    return bool(inner) and all(dig(one, "messageRenderer") is not None for one in inner)


def _has_no_videos_tab(tabs: list[Any]) -> bool:
    """Say whether every tab says where it leads, and none to videos; the last one is the search."""
    addresses = [_address(dig(tab, "endpoint")) for tab in tabs if tab is not None]
    return bool(addresses) and all(addresses) and not any(one.endswith("/videos") for one in addresses)


def _item(layout: str, node: Any, language: str) -> Item | None:
    if LIVE_MARKS & {mark for mark in everything_at(node, "style") if isinstance(mark, str)}:
        return None
    if LIVE_MARKS & {mark for mark in everything_at(node, "badgeStyle") if isinstance(mark, str)}:
        return None
    if layout == LOCKUP:
        video, title, views = _from_lockup(node, language)
    else:
        video, title, views = word(node, "videoId"), text_of(dig(node, "title")), _views(node, language)
    known = video_id(video)
    if not known or not title or views is None:
        return None
    return {"video_id": known, "title": title, "views": views.value, "step": views.step}


def _views(node: Any, language: str) -> Count | None:
    """Return the views of an item; the full count says that people are watching where it is live."""
    full, short = dig(node, "viewCountText"), dig(node, "shortViewCountText")
    told = (text_of(full),) if full is not None else (text_of(short), label_of(short))
    texts = tuple(text for text in told if is_counted(text, "views", language))
    return count_of(texts, language)


def _from_lockup(node: Any, language: str) -> tuple[str | None, str, Count | None]:
    if dig(node, "contentType") != "LOCKUP_CONTENT_TYPE_VIDEO":
        return None, "", None
    view = dig(node, "metadata", "lockupMetadataViewModel")
    rows = listed(view, "metadata", "contentMetadataViewModel", "metadataRows")
    texts = [text_of(dig(part, "text")) for row in rows for part in listed(row, "metadataParts")]
    told = tuple(text for text in texts if is_counted(text, "views", language))
    return word(node, "contentId"), text_of(dig(view, "title")), count_of(told, language)
