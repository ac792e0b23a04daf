"""Reads a YouTube channel's page, as HTML or as the JSON that it carries, in every layout since 2018."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from resources.providers.youtube.channel_videos import read_videos
from resources.providers.youtube.walls import (
    refusal_by_address,
    refusal_by_error,
    refusal_by_kind,
    refusal_by_markup,
)
from resources.providers.youtube.words import Counted, count_of, is_counted, label_of, text_of
from resources.reading.counts import Count
from resources.reading.guard import guarded, layout_changed, missing_of
from resources.reading.markup import Markup
from resources.reading.values import decode, dig, listed, word
from resources.reading.verdict import Capture, Reading, Verdict

PINNED_LANGUAGE = "en"
MUST = ("name", "subscribers", "recent_videos")
C4_HEADER, PAGE_HEADER = "c4_header_2018_01", "page_header_2024_07"
Row = dict[str, Any]


@guarded(refusal_by_address)
def read_channel_page(capture: Capture, subject: str) -> Verdict:
    """Read the page of a channel, by its id."""
    body, language = capture.body.lstrip(), PINNED_LANGUAGE
    if body.startswith("{"):
        data = decode(body)
    else:
        page = Markup(body)
        if refusal := refusal_by_markup(page):
            return refusal
        data = page.assigned("ytInitialData")
        said = page.said("INNERTUBE_CONTEXT_HL") or page.said("HL") or page.language
        language = said or PINNED_LANGUAGE
    if not isinstance(data, dict):
        return layout_changed("channel_id", *MUST)
    return refusal_by_error(data) or refusal_by_kind(data, subject) or _reading(data, subject, language)


def _reading(data: Row, subject: str, language: str) -> Verdict:
    header = dig(data, "header", "c4TabbedHeaderRenderer")
    if isinstance(header, dict):
        layout, told = C4_HEADER, _from_c4_header(header, language)
    else:
        header = dig(data, "header", "pageHeaderRenderer")
        layout, told = PAGE_HEADER, _from_page_header(header, language)
    videos = read_videos(data, language, none_expected=told["videos"] == 0)
    row = {"channel_id": subject, **told}
    row["name"] = word(data, "metadata", "channelMetadataRenderer", "title") or told["name"]
    row["handle"] = told["handle"] or _handle_of(data)
    row["recent_videos"] = videos.items if videos else None
    if missing := missing_of(row, MUST):
        return layout_changed(*missing)
    return Reading((row,), "+".join(filter(None, (layout, videos.layout if videos else ""))))


def _row(name: str, handle: str, subscribers: Count | None, videos: Count | None) -> Row:
    return {
        "name": name or None,
        "handle": handle if handle.startswith("@") else None,
        "subscribers": subscribers.value if subscribers else None,
        "subscribers_step": subscribers.step if subscribers else None,
        "videos": videos.value if videos else None,
        "videos_step": videos.step if videos else None,
    }


def _from_c4_header(header: Row, language: str) -> Row:
    subscribers, videos = header.get("subscriberCountText"), header.get("videosCountText")
    return _row(
        word(header, "title") or "",
        text_of(header.get("channelHandleText")),
        count_of((text_of(subscribers), label_of(subscribers)), language),
        count_of((text_of(videos), label_of(videos)), language),
    )


def _from_page_header(header: Any, language: str) -> Row:
    """Read the header whose counts are only told apart by their words; pronouns may stand between."""
    view = dig(header, "content", "pageHeaderViewModel")
    parts = list(_parts(view))
    handles = [text for text, _ in parts if text.startswith("@")]
    return _row(
        word(header, "pageTitle") or "",
        handles[0] if handles else "",
        _count_among(parts, "subscribers", language),
        _count_among(parts, "videos", language),
    )


def _parts(view: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts of the header's parts, and what they are called for those who do not see them."""
    for row in listed(view, "metadata", "contentMetadataViewModel", "metadataRows"):
        for part in listed(row, "metadataParts"):
            yield text_of(dig(part, "text")), word(part, "accessibilityLabel") or ""


def _count_among(parts: list[tuple[str, str]], what: Counted, language: str) -> Count | None:
    told = [text for part in parts for text in part if is_counted(text, what, language) and text[:1] != "@"]
    return count_of(tuple(told), language)


def _handle_of(data: Row) -> str | None:
    """Return the handle that the channel's own addresses name."""
    metadata = dig(data, "metadata", "channelMetadataRenderer")
    for address in (word(metadata, "vanityChannelUrl"), word(metadata, "ownerUrls", 0)):
        path = urlsplit(address or "").path.removeprefix("/")
        if path.startswith("@"):
            return path
    return None
