"""Lists by cursor: which part is shown, and the addresses of its neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from simulator import sealed
from simulator.instagram.asked import Asked
from simulator.instagram.errors import Refused
from simulator.instagram.ids import Node

PREFIX = "QVFI"
DEFAULT_LIMIT, MOST = 25, 100
LONGEST_NUMBER = 10  # digits
Entries = Sequence[tuple[int, Node]]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The place of one thing in one list, which it keeps while others come and go."""

    list: str
    key: int


def page(
    asked: Asked, entries: Entries, item: Callable[[Node], dict[str, Any]], *, caps: bool = False
) -> dict[str, Any]:
    """Return the part asked for of a list whose keys fall; ``caps`` shortens a limit above the most.

    A list that is shown in part only, by the mode, says nothing of it.
    """
    limit = _limit(asked, caps=caps)
    known = entries[: math.ceil(len(entries) * asked.state.mode.drop_to_percent / 100)]
    after, before = _key(asked, "after"), _key(asked, "before")
    if after is not None and before is not None:
        raise Refused("(#100) Cannot specify both before and after")
    shown = [entry for entry in known if after is None or entry[0] < after]
    if before is not None:
        shown = [entry for entry in known if entry[0] > before][-limit:]
    shown = shown[:limit]
    if not shown:
        return {"data": []}
    body: dict[str, Any] = {"data": [item(node) for _, node in shown]}
    return {**body, "paging": _paging(asked, known, shown, limit)}


def _paging(asked: Asked, known: Entries, shown: Entries, limit: int) -> dict[str, Any]:
    first, last = shown[0][0], shown[-1][0]
    cursors = {"before": _write(asked, first), "after": _write(asked, last)}
    paging: dict[str, Any] = {"cursors": cursors}
    if known[0][0] > first:
        paging["previous"] = _address(asked, limit, before=cursors["before"])
    if known[-1][0] < last:
        paging["next"] = _address(asked, limit, after=cursors["after"])
    return paging


def _address(asked: Asked, limit: int, **position: str) -> str:
    kept = {name: asked.values[name] for name in ("fields", "since", "until") if name in asked.values}
    return asked.address({**kept, "limit": str(limit), **position})


def _limit(asked: Asked, *, caps: bool) -> int:
    text = asked.values.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER) or int(text) < 1:
        raise Refused("(#100) Param limit must be a positive number")
    if int(text) > MOST and not caps:
        raise Refused(f"(#100) Param limit must be at most {MOST}")
    return min(int(text), MOST // 2) if caps else int(text)


def _list(asked: Asked) -> str:
    return f"{asked.node.id}/{asked.edge}"


def _write(asked: Asked, key: int) -> str:
    return sealed.write(PREFIX, Cursor(_list(asked), key))


def _key(asked: Asked, name: str) -> int | None:
    if name not in asked.values:
        return None
    cursor = sealed.read(PREFIX, asked.values[name], Cursor)
    if cursor is None or cursor.list != _list(asked):
        raise Refused("(#100) Invalid cursors values")
    return cursor.key
