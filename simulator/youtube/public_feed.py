"""The public RSS of a channel: its 15 newest videos, with their views to the last one."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import escape

from simulator.youtube import library, names
from simulator.youtube.ids import SLOT_BITS, SLOTS, channel_id, channel_tail, video_id
from simulator.youtube.library import Library
from simulator.youtube.shown import likes, views

ENTRIES = 15
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/" \
xmlns="http://www.w3.org/2005/Atom">
 <link rel="self" href="http://www.youtube.com/feeds/videos.xml?channel_id={channel}"/>
 <id>yt:channel:{tail}</id>
 <yt:channelId>{tail}</yt:channelId>
 <title>{author}</title>
 <link rel="alternate" href="https://www.youtube.com/channel/{channel}"/>
 <author>
  <name>{author}</name>
  <uri>https://www.youtube.com/channel/{channel}</uri>
 </author>
 <published>{published}</published>
{entries}</feed>
"""
ENTRY = """ <entry>
  <id>yt:video:{video}</id>
  <yt:videoId>{video}</yt:videoId>
  <yt:channelId>{channel}</yt:channelId>
  <title>{title}</title>
  <link rel="alternate" href="https://www.youtube.com/{place}{video}"/>
  <author>
   <name>{author}</name>
   <uri>https://www.youtube.com/channel/{channel}</uri>
  </author>
  <published>{published}</published>
  <updated>{updated}</updated>
  <media:group>
   <media:title>{title}</media:title>
   <media:content url="https://www.youtube.com/v/{video}?version=3" type="application/x-shockwave-flash" \
width="640" height="390"/>
   <media:thumbnail url="https://i3.ytimg.com/vi/{video}/hqdefault.jpg" width="480" height="360"/>
   <media:description>{description}</media:description>
   <media:community>
    <media:starRating count="{ratings}" average="5.00" min="1" max="5"/>
    <media:{statistics} views="{views}"/>
   </media:community>
  </media:group>
 </entry>
"""


def feed(shelf: Library, account: int, factor: float, *, moved: bool) -> str:
    """Return a channel's feed; ``moved`` calls its statistics otherwise, as a day to come might."""
    statistics = "interactions" if moved else "statistics"
    newest = shelf.listed(account, None)[:ENTRIES]
    return FEED.format(
        channel=channel_id(account),
        tail=channel_tail(account),
        author=escape(shelf.title(account)),
        published=_moment(library.created_at(account)),
        entries="".join(_entry(shelf, number, factor, statistics) for number in newest),
    )


def _entry(shelf: Library, number: int, factor: float, statistics: str) -> str:
    account, slot = number >> SLOT_BITS, number % SLOTS
    published = shelf.published_at(number)
    return ENTRY.format(
        video=video_id(number),
        channel=channel_id(account),
        title=escape(names.video_title(number, shelf.revision(number))),
        place="shorts/" if library.is_short(number) else "watch?v=",
        author=escape(shelf.title(account)),
        published=_moment(published),
        updated=_moment(shelf.changes(account).updated_at.get(slot, published + 10)),
        description=escape(names.description(number)),
        ratings=likes(shelf, number, factor),
        statistics=statistics,
        views=views(shelf, number, factor),
    )


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S+00:00}"
