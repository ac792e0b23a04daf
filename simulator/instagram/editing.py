"""Edits of an account: what it posts, deletes, gains and renames after the simulator started."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from simulator.instagram import comments, media, stories
from simulator.instagram.ids import COMMENTS, SLOTS, Node
from simulator.instagram.profile import followers, username
from simulator.instagram.state import State
from simulator.platform import ControlRefused, Some

Place = Annotated[int, msgspec.Meta(ge=0)]


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/edit``. ``remove_media`` holds places as listed before, newest first.

    ``add_media`` and ``stories`` are posted now, a second apart; ``comments`` says how many more come now,
    by the media's place as listed afterwards.
    """

    provider: Literal["instagram"]
    account: int
    add_media: Some = 0
    remove_media: tuple[Place, ...] = ()
    stories: Some = 0
    comments: dict[int, Some] = {}
    followers: Annotated[int, msgspec.Meta(ge=0)] | None = None
    username: str | None = None


def apply_edit(state: State, order: Edit) -> dict[str, object]:
    """Change the account, and return what it has now; raise ``ControlRefused`` for what cannot be."""
    slots = _slots_after(state, order)
    _check_comments(state, order, slots)
    edits = state.edit(order.account)
    edits.posted_at |= {slot: state.now - place for place, slot in enumerate(slots[: order.add_media])}
    edits.slots = slots
    first = stories.ADDED_FROM + len(edits.story_posted_at)
    edits.story_posted_at |= {first + place: state.now - place for place in range(order.stories)}
    for place, count in order.comments.items():
        edits.commented_at.setdefault(slots[place], []).extend([state.now] * count)
    edits.followers = edits.followers if order.followers is None else order.followers
    edits.username = order.username or edits.username
    return {
        "account": order.account,
        "username": username(state, order.account),
        "media": len(slots),
        "stories": len(stories.nodes(state, order.account)),
        "followers": followers(state, order.account),
    }


def _slots_after(state: State, order: Edit) -> list[int]:
    """Return the slots as the edit leaves them; what was removed does not come back."""
    shown = media.slots(state, order.account)
    if order.remove_media and max(order.remove_media) >= len(shown):
        raise ControlRefused(f"remove_media: the account has media 0 to {len(shown) - 1}")
    used = {*state.edits_of(order.account).posted_at, media.first_size(order.account) - 1}
    first = max(used) + 1
    if first + order.add_media > SLOTS:
        raise ControlRefused(f"add_media: an account has {SLOTS} media at most")
    kept = [slot for place, slot in enumerate(shown) if place not in order.remove_media]
    return [*range(first + order.add_media - 1, first - 1, -1), *kept]


def _check_comments(state: State, order: Edit, slots: list[int]) -> None:
    for place, count in order.comments.items():
        if not 0 <= place < len(slots):
            raise ControlRefused(f"comments: the account has media 0 to {len(slots) - 1}")
        there = len(comments.nodes(state, Node("media", order.account, slots[place])))
        if there + count >= COMMENTS:
            raise ControlRefused(f"comments: a media has {COMMENTS - 1} at most")
