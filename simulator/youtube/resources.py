"""The parts of channels, videos and playlists, as the Data API writes them."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from simulator.clock import timestamp
from simulator.exchange import encode
from simulator.mixing import mix
from simulator.youtube import library, meter, names
from simulator.youtube.ids import (
    LIKES,
    PLACE_BITS,
    SLOT_BITS,
    UPLOADS,
    channel_id,
    channel_tail,
    playlist_id,
    video_id,
)
from simulator.youtube.library import Library

THUMBNAILS = (
    *(("default", "default", 120, 90), ("medium", "mqdefault", 320, 180), ("high", "hqdefault", 480, 360)),
    *(("standard", "sddefault", 640, 480), ("maxres", "maxresdefault", 1280, 720)),
)
COUNTRIES = ("US", "GB", "DE", "FR", "BR", "JP", "IN", "CA")
CATEGORIES = ("1", "10", "22", "24", "26", "27", "28")
STATUS = {
    "uploadStatus": "processed",
    "license": "youtube",
    "embeddable": True,
    "publicStatsViewable": True,
    "madeForKids": False,
}
Parts = Mapping[str, Callable[[], Any]]


def etag(content: bytes) -> str:
    """Return the etag of a content: 27 characters that change with it."""
    return urlsafe_b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode().rstrip("=")


def resource(kind: str, name: str, parts: Iterable[str], make: Parts) -> msgspec.Raw:
    """Return a resource with the parts asked for and there; ``id`` stands in every one."""
    found = ((part, make[part]()) for part in parts if part != "id")
    body = {part: content for part, content in found if content is not None}
    content = encode(body)
    head = encode({"kind": f"youtube#{kind}", "etag": etag(content + name.encode()), "id": name})
    return msgspec.Raw(head if content == b"{}" else head[:-1] + b"," + content[1:])


@lru_cache(maxsize=1 << 15)
def thumbnails(number: int) -> msgspec.Raw:
    """Return the pictures of a video; Shorts lack the two largest."""
    name, sizes = video_id(number), THUMBNAILS[:3] if library.is_short(number) else THUMBNAILS
    return msgspec.Raw(
        encode(
            {
                size: {"url": f"https://i.ytimg.com/vi/{name}/{file}.jpg", "width": width, "height": height}
                for size, file, width, height in sizes
            }
        )
    )


def channel_parts(shelf: Library, account: int, viewer: int | None) -> Parts:
    """Return the parts of a channel."""
    title, description = shelf.title(account), f"Everything about {names.handle(account)}."
    return {
        "snippet": lambda: channel_snippet(account, title, description),
        "contentDetails": lambda: {"relatedPlaylists": related_playlists(account, mine=viewer == account)},
        "statistics": lambda: channel_statistics(shelf, account),
        "status": lambda: {
            "privacyStatus": "public",
            "isLinked": True,
            "longUploadsStatus": "allowed" if viewer == account else "longUploadsUnspecified",
            "madeForKids": False,
        },
        "brandingSettings": lambda: {
            "channel": {"title": title, "description": description, "country": country(account)},
            "image": {"bannerExternalUrl": f"https://yt3.googleusercontent.com/{mix(261, account):016x}"},
        },
        "topicDetails": lambda: {"topicCategories": ["https://en.wikipedia.org/wiki/Hobby"]},
        "contentOwnerDetails": dict,
        "localizations": lambda: {"en": {"title": title, "description": description}},
    }


def related_playlists(account: int, *, mine: bool) -> dict[str, str]:
    """Return the ids of a channel's own playlists; what it likes is its own affair."""
    tail = channel_tail(account)
    return {"likes": LIKES + tail if mine else "", "uploads": UPLOADS + tail}


def country(account: int) -> str:
    """Return where a channel says it is."""
    return COUNTRIES[mix(263, account) % len(COUNTRIES)]


@lru_cache(maxsize=1 << 13)
def channel_snippet(account: int, title: str, description: str) -> msgspec.Raw:
    """Return a channel's snippet."""
    picture = f"https://yt3.ggpht.com/{mix(267, account):016x}"
    body: dict[str, Any] = {
        "title": title,
        "description": description,
        "customUrl": f"@{names.handle(account)}",
        "publishedAt": timestamp(library.created_at(account)),
        "thumbnails": {
            size: {"url": f"{picture}=s{side}-c-k-c0x00ffffff-no-rj", "width": side, "height": side}
            for size, side in (("default", 88), ("medium", 240), ("high", 800))
        },
        "localized": {"title": title, "description": description},
    }
    if account % 4:
        body["country"] = country(account)
    return msgspec.Raw(encode(body))


def channel_statistics(shelf: Library, account: int) -> dict[str, Any]:
    """Return a channel's counters as the Data API tells them."""
    hidden, counts = library.hides_subscribers(account), channel_counts(shelf, account)
    shown = {name: str(count) for name, count in counts.items() if not (hidden and name == "subscriberCount")}
    return {**shown, "hiddenSubscriberCount": hidden}


