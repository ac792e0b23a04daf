"""What is told of a media, field by field."""

from __future__ import annotations

from simulator.instagram import growth, media, names, times
from simulator.instagram.fields import Shape
from simulator.instagram.ids import Node, shortcode, user_id
from simulator.instagram.state import State

ELSEWHERE = ("comments", "insights", "collaborators", "current_live_viewer_count")


def username(state: State, node: Node) -> str:
    """Return the user name of who posted it."""
    return state.edits_of(node.account).username or names.account_username(node.account)


def owner(state: State, node: Node) -> dict[str, str]:
    """Return who posted it."""
    return {"id": user_id(node.account), "username": username(state, node)}


def _media_url(state: State, node: Node) -> str | None:
    is_video = media.form(node).type == "VIDEO"
    has_licensed_audio = is_video and media.seed_of(node) >> 24 & 3 == 0
    return None if has_licensed_audio else media.file_url(state, node, is_video=is_video)


def _thumbnail(state: State, node: Node) -> str | None:
    return media.file_url(state, node, is_video=False) if media.form(node).type == "VIDEO" else None


def _caption(_: State, node: Node) -> str | None:
    seed = media.seed_of(node) >> 3
    return names.caption(seed) if seed % 7 and not node.part else None


def _like_count(state: State, node: Node) -> int | None:
    hidden = media.seed_of(node) >> 30 & 7 == 0
    return None if hidden or node.part else growth.numbers(state, node)["likes"]


def _comments_count(state: State, node: Node) -> int | None:
    return None if node.part else media.comments_of(state, node)


def _alt_text(_: State, node: Node) -> str | None:
    seed = media.seed_of(node) >> 5
    return names.alternative(seed) if seed % 3 == 0 and media.form(node).type == "IMAGE" else None


def _is_shared(_: State, node: Node) -> bool | None:
    return bool(media.seed_of(node) >> 9 & 3) if media.form(node).product == "REELS" else None


def _permalink(_: State, node: Node) -> str:
    place = "reel" if media.form(node).product == "REELS" else "p"
    return f"https://www.instagram.com/{place}/{shortcode(node)}/"


MEDIA = Shape(
    "Media",
    {
        "id": lambda _, node: node.id,
        "alt_text": _alt_text,
        "caption": _caption,
        "comments_count": _comments_count,
        "is_comment_enabled": lambda _, node: None if node.part else True,
        "is_shared_to_feed": _is_shared,
        "like_count": _like_count,
        "media_product_type": lambda _, node: media.form(node).product,
        "media_type": lambda _, node: media.form(node).type,
        "media_url": _media_url,
        "owner": owner,
        "permalink": _permalink,
        "shortcode": lambda _, node: shortcode(node),
        "thumbnail_url": _thumbnail,
        "timestamp": lambda state, node: times.graph_time(media.posted_at(state, node)),
        "username": username,
    },
    parts={"owner": ("id", "username")},
    children=media.children,
    elsewhere=ELSEWHERE,
)
