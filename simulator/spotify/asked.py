"""What an endpoint was asked, and the pages it answers with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from simulator.spotify.catalogue import Shape
from simulator.spotify.ids import Kind, MalformedId, read_id
from simulator.spotify.query import Refused
from simulator.world import World


@dataclass(frozen=True)
class Asked:
    """One accepted request: who asks, where, with which parameters."""

    world: World
    shape: Shape
    account: int
    scopes: frozenset[str]
    path: str
    name: str
    values: dict[str, Any]

    def number(self, kind: Kind, exists: Callable[[int], bool]) -> int:
        """Return the number of the thing the path names; raise ``Refused`` where it names none."""
        return number_of(kind, self.name, exists)

    def address(self, **position: object) -> str:
        """Return this request's own address at another position."""
        kept = {
            name: ",".join(value) if isinstance(value, tuple) else value
            for name, value in self.values.items()
            if name not in {"limit", "offset", "after", "before"}
        }
        return f"{self.shape.base}{self.path}?{urlencode({**position, **kept}, safe=',')}"


def number_of(kind: Kind, text: str, exists: Callable[[int], bool]) -> int:
    """Return the number an id stands for; raise ``Refused`` where it is malformed or stands for nothing."""
    try:
        number = read_id(kind, text)
    except MalformedId:
        raise Refused(400, "Invalid base62 id") from None
    if number is None or not exists(number):
        raise Refused(404, "Resource not found")
    return number


def offset_page(
    asked: Asked, total: int, item: Callable[[int], Any], default_limit: int = 20
) -> dict[str, Any]:
    """Return a page by ``limit`` and ``offset``."""
    limit, offset = asked.values.get("limit", default_limit), asked.values.get("offset", 0)
    end = offset + limit
    return {
        "href": asked.address(offset=offset, limit=limit),
        "items": [item(place) for place in range(offset, min(end, total))],
        "limit": limit,
        "next": asked.address(offset=end, limit=limit) if end < total else None,
        "offset": offset,
        "previous": asked.address(offset=max(0, offset - limit), limit=limit) if offset else None,
        "total": total,
    }
