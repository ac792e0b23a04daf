"""The Atom feeds that YouTube pushes when a video comes, changes or goes."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import escape

from simulator.youtube import names
from simulator.youtube.ids import SLOTS, channel_id, video_id
from simulator.youtube.library import Library

TOPIC = "https://www.youtube.com/xml/feeds/videos.xml?channel_id="
PUBLISHED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">
 <link rel="hub" href="https://pubsubhubbub.appspot.com"/>
 <link rel="self" href="{topic}"/>
 <title>YouTube video feed</title>
 <updated>{updated}</updated>
 <entry>
  <id>yt:video:{video}</id>
  <yt:videoId>{video}</yt:videoId>
  <yt:channelId>{channel}</yt:channelId>
  <title>{title}</title>
  <link rel="alternate" href="https://www.youtube.com/watch?v={video}"/>
  <author>
   <name>{author}</name>
   <uri>https://www.youtube.com/channel/{channel}</uri>
  </author>
  <published>{published}</published>
  <updated>{updated}</updated>
 </entry>
</feed>
"""
DELETED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns="http://www.w3.org/2005/Atom">
 <at:deleted-entry ref="yt:video:{video}" when="{when}">
  <link href="https://www.youtube.com/watch?v={video}"/>
  <at:by>
   <name>{author}</name>
   <uri>https://www.youtube.com/channel/{channel}</uri>
  </at:by>
 </at:deleted-entry>
</feed>
"""


def entry(shelf: Library, number: int) -> bytes:
    """Return the feed that tells of a new or changed video."""
    account, slot = divmod(number, SLOTS)
    published = shelf.published_at(number)
    updated = shelf.changes(account).updated_at.get(slot, published + 10)
    channel = channel_id(account)
    return PUBLISHED.format(
        topic=TOPIC + channel,
        video=video_id(number),
        channel=channel,
        title=escape(names.video_title(number, shelf.revision(number))),
        author=escape(shelf.title(account)),
        published=f"{datetime.fromtimestamp(published, UTC):%Y-%m-%dT%H:%M:%S+00:00}",
        updated=f"{datetime.fromtimestamp(updated, UTC):%Y-%m-%dT%H:%M:%S.%f}123+00:00",
    ).encode()


def tombstone(shelf: Library, number: int) -> bytes:
    """Return the feed that tells of a deleted video; only its author's address names the channel."""
    account = number // SLOTS
    removed = shelf.removed_at(number) or shelf.world.clock.now()
    return DELETED.format(
        video=video_id(number),
        channel=channel_id(account),
        author=escape(shelf.title(account)),
        when=f"{datetime.fromtimestamp(removed, UTC):%Y-%m-%dT%H:%M:%S.%f+00:00}",
    ).encode()
