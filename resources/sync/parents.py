"""The parents of a stream: which there are, and which of them are to be read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from resources.provider import FromStream
from resources.records import Row
from resources.sync.passes import StreamPass


@dataclass(frozen=True)
class Parent:
    """One row of another stream for which this one is asked.

    ``version`` is what was the same last time where nothing changed; ``None`` is asked every time.
    ``is_over`` says that it is too old to be asked at all.
    """

    id: str
    version: Any
    is_over: bool
    known: Mapping[str, Any]


@dataclass
class Known:
    """What the stored cursor says of the parents, and what the next one will."""

    versions: Mapping[str, Any]
    unreadable: Mapping[str, Any]
    positions: Mapping[str, Any]
    today: str
    next_versions: dict[str, Any] = field(default_factory=dict)
    next_unreadable: dict[str, Any] = field(default_factory=dict)
    next_positions: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, since: Mapping[str, Any], today: str) -> Known:
        """Read a stored cursor."""
        versions, unreadable = since.get("versions", {}), since.get("unreadable", {})
        return cls(versions, unreadable, since.get("positions", {}), today)

    @property
    def cursor(self) -> dict[str, Any]:
        """The cursor to store."""
        cursor = {"versions": self.next_versions, "unreadable": self.next_unreadable}
        return {**cursor, "positions": self.next_positions}

    def keep_positions(self, parents: Iterable[str]) -> None:
        """Remember how far the lists of parents that are still there were read, until they are read again."""
        self.next_positions.update({one: self.positions[one] for one in parents if one in self.positions})

    def position(self, parent: Parent) -> dict[str, Any]:
        """Return how far a parent's list was read last time."""
        position: dict[str, Any] = self.positions.get(parent.id, {})
        return position

    def reached(self, parent: Parent, position: dict[str, Any]) -> None:
        """Remember how far a parent's list was read."""
        self.next_positions[parent.id] = position

    def is_unchanged(self, parent: Parent) -> bool:
        """Say whether a parent need not be read again, and remember it."""
        if parent.version is None:
            return parent.is_over
        if self.versions.get(parent.id) != parent.version:
            return False
        self.next_versions[parent.id] = parent.version
        return True

    def is_refused_today(self, parent: Parent) -> bool:
        """Say whether a parent was refused today already, and remember it; tomorrow it is asked again."""
        refusal = [parent.version, self.today]
        if self.unreadable.get(parent.id) != refusal:
            return False
        self.next_unreadable[parent.id] = refusal
        return True

    def read_whole(self, parent: Parent) -> None:
        """Remember that a parent was read to its end."""
        if parent.version is not None:
            self.next_versions[parent.id] = parent.version

    def refused(self, parent: Parent) -> None:
        """Remember that a parent may not be read."""
        self.next_unreadable[parent.id] = [parent.version, self.today]


def parents_of(each: FromStream, rows: Iterable[Row], now: datetime) -> dict[str, Parent]:
    """Return the parents by id from rows of :attr:`FromStream.columns`; of several the last counts.

    A row without the id is none: there is nothing to ask for.
    """
    return {str(row[0]): _parent(each, row, now) for row in rows if row[0] is not None}


def _parent(each: FromStream, row: Row, now: datetime) -> Parent:
    key, clock, *also = row
    known = {each.variable: key, **dict(zip(each.also, also, strict=True))}
    if each.ages is None:
        return Parent(str(key), clock if each.version else None, is_over=False, known=known)
    version = each.ages.version(_moment(clock), now, str(key))
    return Parent(str(key), version, is_over=version is None, known=known)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def picked(parent: StreamPass, columns: Iterable[str]) -> list[Row]:
    """Return some columns of the rows that a pass brought."""
    names = [column.name for column in parent.stream.reader.columns]
    places = [names.index(column) for column in columns]
    return [tuple(row[place] for place in places) for row in parent.rows]
