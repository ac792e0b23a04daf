"""Comments under an account's media, newest first."""

from __future__ import annotations

from simulator.instagram import media, names, times
from simulator.instagram.fields import Shape
from simulator.instagram.ids import COMMENTS, Node
from simulator.instagram.state import State
from simulator.mixing import mix

FIRST_AFTER_SECONDS = 30 * 60
DEFAULT_FIELDS = ("timestamp", "text", "id")


def nodes(state: State, node: Node) -> list[tuple[int, Node]]:
    """Return a media's comments with the keys by which they are ordered, newest first."""
    count = min(media.comments_of(state, node), COMMENTS - 1)
    return [(part, Node("comment", node.account, node.slot, part)) for part in range(count, 0, -1)]


def exists(state: State, node: Node) -> bool:
    """Tell whether the comment, and what it stands under, is there."""
    under = media_of(node)
    return media.exists(state, under) and 0 < node.part <= media.comments_of(state, under)


def media_of(node: Node) -> Node:
    """Return what the comment stands under."""
    return Node("media", node.account, node.slot)


def posted_at(state: State, node: Node) -> float:
    """Return when it was written, in Unix seconds."""
    added = state.edits_of(node.account).commented_at.get(node.slot, [])
    first = media.comments_of(state, media_of(node)) - len(added)
    if node.part > first:
        return added[node.part - first - 1]
    return media.posted_at(state, media_of(node)) + node.part * FIRST_AFTER_SECONDS


def author(node: Node) -> dict[str, str]:
    """Return who wrote it, as known to this app."""
    seed = _seed(node)
    return {"id": str(10**16 + seed % 10**16), "username": names.passer_by(seed)}


def text(node: Node) -> str:
    """Return what was written."""
    return names.remark(_seed(node))


def _seed(node: Node) -> int:
    return mix(317, node.account, node.slot, node.part)


def _media(_: State, node: Node) -> dict[str, str]:
    under = media_of(node)
    return {"id": under.id, "media_product_type": media.form(under).product}


COMMENT = Shape(
    "Comment",
    {
        "id": lambda _, node: node.id,
        "from": lambda _, node: author(node),
        "hidden": lambda *_: False,
        "like_count": lambda _, node: _seed(node) % 7,
        "media": _media,
        "parent_id": lambda *_: None,
        "text": lambda _, node: text(node),
        "timestamp": lambda state, node: times.graph_time(posted_at(state, node)),
        "username": lambda _, node: author(node)["username"],
    },
    parts={"from": ("id", "username"), "media": ("id", "media_product_type")},
    elsewhere=("replies", "user", "legacy_instagram_comment_id"),
)


def webhook_value(state: State, node: Node) -> dict[str, object]:
    """Return what a push tells of a comment."""
    return {
        "from": author(node),
        "media": _media(state, node),
        "id": node.id,
        "text": text(node),
    }


def mention_value(node: Node) -> dict[str, object]:
    """Return what a push tells of a comment that mentions the account."""
    return {"media_id": media_of(node).id, "comment_id": node.id}
