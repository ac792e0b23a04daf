"""What a media's numbers are, and how they grow in its first two days."""

from __future__ import annotations

from simulator.instagram import media, stories, times
from simulator.instagram.ids import Node
from simulator.instagram.state import State
from simulator.mixing import mix

GROWN_HOURS = 48
SILENT_HOURS = 3  # so long there are no insights at all
Numbers = dict[str, int]


def age_hours(state: State, node: Node) -> float:
    """Return how long ago it was posted."""
    moment = stories.posted_at(state, node) if node.kind == "story" else media.posted_at(state, node)
    return (state.now - moment) / times.HOUR_SECONDS


def numbers(state: State, node: Node) -> Numbers:
    """Return all numbers of a media or a story, by the metric's name; counts and milliseconds."""
    share = min(1.0, max(0.0, age_hours(state, node) / GROWN_HOURS))
    seed = mix(293, node.account, node.slot, len(node.kind))
    largest = 90 if node.kind == "story" else 4_000
    reach = int((3 + seed % largest) * share)
    likes, shares = reach // 9, reach // 70
    saved, reposts = reach // 50, reach // 200
    comments = media.comments_of(state, node) if node.kind == "media" else 0
    replies = reach // 30 if node.kind == "story" else 0
    watch_ms = 2_000 + seed % 9_000
    return {
        "reach": reach,
        "views": reach + reach * (seed >> 8 & 15) // 16,
        "likes": likes,
        "comments": comments,
        "saved": saved,
        "shares": shares,
        "reposts": reposts,
        "replies": replies,
        "total_interactions": likes + comments + saved + shares + reposts + replies,
        "follows": reach // 150,
        "profile_visits": reach // 25,
        "profile_activity": reach // 60,
        "navigation": reach * 2,
        "ig_reels_avg_watch_time": watch_ms,
        "ig_reels_video_view_total_time": watch_ms * reach,
        "reels_skip_rate": 20 + seed % 50,
    }
