"""Stories: some accounts post one every five hours, and each is gone after a day."""

from __future__ import annotations

from simulator.instagram import times
from simulator.instagram.ids import STORY_SLOTS, Node
from simulator.instagram.state import State
from simulator.mixing import mix

EVERY, EVERY_SECONDS = 4, 5 * 3_600  # every fourth account posts stories
ADDED_FROM = STORY_SLOTS // 2  # slots of stories that an edit added


def nodes(state: State, account: int) -> list[tuple[int, Node]]:
    """Return the stories of the last 24 hours with the keys by which they are ordered, newest first."""
    found = [Node("story", account, slot) for slot in state.edits_of(account).story_posted_at]
    if account % EVERY == 0:
        last = int((state.now - _offset(account)) // EVERY_SECONDS)
        found += [Node("story", account, last - place) for place in range(6)]
    active = [node for node in found if exists(state, node)]
    return sorted(((int(posted_at(state, node)), node) for node in active), reverse=True)


def posted_at(state: State, node: Node) -> float:
    """Return when the story was posted, in Unix seconds."""
    if node.slot >= ADDED_FROM:
        return state.edits_of(node.account).story_posted_at.get(node.slot, 0.0)
    return float(node.slot * EVERY_SECONDS + _offset(node.account))


def exists(state: State, node: Node) -> bool:
    """Tell whether the story is there, which it is for a day."""
    if node.slot < ADDED_FROM and node.account % EVERY:
        return False
    return 0 <= state.now - posted_at(state, node) < times.DAY_SECONDS


def _offset(account: int) -> int:
    return mix(307, account) % EVERY_SECONDS
