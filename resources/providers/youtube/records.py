"""What one row of each YouTube stream looks like.

Counters come as text (uint64). A channel may hide its subscribers, a video its likes and comments:
such a count is null, never 0.
"""

from __future__ import annotations

from datetime import date, datetime

from resources.records import Record, at, given


class Channel(Record, lax=True):
    """A channel; ``subscriber_count`` is rounded by YouTube to three significant figures."""

    channel_id: str = at("id")
    title: str | None = at("snippet.title")
    description: str | None = at("snippet.description")
    handle: str | None = at("snippet.customUrl")
    country: str | None = at("snippet.country")
    published_at: datetime | None = at("snippet.publishedAt")
    uploads_playlist_id: str | None = at("contentDetails.relatedPlaylists.uploads")
    subscriber_count: int | None = at("statistics.subscriberCount")
    hides_subscribers: bool | None = at("statistics.hiddenSubscriberCount")
    view_count: int | None = at("statistics.viewCount")
    video_count: int | None = at("statistics.videoCount")
    privacy_status: str | None = at("status.privacyStatus")
    is_made_for_kids: bool | None = at("status.madeForKids")


class Upload(Record):
    """A video in a channel's uploads; ``added_at`` is when it came into the list."""

    playlist_id: str = given("playlist_id")
    video_id: str = at("contentDetails.videoId")
    added_at: datetime | None = at("snippet.publishedAt")
    published_at: datetime | None = at("contentDetails.videoPublishedAt")
    title: str | None = at("snippet.title")
    description: str | None = at("snippet.description")
    privacy_status: str | None = at("status.privacyStatus")


class Video(Record, lax=True):
    """A video; its duration as ISO 8601 has it."""

    video_id: str = at("id")
    channel_id: str | None = at("snippet.channelId")
    title: str | None = at("snippet.title")
    description: str | None = at("snippet.description")
    published_at: datetime | None = at("snippet.publishedAt")
    category_id: str | None = at("snippet.categoryId")
    tags: list[str] | None = at("snippet.tags")
    live_broadcast_content: str | None = at("snippet.liveBroadcastContent")
    duration: str | None = at("contentDetails.duration")
    definition: str | None = at("contentDetails.definition")
    has_captions: str | None = at("contentDetails.caption")
    privacy_status: str | None = at("status.privacyStatus")
    upload_status: str | None = at("status.uploadStatus")
    is_made_for_kids: bool | None = at("status.madeForKids")


class VideoStatistics(Record, lax=True):
    """A video's counters as they are now."""

    video_id: str = at("id")
    view_count: int | None = at("statistics.viewCount")
    like_count: int | None = at("statistics.likeCount")
    comment_count: int | None = at("statistics.commentCount")


class Playlist(Record):
    """A playlist of the channel, private ones too."""

    playlist_id: str = at("id")
    title: str | None = at("snippet.title")
    description: str | None = at("snippet.description")
    published_at: datetime | None = at("snippet.publishedAt")
    privacy_status: str | None = at("status.privacyStatus")
    item_count: int | None = at("contentDetails.itemCount")


class CommentThread(Record):
    """A comment that stands by itself, and how many answered it."""

    thread_id: str = at("id")
    video_id: str | None = at("snippet.videoId")
    author_name: str | None = at("snippet.topLevelComment.snippet.authorDisplayName")
    author_channel_id: str | None = at("snippet.topLevelComment.snippet.authorChannelId.value")
    text: str | None = at("snippet.topLevelComment.snippet.textOriginal")
    like_count: int | None = at("snippet.topLevelComment.snippet.likeCount")
    published_at: datetime | None = at("snippet.topLevelComment.snippet.publishedAt")
    updated_at: datetime | None = at("snippet.topLevelComment.snippet.updatedAt")
    reply_count: int | None = at("snippet.totalReplyCount")


class ChannelDay(Record, lax=True):
    """One day of a channel. Since 2025 ``views`` counts every start, ``engaged_views`` the older way."""

    day: date
    views: int | None
    engaged_views: int | None = at("engagedViews")
    estimated_minutes_watched: int | None = at("estimatedMinutesWatched")
    average_view_duration_seconds: int | None = at("averageViewDuration")
    average_view_percentage: float | None = at("averageViewPercentage")
    likes: int | None
    dislikes: int | None
    comments: int | None
    shares: int | None
    subscribers_gained: int | None = at("subscribersGained")
    subscribers_lost: int | None = at("subscribersLost")


class VideoDay(Record, lax=True):
    """One day of one of the channel's 200 most watched videos of that day."""

    day: date = given("day")
    video_id: str = at("video")
    views: int | None
    estimated_minutes_watched: int | None = at("estimatedMinutesWatched")
    average_view_duration_seconds: int | None = at("averageViewDuration")
    likes: int | None
    comments: int | None
    shares: int | None


class TrafficSourceDay(Record, lax=True):
    """Where one day's viewers came from."""

    day: date
    source: str = at("insightTrafficSourceType")
    views: int | None
    estimated_minutes_watched: int | None = at("estimatedMinutesWatched")


class CountryDay(Record, lax=True):
    """Where one day's viewers were; ``country`` as ISO 3166-1 has it, ``ZZ`` where it is not known."""

    day: date = given("day")
    country: str
    views: int | None
    estimated_minutes_watched: int | None = at("estimatedMinutesWatched")


class RevenueDay(Record, lax=True):
    """What one day earned, in US dollars; later days are estimates that YouTube corrects."""

    day: date
    estimated_revenue: float | None = at("estimatedRevenue")
    estimated_ad_revenue: float | None = at("estimatedAdRevenue")
    gross_revenue: float | None = at("grossRevenue")
    monetized_playbacks: int | None = at("monetizedPlaybacks")
    ad_impressions: int | None = at("adImpressions")
    cpm: float | None
