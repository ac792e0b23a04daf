"""What things and lists answer; insights have modules of their own."""

from __future__ import annotations

from typing import Any

from simulator.credentials import CLIENT_ID
from simulator.instagram import comments, errors, fields, media, stories, times
from simulator.instagram.asked import Asked
from simulator.instagram.comments import COMMENT
from simulator.instagram.errors import Refused
from simulator.instagram.fields import Shape, Wanted
from simulator.instagram.ids import Node
from simulator.instagram.listing import Entries, page
from simulator.instagram.media_fields import MEDIA
from simulator.instagram.profile import USER
from simulator.instagram.state import State
from simulator.instagram.story_fields import STORY

SUBSCRIBABLE = (
    "comment_poll_response",
    "comments",
    "creator_marketplace_invited_creator_onboarding",
    "creator_marketplace_projects",
    "delta",
    "follow",
    "live_comments",
    "mentions",
    "message_edit",
    "message_reactions",
    "messages",
    "messaging_handover",
    "messaging_optins",
    "messaging_postbacks",
    "messaging_referral",
    "messaging_seen",
    "onboarding_welcome_message_series",
    "share_to_story",
    "standby",
    "story_poll_response",
    "story_reactions",
)


def exists(state: State, node: Node) -> bool:
    """Tell whether the thing is there now."""
    if node.kind == "media":
        return media.exists(state, node)
    if node.kind == "story":
        return stories.exists(state, node)
    return comments.exists(state, node) if node.kind == "comment" else True


def user(asked: Asked) -> dict[str, Any]:
    """Answer ``/me``."""
    return _one(asked, USER)


def media_object(asked: Asked) -> dict[str, Any]:
    """Answer ``/{media}``, also for an album's child."""
    return _one(asked, MEDIA)


def story(asked: Asked) -> dict[str, Any]:
    """Answer ``/{media}`` for a story."""
    return _one(asked, STORY)


def comment(asked: Asked) -> dict[str, Any]:
    """Answer ``/{comment}``."""
    return _one(asked, COMMENT)


def media_list(asked: Asked) -> dict[str, Any]:
    """Answer ``/me/media``."""
    state, values = asked.state, asked.values
    since, until = (
        times.read_moment(name, values[name]) if name in values else None for name in ("since", "until")
    )
    found = [
        (key, node)
        for key, node in media.nodes(state, asked.account)
        if (since is None or media.posted_at(state, node) >= since)
        and (until is None or media.posted_at(state, node) <= until)
    ]
    return _many(asked, MEDIA, found)


def story_list(asked: Asked) -> dict[str, Any]:
    """Answer ``/me/stories``."""
    return _many(asked, STORY, stories.nodes(asked.state, asked.account))


def comment_list(asked: Asked) -> dict[str, Any]:
    """Answer ``/{media}/comments``; a page has at most 50, whatever the limit."""
    if asked.node.part:
        raise errors.missing("get", asked.node.id)
    found = comments.nodes(asked.state, asked.node)
    return _many(asked, COMMENT, found, comments.DEFAULT_FIELDS, caps=True)


def children(asked: Asked) -> dict[str, Any]:
    """Answer ``/{media}/children``, in one piece."""
    wanted = _wanted(asked, MEDIA)
    found = media.children(asked.state, asked.node)
    return {"data": [fields.read(MEDIA, asked.state, child, wanted) for child in found]}


def subscriptions(asked: Asked) -> dict[str, Any]:
    """Answer ``GET /me/subscribed_apps``."""
    subscribed = asked.state.subscribed.get(asked.account)
    return {"data": [{"app_id": CLIENT_ID, "subscribed_fields": list(subscribed)}] if subscribed else []}


def subscribe(asked: Asked) -> dict[str, Any]:
    """Answer ``POST /me/subscribed_apps``: pushes of these fields come for the account from now on."""
    asked_fields = asked.words("subscribed_fields")
    for place, name in enumerate(asked_fields):
        if name not in SUBSCRIBABLE:
            listed = ", ".join(SUBSCRIBABLE)
            raise Refused(f"(#100) subscribed_fields[{place}] must be one of the following values: {listed}")
    asked.state.subscribed[asked.account] = tuple(asked_fields)
    return {"success": True}


def unsubscribe(asked: Asked) -> dict[str, Any]:
    """Answer ``DELETE /me/subscribed_apps``."""
    asked.state.subscribed.pop(asked.account, None)
    return {"success": True}


def _wanted(asked: Asked, shape: Shape, default: tuple[str, ...] = ("id",)) -> Wanted:
    if "fields" not in asked.values:
        return {name: {} for name in default}
    wanted = fields.parse(asked.values["fields"])
    fields.check(shape, wanted)
    return wanted


def _one(asked: Asked, shape: Shape) -> dict[str, Any]:
    return fields.read(shape, asked.state, asked.node, _wanted(asked, shape))


def _many(
    asked: Asked, shape: Shape, found: Entries, default: tuple[str, ...] = ("id",), *, caps: bool = False
) -> dict[str, Any]:
    wanted = _wanted(asked, shape, default)
    return page(asked, found, lambda node: fields.read(shape, asked.state, node, wanted), caps=caps)
