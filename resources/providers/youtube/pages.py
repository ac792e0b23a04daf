"""YouTube's public pages: a channel's page, and its feed with exact views."""

from __future__ import annotations

from datetime import datetime

import msgspec

from resources.provider import Agreement, FromAccount, Page, Site
from resources.providers.youtube.channel_page import read_channel_page
from resources.providers.youtube.feed_page import read_feed_page
from resources.records import Record

PAGES_URL = "https://www.youtube.com"
OWN_CHANNEL = "UCBR8-60-B28hp2BmDPdntcQ"  # YouTube's own


class RecentVideo(msgspec.Struct, frozen=True):
    """A video in a channel's list; ``step`` is what the last printed digit of its views is worth."""

    video_id: str
    title: str
    views: int
    step: int


class ChannelPage(Record):
    """A channel as anybody sees it; YouTube prints three digits of its subscribers."""

    channel_id: str
    name: str
    handle: str | None
    subscribers: int
    subscribers_step: int
    videos: int | None
    videos_step: int | None
    recent_videos: list[RecentVideo]


class FeedVideo(Record):
    """One of a channel's 15 newest videos, with exact counts."""

    channel_id: str
    video_id: str
    title: str
    published_at: datetime
    views: int
    views_step: int
    likes: int | None
    likes_step: int | None


SITE = Site(
    origin=PAGES_URL,
    cookies={"SOCS": "CAE="},  # optional cookies are refused; without a choice there is a wall instead
    pages=(
        Page(
            "channel_page",
            "/channel/{channel_id}/videos?hl=en&gl=US",
            ChannelPage,
            key=("channel_id",),
            each=FromAccount("channel_id"),
            read=read_channel_page,
            doc="The channels as anybody sees them, with their recent videos.",
            canary=OWN_CHANNEL,
            agreements=(Agreement("subscribers", "channels", "subscriber_count", on="channel_id"),),
        ),
        Page(
            "feed_page",
            "/feeds/videos.xml?channel_id={channel_id}",
            FeedVideo,
            key=("channel_id", "video_id"),
            each=FromAccount("channel_id"),
            read=read_feed_page,
            doc="The channels' newest videos, with exact views.",
            canary=OWN_CHANNEL,
            ways=("light",),
            agreements=(Agreement("views", "video_statistics", "view_count", on="video_id"),),
        ),
    ),
)