def channel_counts(shelf: Library, account: int) -> dict[str, int]:
    """Return a channel's counters; subscribers in three digits, as YouTube tells them."""
    day = meter.day_of(shelf.world.clock.now())
    views = subscribers = public = 0
    for number in shelf.uploads(account):
        pace = meter.pace(number)
        seen = meter.views_at(number, meter.day_of(shelf.published_at(number)), day)
        subscribers += int(seen * pace.shares[meter.GAINED]) - int(seen * pace.shares[meter.LOST])
        if shelf.is_public(number):
            views, public = views + int(seen), public + 1
    unit: int = 10 ** max(0, len(str(subscribers)) - 3)
    return {"viewCount": views, "subscriberCount": subscribers // unit * unit, "videoCount": public}


def video_parts(shelf: Library, number: int) -> Parts:
    """Return the parts of a video."""
    account = number >> SLOT_BITS
    return {
        "snippet": lambda: video_snippet(
            number, shelf.revision(number), shelf.published_at(number), shelf.title(account)
        ),
        "contentDetails": lambda: video_details(number),
        "statistics": lambda: video_statistics(shelf, number),
        "status": lambda: {**STATUS, "privacyStatus": shelf.privacy(number)},
        "player": lambda: {"embedHtml": embedding(f"embed/{video_id(number)}")},
        "topicDetails": lambda: {"topicCategories": ["https://en.wikipedia.org/wiki/Hobby"]},
        "recordingDetails": dict,
        "liveStreamingDetails": lambda: None,  # of a live stream only
        "paidProductPlacementDetails": lambda: {"hasPaidProductPlacement": mix(267, number) % 19 == 0},
        "localizations": lambda: {
            "en": {
                "title": names.video_title(number, shelf.revision(number)),
                "description": names.description(number),
            }
        },
    }


def video_details(number: int) -> dict[str, Any]:
    """Return how long a video is and what it is like."""
    seed = mix(269, number)
    return {
        "duration": iso_duration(library.duration_seconds(number)),
        "dimension": "2d",
        "definition": "hd",
        "caption": "true" if seed % 3 == 0 else "false",
        "licensedContent": seed % 2 == 0,
        "contentRating": {},
        "projection": "rectangular",
    }


def embedding(path: str) -> str:
    """Return the HTML of a player."""
    return f'<iframe width="480" height="270" src="//www.youtube.com/{path}" frameborder="0"></iframe>'


@lru_cache(maxsize=1 << 14)
def video_snippet(number: int, revision: int, published_at: float, channel: str) -> msgspec.Raw:
    """Return a video's snippet; ``tags`` and languages are missing where nobody gave any."""
    title, description, tags = (
        names.video_title(number, revision),
        names.description(number),
        names.tags(number),
    )
    body: dict[str, Any] = {
        "publishedAt": timestamp(published_at),
        "channelId": channel_id(number >> SLOT_BITS),
        "title": title,
        "description": description,
        "thumbnails": thumbnails(number),
        "channelTitle": channel,
    }
    body |= {"tags": tags} if tags else {}
    body |= {
        "categoryId": CATEGORIES[mix(271, number) % len(CATEGORIES)],
        "liveBroadcastContent": "none",
        "localized": {"title": title, "description": description},
    }
    if number % 3:
        body |= {"defaultLanguage": "en", "defaultAudioLanguage": "en"}
    return msgspec.Raw(encode(body))


def iso_duration(seconds: int) -> str:
    """Return a duration as ISO 8601 writes it, without parts that are 0."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "H"), (minutes, "M"), (rest, "S"))
    return "PT" + "".join(f"{value}{unit}" for value, unit in parts if value)


def video_statistics(shelf: Library, number: int, *, favorites: bool = True) -> dict[str, str]:
    """Return a video's counters; likes and comments are missing where they are hidden or off."""
    now, born = shelf.world.clock.now(), shelf.published_at(number)
    views = meter.views_at(number, meter.day_of(born), meter.day_of(now))
    counts = {"viewCount": str(int(views))}
    if not library.likes_hidden(number):
        counts["likeCount"] = str(int(views * meter.pace(number).shares[meter.LIKES]))
    if favorites:
        counts["favoriteCount"] = "0"
    if not library.comments_disabled(number):
        counts["commentCount"] = str(library.comments(number, born, now))
    return counts


def stat_parts(shelf: Library, number: int) -> Parts:
    """Return the parts of what ``videos:batchGetStats`` tells of a video."""
    return {
        "snippet": lambda: {"publishTime": timestamp(shelf.published_at(number))},
        "contentDetails": lambda: {"duration": f"{library.duration_seconds(number)}s"},
        "statistics": lambda: video_statistics(shelf, number, favorites=False),
    }


def playlist_parts(shelf: Library, number: int, first: int | None) -> Parts:
    """Return the parts of a playlist that a person made; ``first`` is the video whose picture it shows."""
    account = number >> PLACE_BITS
    title, count = names.playlist_title(number), len(library.playlist_videos(number))
    return {
        "snippet": lambda: {
            "publishedAt": timestamp(library.playlist_made_at(number)),
            "channelId": channel_id(account),
            "title": title,
            "description": "",
            "thumbnails": {} if first is None else thumbnails(first),
            "channelTitle": shelf.title(account),
            "localized": {"title": title, "description": ""},
        },
        "contentDetails": lambda: {"itemCount": count},
        "status": lambda: {"privacyStatus": library.playlist_privacy(number)},
        "player": lambda: {"embedHtml": embedding(f"embed/videoseries?list={playlist_id(number)}")},
        "localizations": lambda: {"en": {"title": title, "description": ""}},
    }
