"""The media of an account: what was posted when, and as what.

A slot is the place a media had when the account began; slots, their order and their dates follow from the
account's number, and edits are laid over them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple

from simulator.instagram import times
from simulator.instagram.ids import SLOTS, Node
from simulator.instagram.state import State
from simulator.mixing import mix

Product = Literal["FEED", "REELS", "STORY"]
LAST_POSTED_AT = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
SPACING_SECONDS, JITTER_SECONDS = 31 * 3_600, 10 * 3_600
LARGE_EVERY, LARGE = 7, 150  # every seventh account has two pages of 100
OLD_EVERY, OLD_MEDIA = 3, 3  # every third account was made professional after its first three posts
CDN_URL = "https://scontent.cdninstagram.com/v"


class Form(NamedTuple):
    """What kind of media it is; ``album_size`` is how many children it has."""

    product: Product
    type: Literal["IMAGE", "VIDEO", "CAROUSEL_ALBUM"]
    album_size: int = 0


FORMS = (  # how often each is posted
    *[Form("FEED", "IMAGE")] * 8,
    *[Form("FEED", "CAROUSEL_ALBUM")] * 6,
    *[Form("REELS", "VIDEO")] * 5,
    Form("FEED", "VIDEO"),
)


def first_size(account: int) -> int:
    """Return how many media the account had when the simulator started."""
    return LARGE if account % LARGE_EVERY == 0 else 20 + mix(271, account) % 41


def slots(state: State, account: int) -> list[int] | range:
    """Return the slots in the order shown, newest first."""
    changed = state.edits_of(account).slots
    return range(first_size(account) - 1, -1, -1) if changed is None else changed


def nodes(state: State, account: int) -> list[tuple[int, Node]]:
    """Return the media with the keys by which they are ordered, newest first."""
    return [(slot, Node("media", account, slot)) for slot in slots(state, account)]


def exists(state: State, node: Node) -> bool:
    """Tell whether the media, or the album's child, is there."""
    if not 0 <= node.slot < SLOTS or node.slot not in slots(state, node.account):
        return False
    return node.part <= form(node._replace(part=0)).album_size


def posted_at(state: State, node: Node) -> float:
    """Return when the media was posted, in Unix seconds; an album's children came with it."""
    known = state.edits_of(node.account).posted_at.get(node.slot)
    if known is not None:
        return known
    age = (first_size(node.account) - 1 - node.slot) * SPACING_SECONDS
    return LAST_POSTED_AT - age - mix(277, node.account, node.slot) % JITTER_SECONDS


def is_older_than_conversion(node: Node) -> bool:
    """Tell whether the account was still a personal one when it posted this."""
    return node.account % OLD_EVERY == 0 and node.slot < OLD_MEDIA


def form(node: Node) -> Form:
    """Return what kind of media it is."""
    seed = seed_of(node)
    if node.part:
        return Form("FEED", "VIDEO" if seed % 4 == 0 else "IMAGE")
    found = FORMS[seed % len(FORMS)]
    return found._replace(album_size=2 + (seed >> 8) % 9) if found.type == "CAROUSEL_ALBUM" else found


def seed_of(node: Node) -> int:
    """Return the number from which everything about the media follows."""
    return mix(281, node.account, node.slot, node.part)


def children(_: State, node: Node) -> list[Node]:
    """Return an album's children."""
    if node.part:
        return []
    return [node._replace(part=part) for part in range(1, form(node).album_size + 1)]


def comments_of(state: State, node: Node) -> int:
    """Return how many comments there are; those of the start were there at once."""
    if node.part:
        return 0
    seed = seed_of(node) >> 16
    first = 0 if node.slot in state.edits_of(node.account).posted_at else seed % 61 if seed % 4 else 0
    return first + len(state.edits_of(node.account).commented_at.get(node.slot, ()))


def url_expiry(state: State) -> int:
    """Return when the addresses given out today expire, in Unix seconds; they differ from day to day."""
    return int(state.now // times.DAY_SECONDS + 4) * times.DAY_SECONDS


def file_url(state: State, node: Node, *, is_video: bool) -> str:
    """Return the address of the picture or film."""
    seed, kind = mix(283, seed_of(node)), "t50.2886-16" if is_video else "t51.29350-15"
    name = f"{seed % 10**9}_{seed >> 20}_n.{'mp4' if is_video else 'jpg'}"
    return f"{CDN_URL}/{kind}/{name}?_nc_cat={100 + seed % 12}&ccb=1-7&oe={url_expiry(state):X}"
