"""What Backline reads of an Instagram account: posts, stories, their insights, and the account's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from resources.paging import After
from resources.provider import (
    Ages,
    Choice,
    Days,
    FromStream,
    NewestFirst,
    Stream,
)
from resources.providers.instagram.insights import unfold
from resources.providers.instagram.records import (
    AccountInsight,
    Comment,
    Demographic,
    Media,
    MediaInsight,
    Profile,
    Story,
    StoryInsight,
)
from resources.records import fields_of

BASIC, INSIGHTS = "instagram_business_basic", "instagram_business_manage_insights"
COMMENTS = "instagram_business_manage_comments"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

EVERY_MEDIA = "reach,views,likes,comments,saved,shares,total_interactions"
FEED_METRICS = f"{EVERY_MEDIA},reposts,follows,profile_visits"
REELS_METRICS = (
    f"{EVERY_MEDIA},reposts,ig_reels_avg_watch_time,ig_reels_video_view_total_time,reels_skip_rate"
)
STORY_METRICS = "reach,views,replies,shares,total_interactions,reposts,follows,profile_visits"
ACTIONS = {"metric": "profile_activity", "breakdown": "action_type"}
NAVIGATION = {"metric": "navigation", "breakdown": "story_navigation_action_type"}
ACCOUNT_METRICS = (
    "reach,views,accounts_engaged,total_interactions,likes,comments,saves,shares,replies,reposts"
)
BREAKDOWNS = (
    {"metric": "reach,views,total_interactions", "breakdown": "media_product_type"},
    {"metric": "reach,views", "breakdown": "follow_type"},
    {"metric": "follows_and_unfollows", "breakdown": "follow_type"},
    {"metric": "profile_links_taps", "breakdown": "contact_button_type"},
)
NUMBER = ("metric", "dimension", "dimension_value")
DAYS = Days(
    "since",
    "until",
    kind="unix",
    zone="America/Los_Angeles",
    span=1,  # a total is of the whole window
    settling=3,
    initial=30,
    reach=730,
)


def _pages(limit: int) -> After:
    """Return how Instagram pages: ``cursors.after`` stands on the last page too, ``next`` does not."""
    return After(limit, items="data", after="paging.cursors.after", next="paging.next")


def _with_text_id(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the profile as the one item; Meta writes its id quoted or bare, and it is text here."""
    told = reply.get("user_id")
    return [{**reply, "user_id": str(told)} if isinstance(told, int) else reply]


STREAMS = (
    Stream(
        "profile",
        "/me",
        Profile,
        key=("user_id",),
        scope=BASIC,
        params={"fields": fields_of(Profile)},
        reshape=_with_text_id,
        doc="The connected accounts and their counters.",
    ),
    Stream(
        "media",
        "/me/media",
        Media,
        key=("media_id",),
        scope=BASIC,
        params={"fields": fields_of(Media, children="id,media_type,media_url,permalink,timestamp")},
        paging=_pages(100),
        newest_first=NewestFirst("timestamp", whole_every=DAY),
        doc="Posts and reels with what their carousels hold: new ones at every sync, all once a day.",
    ),
    Stream(
        "stories",
        "/me/stories",
        Story,
        key=("story_id",),
        scope=BASIC,
        params={"fields": fields_of(Story)},
        paging=_pages(100),
        keeps=True,
        doc="Stories, kept when their 24 hours are over.",
    ),
    Stream(
        "media_insights",
        "/{media_id}/insights",
        MediaInsight,
        key=("media_id", *NUMBER),
        scope=INSIGHTS,
        each=FromStream(
            "media",
            "media_id",
            "media_id",
            ages=Ages("timestamp", ((timedelta(days=28), DAY), (timedelta(days=730), 7 * DAY))),
            also=("media_product_type",),
        ),
        choice=Choice(
            "media_product_type",
            {
                "FEED": {"metric": FEED_METRICS},
                "REELS": {"metric": REELS_METRICS},
                "": {"metric": EVERY_MEDIA},
            },
        ),
        split="metric",
        reshape=unfold,
        doc="Numbers of posts and reels: daily for four weeks, then weekly for two years.",
    ),
    Stream(
        "media_actions",
        "/{media_id}/insights",
        MediaInsight,
        key=("media_id", *NUMBER),
        scope=INSIGHTS,
        each=FromStream(
            "media",
            "media_id",
            "media_id",
            ages=Ages("timestamp", ((timedelta(days=7), DAY),)),
            also=("media_product_type",),
        ),
        choice=Choice("media_product_type", {"FEED": ACTIONS}),
        reshape=unfold,
        keeps=True,
        doc="What people did on the profile after seeing a post, in the post's first week.",
    ),
    Stream(
        "story_insights",
        "/{story_id}/insights",
        StoryInsight,
        key=("story_id", *NUMBER),
        scope=INSIGHTS,
        params={"metric": STORY_METRICS},
        each=FromStream("stories", "story_id", "story_id", ages=Ages("timestamp", ((DAY, HOUR),))),
        split="metric",
        reshape=unfold,
        keeps=True,
        doc="Numbers of stories, hourly at most within their 24 hours.",
    ),
    Stream(
        "story_actions",
        "/{story_id}/insights",
        StoryInsight,
        key=("story_id", *NUMBER),
        scope=INSIGHTS,
        variants=(NAVIGATION, ACTIONS),
        each=FromStream("stories", "story_id", "story_id", ages=Ages("timestamp", ((DAY, 6 * HOUR),))),
        reshape=unfold,
        keeps=True,
        doc="How people moved on from stories, and what they did on the profile.",
    ),
    Stream(
        "account_insights",
        "/me/insights",
        AccountInsight,
        key=("day", *NUMBER),
        scope=INSIGHTS,
        params={"period": "day", "metric_type": "total_value", "metric": ACCOUNT_METRICS},
        days=DAYS,
        split="metric",
        reshape=unfold,
        doc="The accounts' numbers by day.",
    ),
    Stream(
        "account_breakdowns",
        "/me/insights",
        AccountInsight,
        key=("day", *NUMBER),
        scope=INSIGHTS,
        params={"period": "day", "metric_type": "total_value"},
        variants=BREAKDOWNS,
        days=DAYS,
        split="metric",
        reshape=unfold,
        doc="The accounts' numbers by day and kind of media, of follower, or of button.",
    ),
    Stream(
        "follower_demographics",
        "/me/insights",
        Demographic,
        key=("day", *NUMBER),
        scope=INSIGHTS,
        params={
            "metric": "follower_demographics",
            "period": "lifetime",
            "timeframe": "this_month",
            "metric_type": "total_value",
        },
        variants=tuple({"breakdown": part} for part in ("age", "city", "country", "gender")),
        reshape=unfold,
        refresh=DAY,
        keeps=True,
        doc="Followers by age, city, country and gender, the 45 largest of each; from 100 followers on.",
    ),
    Stream(
        "comments",
        "/{media_id}/comments",
        Comment,
        key=("comment_id",),
        scope=COMMENTS,
        optional=True,
        params={"fields": fields_of(Comment)},
        paging=_pages(50),
        each=FromStream("media", "media_id", "media_id", ages=Ages("timestamp", ((28 * DAY, DAY),))),
        keeps=True,
        doc="Comments on the posts and reels of the last four weeks, where the owner let us see them.",
    ),
)
