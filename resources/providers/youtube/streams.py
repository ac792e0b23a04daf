"""What Backline reads of a YouTube channel: its list of videos, their counters, and its reports by day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from resources.errors import (
    PermissionMissing,
)
from resources.paging import After, Single
from resources.provider import (
    Ages,
    Days,
    FromAccount,
    FromStream,
    NewestFirst,
    Shared,
    Stream,
)
from resources.providers.youtube.analytics import rows_by_header
from resources.providers.youtube.records import (
    Channel,
    ChannelDay,
    CommentThread,
    CountryDay,
    Playlist,
    RevenueDay,
    TrafficSourceDay,
    Upload,
    Video,
    VideoDay,
    VideoStatistics,
)

SCOPE = "https://www.googleapis.com/auth/"
READ, ANALYTICS = f"{SCOPE}youtube.readonly", f"{SCOPE}yt-analytics.readonly"
MONETARY = f"{SCOPE}yt-analytics-monetary.readonly"
PACIFIC = "America/Los_Angeles"  # where YouTube's days, and its quota's, begin
DAY, ALWAYS = timedelta(days=1), timedelta(days=36_500)


def _pages(limit: int) -> After:
    """Return how YouTube pages; ``pageInfo.totalResults`` is a guess but where it is 0."""
    position = "nextPageToken"
    return After(
        limit,
        items="items",
        after=position,
        next=position,
        none_at="pageInfo.totalResults",
        limit_name="maxResults",
        after_name="pageToken",
    )


def _report(name: str, record: Any, key: tuple[str, ...], doc: str, span: int, **params: str) -> Stream:
    """Return a stream of Analytics: its days lag by two or three, and the last of them still change."""
    monetary = record is RevenueDay
    return Stream(
        name,
        "/reports",
        record,
        key=key,
        doc=doc,
        scope=MONETARY if monetary else ANALYTICS,
        optional=monetary,
        host="analytics",
        bucket=None,
        params={"ids": "channel==MINE", **params},
        days=Days(
            "startDate",
            "endDate",
            kind="date",
            zone=PACIFIC,
            span=span,
            settling=4,
            initial=90 if span > 1 else 28,
            reach=3_650,
        ),
        absent=(PermissionMissing,) if monetary else (),  # a channel that does not earn answers 403
        reshape=rows_by_header,
    )


STREAMS = (
    Stream(
        "channels",
        "/channels",
        Channel,
        key=("channel_id",),
        scope=READ,
        params={"part": "snippet,contentDetails,statistics,status", "maxResults": "50"},
        paging=Single("items", none_at="pageInfo.totalResults"),
        each=FromAccount("channel_id"),
        shared=Shared("id", 50),
        doc="The connected channels and their counters.",
    ),
    Stream(
        "uploads",
        "/playlistItems",
        Upload,
        key=("video_id",),
        scope=READ,
        params={"part": "snippet,contentDetails,status"},
        paging=_pages(50),
        each=FromStream("channels", "uploads_playlist_id", "playlist_id", parameter="playlistId"),
        newest_first=NewestFirst("added_at"),
        doc="The channels' uploads: new ones at every sync, all of them once a week.",
    ),
    Stream(
        "videos",
        "/videos",
        Video,
        key=("video_id",),
        scope=READ,
        params={"part": "snippet,contentDetails,status"},
        paging=Single("items", none_at="pageInfo.totalResults"),
        each=FromStream(
            "uploads",
            "video_id",
            "video_id",
            ages=Ages("published_at", ((28 * DAY, DAY), (ALWAYS, 7 * DAY))),
            also=("privacy_status",),
        ),
        shared=Shared("id", 50, private=("privacy_status", ("private",))),
        doc="What the videos are: daily in their first four weeks, then weekly.",
    ),
    Stream(
        "video_statistics",
        "/videos:batchGetStats",
        VideoStatistics,
        key=("video_id",),
        scope=READ,
        bucket="stats",
        params={"part": "statistics"},
        paging=Single("items"),
        each=FromStream("uploads", "video_id", "video_id", also=("privacy_status",)),
        shared=Shared("id", 50, private=("privacy_status", ("private",))),
        doc="The videos' counters, at every sync.",
    ),
    Stream(
        "playlists",
        "/playlists",
        Playlist,
        key=("playlist_id",),
        scope=READ,
        params={"part": "snippet,status,contentDetails", "mine": "true"},
        paging=_pages(50),
        refresh=7 * DAY,
        may_wait=True,
        doc="The channels' own playlists, once a week.",
    ),
    Stream(
        "comment_threads",
        "/commentThreads",
        CommentThread,
        key=("thread_id",),
        optional=True,
        public=True,  # by the key: a grant would need the right to write
        params={"part": "snippet", "order": "time", "textFormat": "plainText"},
        paging=_pages(100),
        each=FromAccount("channel_id", parameter="allThreadsRelatedToChannelId"),
        newest_first=NewestFirst("published_at"),
        absent=(PermissionMissing,),  # comments may be turned off
        doc="Comments on the channels' videos, where an account's `optional_streams` ask for them.",
    ),
    _report(
        "channel_daily",
        ChannelDay,
        ("day",),
        "The channels' numbers by day.",
        span=365,
        dimensions="day",
        sort="day",
        metrics="views,engagedViews,estimatedMinutesWatched,averageViewDuration,averageViewPercentage,"
        "likes,dislikes,comments,shares,subscribersGained,subscribersLost",
    ),
    _report(
        "video_daily",
        VideoDay,
        ("day", "video_id"),
        "The 200 most watched videos of each day.",
        span=1,
        dimensions="video",
        sort="-views",
        maxResults="200",
        metrics="views,estimatedMinutesWatched,averageViewDuration,likes,comments,shares",
    ),
    _report(
        "traffic_source_daily",
        TrafficSourceDay,
        ("day", "source"),
        "Where viewers came from, by day.",
        span=90,
        dimensions="day,insightTrafficSourceType",
        sort="day",
        metrics="views,estimatedMinutesWatched",
    ),
    _report(
        "country_daily",
        CountryDay,
        ("day", "country"),
        "Where viewers were, by day.",
        span=1,
        dimensions="country",
        sort="-views",
        metrics="views,estimatedMinutesWatched",
    ),
    _report(
        "revenue_daily",
        RevenueDay,
        ("day",),
        "What the channels earned by day, where they earn and the owner let us see it.",
        span=365,
        dimensions="day",
        sort="day",
        metrics="estimatedRevenue,estimatedAdRevenue,grossRevenue,monetizedPlaybacks,adImpressions,cpm",
    ),
)
