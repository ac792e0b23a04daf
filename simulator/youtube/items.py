"""What lists hold: the items of playlists, and the comment threads under videos."""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape
from typing import Any

import msgspec

from simulator.clock import timestamp
from simulator.exchange import encode
from simulator.mixing import mix
from simulator.names import person_name
from simulator.youtube import library, names
from simulator.youtube.ids import SLOT_BITS, channel_id, comment_id, video_id
from simulator.youtube.library import Library
from simulator.youtube.resources import Parts, etag, resource, thumbnails

SHOWN_REPLIES = 5
STRANGERS = 1 << 30  # authors of comments have channels of their own, which nobody is


def playlist_item(  # noqa: PLR0913  # one argument a thing the item depends on
    shelf: Library, viewer: int | None, playlist: str, number: int, *, position: int, parts: tuple[str, ...]
) -> msgspec.Raw:
    """Return one item of a playlist; of a deleted or a private video little is left."""
    owner, visible = number >> SLOT_BITS, shelf.answers(number, viewer)
    added_at, name = shelf.published_at(number), video_id(number)
    item = base64.b64encode(f"{playlist}.{name}".encode()).decode().rstrip("=")
    title = names.video_title(number, shelf.revision(number)) if visible else _absent_title(shelf, number)
    published = {"videoPublishedAt": timestamp(added_at)} if visible else {}
    make: Parts = {
        "snippet": lambda: item_snippet(
            number, added_at, title, shelf.title(owner), playlist, position=position, visible=visible
        ),
        "contentDetails": lambda: {"videoId": name, **published},
        "status": lambda: {"privacyStatus": shelf.privacy(number)},
    }
    return resource("playlistItem", item, parts, make)


def _absent_title(shelf: Library, number: int) -> str:
    return "Private video" if shelf.exists(number) else "Deleted video"


@lru_cache(maxsize=1 << 14)
def item_snippet(  # noqa: PLR0913  # one argument a thing the snippet depends on
    number: int, added_at: float, title: str, channel: str, playlist: str, *, position: int, visible: bool
) -> msgspec.Raw:
    """Return the snippet of a playlist's item."""
    owner = channel_id(number >> SLOT_BITS)
    absent = f"This video is {'private' if title.startswith('Private') else 'unavailable'}."
    body: dict[str, Any] = {
        "publishedAt": timestamp(added_at),
        "channelId": owner,
        "title": title,
        "description": names.description(number) if visible else absent,
        "thumbnails": thumbnails(number) if visible else {},
        "channelTitle": channel,
        "playlistId": playlist,
        "position": position,
        "resourceId": {"kind": "youtube#video", "videoId": video_id(number)},
    }
    if visible:
        body |= {"videoOwnerChannelTitle": channel, "videoOwnerChannelId": owner}
    return msgspec.Raw(encode(body))


def thread(number: int, born: float, place: int, parts: tuple[str, ...], *, plain: bool) -> msgspec.Raw:
    """Return a comment thread by its place counted from a video's oldest."""
    count = library.replies(place)
    make: Parts = {
        "snippet": lambda: {
            "channelId": channel_id(number >> SLOT_BITS),
            "videoId": video_id(number),
            "topLevelComment": comment(number, born, place, plain=plain),
            "canReply": True,
            "totalReplyCount": count,
            "isPublic": True,
        },
        "replies": lambda: _replies(number, born, place, plain=plain),
    }
    return resource("commentThread", comment_id(number, place), parts, make)


def _replies(number: int, born: float, place: int, *, plain: bool) -> dict[str, Any] | None:
    answers = range(min(library.replies(place), SHOWN_REPLIES), 0, -1)
    shown = [comment(number, born, place, answer, plain=plain) for answer in answers]
    return {"comments": shown} if shown else None


@lru_cache(maxsize=1 << 14)
def comment(number: int, born: float, place: int, answer: int = 0, *, plain: bool) -> msgspec.Raw:
    """Return a comment; ``answer`` counts the replies of a thread from 1."""
    seed, top = mix(273, number, place, answer), comment_id(number, place)
    name = f"{top}.{seed:016x}9aaaaa" if answer else top
    text, author = names.comment(number, place * 8 + answer), STRANGERS + seed % (1 << 20)
    written = timestamp(library.written_at(number, born, place) + answer * 3_600)
    body: dict[str, Any] = {
        "channelId": channel_id(number >> SLOT_BITS),
        "videoId": video_id(number),
        "textDisplay": text if plain else escape(text),
        "textOriginal": text,
        "authorDisplayName": f"@{person_name(author).replace(' ', '').lower()}{seed % 9_973}",
        "authorProfileImageUrl": f"https://yt3.ggpht.com/{seed:016x}=s48-c-k-c0x00ffffff-no-rj",
        "authorChannelUrl": f"http://www.youtube.com/channel/{channel_id(author)}",
        "authorChannelId": {"value": channel_id(author)},
        "canRate": True,
        "viewerRating": "none",
        "likeCount": seed % 23,
        "publishedAt": written,
        "updatedAt": written,
    }
    if answer:
        body["parentId"] = top
    head = {"kind": "youtube#comment", "etag": etag(f"{name}{text}".encode()), "id": name}
    return msgspec.Raw(encode({**head, "snippet": body}))
