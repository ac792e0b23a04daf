"""YouTube: Data API v3 and Analytics v2. Docs: https://developers.google.com/youtube/v3/docs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from resources.errors import (
    AppRefused,
    Gone,
    GrantExpired,
    PermissionMissing,
    QuotaExhausted,
    RateLimited,
    ScopeMissing,
)
from resources.paging import After, Single
from resources.provider import (
    Ages,
    Api,
    Days,
    Fault,
    FromAccount,
    FromStream,
    Identity,
    Limit,
    Metric,
    NewestFirst,
    OAuth,
    Provider,
    Pushes,
    Quota,
    Shared,
    Stream,
)
from resources.providers.youtube.analytics import rows_by_header
from resources.providers.youtube.pushes import read_feed
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

AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
API_URL = "https://youtube.googleapis.com/youtube/v3"
ANALYTICS_URL = "https://youtubeanalytics.googleapis.com/v2"
HUB_URL = "https://pubsubhubbub.appspot.com"
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


PROVIDER = Provider(
    name="youtube",
    title="YouTube",
    docs="https://developers.google.com/youtube/v3/docs",
    apps="https://console.cloud.google.com/apis/credentials",
    every="6h",
    api=Api(
        API_URL,
        limit=Limit(300, seconds=10),
        hosts={"analytics": ANALYTICS_URL, "hub": HUB_URL},
        quota=Quota({"main": 10_000, "stats": 10_000}, zone=PACIFIC),
        key_header="x-goog-api-key",
        error_reason=("error.errors.0.reason",),
        faults=(
            Fault(QuotaExhausted, status=403, reason="quotaExceeded"),
            Fault(QuotaExhausted, status=403, reason="dailyLimitExceeded"),
            Fault(RateLimited, status=403, reason="rateLimitExceeded"),
            Fault(RateLimited, status=403, reason="userRateLimitExceeded"),
            Fault(AppRefused, status=400, reason="keyInvalid"),
            Fault(AppRefused, status=400, reason="keyExpired"),
            Fault(AppRefused, status=403, reason="accessNotConfigured"),
            Fault(ScopeMissing, status=403, reason="insufficientPermissions"),
            Fault(GrantExpired, status=403, reason="authenticatedUserAccountClosed"),
            Fault(GrantExpired, status=403, reason="authenticatedUserAccountSuspended"),
            Fault(Gone, status=403, reason="channelClosed"),
            Fault(Gone, status=403, reason="channelSuspended"),
        ),
    ),
    oauth=OAuth(
        authorize=AUTHORIZE_URL,
        token=TOKEN_URL,
        scopes=(READ, ANALYTICS),
        optional_scopes=(MONETARY,),
        secret_in="body",  # noqa: S106  # a place, no secret
        params={"access_type": "offline", "prompt": "consent"},  # or there is no refresh token
        identity=Identity(
            "/channels",
            id=("items.0.id",),
            name=("items.0.snippet.title",),
            params={"part": "snippet", "mine": "true"},
        ),
        ending="Publish the Google app (Google Auth Platform, Audience): while it is in testing, Google "
        "ends every consent after 7 days.",
    ),
    streams=(
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
    ),
    audience=(
        Metric("followers", "channels", "subscriber_count"),
        Metric("views_total", "channels", "view_count"),
        Metric("posts", "channels", "video_count"),
        Metric("views", "channel_daily", "views", day="day"),
        Metric("watch_minutes", "channel_daily", "estimated_minutes_watched", day="day"),
        Metric("followers_gained", "channel_daily", "subscribers_gained", day="day"),
        Metric("followers_lost", "channel_daily", "subscribers_lost", day="day"),
        Metric("likes", "channel_daily", "likes", day="day"),
        Metric("comments", "channel_daily", "comments", day="day"),
        Metric("shares", "channel_daily", "shares", day="day"),
    ),
    pushes=Pushes(
        way="websub",
        signature="x-hub-signature",
        algorithm="sha1",
        read=read_feed,
        streams=("channels", "uploads", "videos", "video_statistics"),
        host="hub",
        path="/subscribe",
        topic="https://www.youtube.com/xml/feeds/videos.xml?channel_id={external_id}",
    ),
)
