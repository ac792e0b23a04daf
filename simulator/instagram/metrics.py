"""Which metrics exist, on what, by which dimensions; and those that Instagram retired."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.instagram.errors import Refused
from simulator.instagram.media import Product

PERIODS = ("day", "week", "days_28", "month", "lifetime", "total_over_range")
SHARED = ("reach", "views", "shares", "total_interactions", "reposts")
VISITS = ("follows", "profile_visits", "profile_activity")
OF_PRODUCT: dict[Product, tuple[str, ...]] = {
    "FEED": (*SHARED, *VISITS, "comments", "likes", "saved"),
    "REELS": (
        *(*SHARED, "comments", "likes", "saved"),
        *("ig_reels_avg_watch_time", "ig_reels_video_view_total_time", "reels_skip_rate"),
    ),
    "STORY": (*SHARED, *VISITS, "replies", "navigation"),
}
MEDIA_METRICS = tuple(dict.fromkeys(name for names in OF_PRODUCT.values() for name in names))
MEDIA_BREAKDOWNS = {"profile_activity": ("action_type",), "navigation": ("story_navigation_action_type",)}

TOTALS = (
    *("reach", "views", "accounts_engaged", "total_interactions", "likes", "comments", "saves", "shares"),
    *("replies", "reposts", "profile_links_taps", "follows_and_unfollows"),
)
SERIES = ("reach", "follower_count")
DEMOGRAPHICS = ("follower_demographics", "engaged_audience_demographics")
USER_METRICS = (*TOTALS, "follower_count", *DEMOGRAPHICS)
BY_PRODUCT = ("total_interactions", "likes", "comments", "saves", "shares", "reposts")
USER_BREAKDOWNS = {
    **dict.fromkeys(BY_PRODUCT, ("media_product_type",)),
    "reach": ("media_product_type", "follow_type"),
    "views": ("media_product_type", "follow_type"),
    "profile_links_taps": ("contact_button_type",),
    "follows_and_unfollows": ("follow_type",),
}
DIMENSIONS = {
    "media_product_type": ("FEED", "REELS", "STORY", "AD"),
    "follow_type": ("FOLLOWER", "NON_FOLLOWER", "UNKNOWN"),
    "contact_button_type": ("BOOK_NOW", "CALL", "DIRECTION", "EMAIL", "TEXT", "UNDEFINED"),
    "action_type": ("BIO_LINK_CLICKED", "CALL", "DIRECTION", "EMAIL", "OTHER", "TEXT"),
    "story_navigation_action_type": ("TAP_FORWARD", "TAP_BACK", "TAP_EXIT", "SWIPE_FORWARD"),
}
RETIRED = {
    **dict.fromkeys(
        ("impressions", "plays", "clips_replays_count", "ig_reels_aggregated_all_plays_count"), 22
    ),
    **dict.fromkeys(
        (
            *("video_views", "profile_views", "website_clicks", "email_contacts", "phone_call_clicks"),
            *("text_message_clicks", "get_direction_clicks", "get_directions_clicks"),
        ),
        21,
    ),
    **dict.fromkeys(("engagement", "audience_city", "audience_country", "audience_gender_age"), 18),
    **dict.fromkeys(("audience_locale", "taps_forward", "taps_back", "exits"), 18),
}
RETIRED_MESSAGE = (
    "(#100) Starting from version {version}+, the following metric is no longer supported: {name}. Instead, "
    "please refer to the documentation at https://developers.facebook.com/docs/instagram-api/reference/"
    "ig-media/insights for a list of supported metrics."
)


def check_names(asked: list[str], known: tuple[str, ...]) -> None:
    """Raise ``Refused`` where one metric is retired or unknown: it fails the whole call."""
    for place, name in enumerate(asked):
        if name in RETIRED:
            raise Refused(RETIRED_MESSAGE.format(version=RETIRED[name], name=name))
        if name not in known:
            listed = ", ".join(known)
            raise Refused(f"(#100) metric[{place}] must be one of the following values: {listed}")


def check_breakdowns(asked: list[str], breakdowns: list[str], allowed: Mapping[str, tuple[str, ...]]) -> None:
    """Raise ``Refused`` where one metric is not told by all the dimensions."""
    for name in asked:
        if wrong := [dimension for dimension in breakdowns if dimension not in allowed.get(name, ())]:
            raise Refused(f"(#100) Incompatible breakdowns ({','.join(wrong)}) for metric ({name})")


def title(name: str) -> str:
    """Return a metric's title."""
    return name.replace("_", " ").capitalize()


def description(name: str) -> str:
    """Return a sentence about a metric."""
    return f"The account's or media's {name.replace('_', ' ')} in the period."
