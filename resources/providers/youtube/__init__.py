"""YouTube: Data API v3 and Analytics v2. Docs: https://developers.google.com/youtube/v3/docs."""

from __future__ import annotations

from resources.errors import AppRefused, Gone, GrantExpired, QuotaExhausted, RateLimited, ScopeMissing
from resources.provider import Api, Fault, Identity, Limit, Metric, OAuth, Provider, Pushes, Quota
from resources.providers.youtube.pages import SITE
from resources.providers.youtube.pushes import read_feed
from resources.providers.youtube.streams import ANALYTICS, MONETARY, PACIFIC, READ, STREAMS

AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
API_URL = "https://youtube.googleapis.com/youtube/v3"
ANALYTICS_URL = "https://youtubeanalytics.googleapis.com/v2"
HUB_URL = "https://pubsubhubbub.appspot.com"

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
    streams=STREAMS,
    site=SITE,
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
