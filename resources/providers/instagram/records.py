"""What one row of each Instagram stream looks like.

Every id is text. What Instagram leaves out (hidden likes, licensed audio, young insights) is null or no
row at all, never 0.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from resources.records import Record, at, given


class Child(msgspec.Struct, frozen=True):
    """One picture or video of a carousel; its address expires."""

    id: str | None = None
    media_type: str | None = None
    media_url: str | None = None
    permalink: str | None = None
    timestamp: str | None = None


class Profile(Record, lax=True):
    """The connected account; ``user_id`` is what webhooks call it, ``app_scoped_id`` is this app's alone."""

    user_id: str
    app_scoped_id: str | None = at("id")
    username: str | None
    name: str | None
    account_type: str | None
    biography: str | None
    website: str | None
    profile_picture_url: str | None
    followers_count: int | None
    follows_count: int | None
    media_count: int | None


class Media(Record):
    """A post or reel; ``media_url`` expires and is missing where the audio is licensed."""

    media_id: str = at("id")
    caption: str | None
    media_type: str | None
    media_product_type: str | None
    media_url: str | None
    permalink: str | None
    shortcode: str | None
    thumbnail_url: str | None
    timestamp: datetime | None
    like_count: int | None
    comments_count: int | None
    username: str | None
    is_comment_enabled: bool | None
    is_shared_to_feed: bool | None
    alt_text: str | None
    children: list[Child] | None = at("children.data")


class Story(Record):
    """A story; Instagram lists it for 24 hours, the row stays."""

    story_id: str = at("id")
    caption: str | None
    media_type: str | None
    media_url: str | None
    permalink: str | None
    shortcode: str | None
    thumbnail_url: str | None
    timestamp: datetime | None
    username: str | None


class Insight(Record, lax=True):
    """One number of one metric; without a breakdown its dimension is empty."""

    metric: str
    dimension: str
    dimension_value: str
    value: float


class MediaInsight(Record):
    """One number of a post or reel over its whole life."""

    media_id: str = given("media_id")
    insight: Insight = at("")


class StoryInsight(Record):
    """One number of a story, as it was last seen in its 24 hours."""

    story_id: str = given("story_id")
    insight: Insight = at("")


class AccountInsight(Record):
    """One number of the account on one day; days are Instagram's, which begin at midnight Pacific."""

    day: date = given("day")
    insight: Insight = at("")


class Demographic(Record):
    """How many followers are of one age, city, country or gender, as of one day."""

    day: date = given("today")
    insight: Insight = at("")


class Comment(Record):
    """A comment on a post or reel."""

    media_id: str = given("media_id")
    comment_id: str = at("id")
    text: str | None
    timestamp: datetime | None
    username: str | None
    like_count: int | None
