"""What is told of a story, field by field."""

from __future__ import annotations

from simulator.instagram import media, stories, times
from simulator.instagram.fields import Shape
from simulator.instagram.ids import Node, shortcode
from simulator.instagram.media_fields import ELSEWHERE, owner, username
from simulator.instagram.state import State
from simulator.mixing import mix


def _is_video(node: Node) -> bool:
    return mix(311, node.account, node.slot) % 3 == 0


def _thumbnail(state: State, node: Node) -> str | None:
    return media.file_url(state, node, is_video=False) if _is_video(node) else None


def _permalink(state: State, node: Node) -> str:
    number = mix(313, node.account, node.slot)
    return f"https://www.instagram.com/stories/{username(state, node)}/{number}"


STORY = Shape(
    "Media",
    {
        "id": lambda _, node: node.id,
        "alt_text": lambda *_: None,
        "caption": lambda *_: None,
        "comments_count": lambda *_: 0,
        "is_comment_enabled": lambda *_: None,
        "is_shared_to_feed": lambda *_: None,
        "like_count": lambda *_: 0,
        "media_product_type": lambda *_: "STORY",
        "media_type": lambda _, node: "VIDEO" if _is_video(node) else "IMAGE",
        "media_url": lambda state, node: media.file_url(state, node, is_video=_is_video(node)),
        "owner": owner,
        "permalink": _permalink,
        "shortcode": lambda _, node: shortcode(node),
        "thumbnail_url": _thumbnail,
        "timestamp": lambda state, node: times.graph_time(stories.posted_at(state, node)),
        "username": username,
    },
    parts={"owner": ("id", "username")},
    children=lambda *_: [],
    elsewhere=ELSEWHERE,
)
