"""How providers page: each paging reads the envelope of a reply and says what to ask next.

Pagings are pure: they know neither HTTP nor the database. The next request is always built from the
stream's own path; of a provider's ``next`` address only the position is taken, because such addresses
name other hosts, removed paths, or carry tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

Params = dict[str, str | int]
POSITION = re.compile(r"[0-9]{1,18}")


class PagingStalled(Exception):  # a fact about the reply, turned into ContractChanged
    """The reply asks for a page that has been read already."""


@dataclass(frozen=True)
class Page:
    """What the envelope of one reply says."""

    items: list[Any]
    next: str | None = None
    total: int | None = None
    after: str | None = None


class Paging(Protocol):
    """The way through the pages of one stream."""

    @property
    def items(self) -> str:
        """Where the items stand in the reply, as a dotted path."""

    @property
    def none_at(self) -> str:
        """Where the reply says 0 when it leaves its items out, empty where it never does."""

    def envelope(self) -> Mapping[str, str]:
        """Return where ``next``, ``total`` and ``after`` stand in the reply, as dotted paths."""

    def first(self, since: Mapping[str, Any]) -> Params:
        """Return the first request's parameters; ``since`` is the stored cursor."""

    def following(self, asked: Params, page: Page) -> Params | None:
        """Return the next request's parameters, or ``None`` at the end; raise ``PagingStalled``."""


@dataclass(frozen=True)
class Offset:
    """``limit`` and ``offset``, ending where ``next`` is null."""

    limit: int
    items: str = "items"
    none_at: str = ""

    def envelope(self) -> Mapping[str, str]:  # noqa: D102
        prefix = self.items.rpartition("items")[0]
        return {"next": f"{prefix}next", "total": f"{prefix}total"}

    def first(self, since: Mapping[str, Any]) -> Params:  # noqa: ARG002, D102
        return {"limit": self.limit, "offset": 0}

    def following(self, asked: Params, page: Page) -> Params | None:  # noqa: D102
        if page.next is None:
            return None
        offset = _position(page.next, "offset")
        if offset is None or offset <= int(asked["offset"]):
            raise PagingStalled
        if not page.items and (page.total is None or offset >= page.total):
            raise PagingStalled
        return {**asked, "offset": offset}


@dataclass(frozen=True)
class After:
    """A size and an opaque position that the reply gives, ending where ``next`` is missing.

    ``after`` and ``next`` are where both stand in the reply, ``limit_name`` and ``after_name`` what the
    request calls them. A provider whose ``total`` is a guess has none.
    """

    limit: int
    items: str
    after: str
    next: str
    total: str = ""
    none_at: str = ""
    limit_name: str = "limit"
    after_name: str = "after"

    def envelope(self) -> Mapping[str, str]:  # noqa: D102
        return {"next": self.next, "after": self.after} | ({"total": self.total} if self.total else {})

    def first(self, since: Mapping[str, Any]) -> Params:  # noqa: ARG002, D102
        return {self.limit_name: self.limit}

    def following(self, asked: Params, page: Page) -> Params | None:  # noqa: D102
        if not page.next:
            return None
        if not page.after or page.after == asked.get(self.after_name):
            raise PagingStalled  # there is more, but no way to it: what is there must not count as gone
        return {**asked, self.after_name: page.after}


@dataclass(frozen=True)
class Single:
    """A list that comes whole in one reply, whatever the reply says of a next one."""

    items: str
    none_at: str = ""

    def envelope(self) -> Mapping[str, str]:  # noqa: D102
        return {}

    def first(self, since: Mapping[str, Any]) -> Params:  # noqa: ARG002, D102
        return {}

    def following(self, asked: Params, page: Page) -> Params | None:  # noqa: ARG002, D102
        return None


@dataclass(frozen=True)
class Backwards:
    """Newest first, walking back with ``before``; ``after`` starts from what was seen last.

    Of the two positions a request carries only one: Spotify refuses both at once.
    """

    limit: int
    items: str = "items"
    none_at: str = ""
    newest: str = "cursors.after"

    def envelope(self) -> Mapping[str, str]:  # noqa: D102
        return {"next": "next", "after": self.newest}

    def first(self, since: Mapping[str, Any]) -> Params:  # noqa: D102
        after = since.get("after")
        return {"limit": self.limit} if after is None else {"limit": self.limit, "after": int(after)}

    def following(self, asked: Params, page: Page) -> Params | None:  # noqa: D102
        if page.next is None or not page.items or ("after" in asked and len(page.items) < self.limit):
            return None
        before, after = _position(page.next, "before"), _position(page.next, "after")
        if before is not None and before < int(asked.get("before", before + 1)):
            return {"limit": self.limit, "before": before}
        if before is None and after is not None and after > int(asked.get("after", after - 1)):
            return {"limit": self.limit, "after": after}
        raise PagingStalled


def _position(address: str, name: str) -> int | None:
    """Return one numeric parameter of an address, or ``None`` where it has none, or is no address."""
    try:
        values = parse_qs(urlsplit(address).query).get(name, [])
    except ValueError:
        return None
    return int(values[0]) if values and POSITION.fullmatch(values[0]) else None
