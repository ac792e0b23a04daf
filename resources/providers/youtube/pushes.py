"""What YouTube's hub pushes: an Atom feed of the videos that came, changed or went.

Source: https://developers.google.com/youtube/v3/guides/push_notifications, RFC 6721 for what went.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from resources.provider import News, PushUnreadable
from resources.providers.youtube.atom import ATOM, YOUTUBE, parse

DELETED = "{http://purl.org/atompub/tombstones/1.0}"


def read_feed(body: bytes) -> list[News]:
    """Return what a feed tells; raise ``PushUnreadable`` where it is none."""
    try:
        text = body.decode()  # in another encoding a document type would not be seen
    except UnicodeDecodeError as error:
        raise PushUnreadable("it is not UTF-8") from error
    try:
        feed = parse(text)
    except ValueError as error:
        raise PushUnreadable(str(error)) from error
    published = [_published(entry) for entry in feed.iter(f"{ATOM}entry")]
    return published + [_deleted(entry) for entry in feed.iter(f"{DELETED}deleted-entry")]


def _published(entry: ET.Element) -> News:
    video, channel = entry.findtext(f"{YOUTUBE}videoId"), entry.findtext(f"{YOUTUBE}channelId")
    if not video or not channel:
        raise PushUnreadable("an entry names no video or no channel")
    return News(channel, "video", video, entry.findtext(f"{ATOM}updated") or "")


def _deleted(entry: ET.Element) -> News:
    """Read a tombstone, which names its channel only by the address of whose it was."""
    video = entry.get("ref", "").rpartition(":")[2]
    channel = (entry.findtext(f"{DELETED}by/{ATOM}uri") or "").rstrip("/").rpartition("/")[2]
    if not video or not channel:
        raise PushUnreadable("a deleted entry names no video or no channel")
    return News(channel, "deleted", video, entry.get("when", ""))
