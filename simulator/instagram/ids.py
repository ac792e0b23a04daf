"""Numeric ids that look like Instagram's and name what they stand for, so that nothing needs to be stored."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import Literal, NamedTuple

from simulator.mixing import mix

__all__ = ["Node", "mix", "read_id", "scoped_id", "shortcode", "user_id"]

Kind = Literal["scoped", "user", "media", "story", "comment"]
SLOTS, CHILDREN, STORY_SLOTS, COMMENTS = 4_096, 11, 1 << 18, 128
BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
MULTIPLIER, SHIFT = 7_046_029_254_386_353_131, 1_442_695_040_888_963_407


class Space(NamedTuple):
    """The ids of one kind: how they begin, and how many digits follow."""

    prefix: str
    digits: int


SPACES: dict[Kind, Space] = {
    "scoped": Space("27", 15),
    "user": Space("1784", 13),
    "media": Space("179", 14),
    "story": Space("180", 14),
    "comment": Space("181", 14),
}


class Node(NamedTuple):
    """What an id stands for: ``slot`` is the place among the account's media or stories.

    ``part`` is the place among an album's children or a media's comments, from 1; 0 is the thing itself.
    """

    kind: Kind
    account: int
    slot: int = 0
    part: int = 0

    @property
    def id(self) -> str:
        """The id."""
        return _write(self)


def user_id(account: int) -> str:
    """Return the id of the professional account, which webhooks name too."""
    return Node("user", account).id


def scoped_id(account: int) -> str:
    """Return the id by which this app alone knows the account."""
    return Node("scoped", account).id


def read_id(text: str) -> Node | None:
    """Return what an id stands for, ``None`` where this simulator did not write it."""
    if not (text.isascii() and text.isdecimal()):
        return None
    for kind, (prefix, digits) in SPACES.items():
        if text.startswith(prefix) and len(text) == len(prefix) + digits:
            space = 10**digits
            number = (int(text[len(prefix) :]) - SHIFT) * pow(MULTIPLIER, -1, space) % space
            return _unpacked(kind, number)
    return None


@lru_cache(maxsize=1 << 14)
def _write(node: Node) -> str:
    prefix, digits = SPACES[node.kind]
    number = (_packed(node) * MULTIPLIER + SHIFT) % 10**digits
    return f"{prefix}{number:0{digits}}"


def _packed(node: Node) -> int:
    slots, parts = _sizes(node.kind)
    return (node.account * slots + node.slot) * parts + node.part


def _unpacked(kind: Kind, number: int) -> Node:
    slots, parts = _sizes(kind)
    rest, part = divmod(number, parts)
    account, slot = divmod(rest, slots)
    return Node(kind, account, slot, part)


def _sizes(kind: Kind) -> tuple[int, int]:
    """Return how many slots an account and how many parts a slot has room for."""
    if kind == "media":
        return SLOTS, CHILDREN
    if kind == "story":
        return STORY_SLOTS, 1
    return (SLOTS, COMMENTS) if kind == "comment" else (1, 1)


def shortcode(node: Node) -> str:
    """Return the eleven characters by which a media stands in addresses."""
    value, text = mix(211, *_numbers(node)), ""
    for _ in range(10):
        value, digit = divmod(value, len(BASE64))
        text += BASE64[digit]
    return f"D{text}"


def _numbers(node: Node) -> tuple[int, ...]:
    return len(node.kind), node.account, node.slot, node.part
