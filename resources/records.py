"""Records: what one row of a stream looks like, and where in the provider's reply each column stands.

A record is a class whose annotated fields are columns::

    class SavedTrack(Record):
        added_at: datetime                     # the reply's own name
        track_id: str = at("track.id")         # another place
        album: Album = at("track.album")       # another record, its columns flattened in place
        list_id: str = given("list_id")        # not in the reply: known from the request

From it follow the typed decoder of the reply, the row, and the table's columns.
"""

from __future__ import annotations

import functools
import operator
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any

import msgspec

from resources.errors import BacklineError

Row = tuple[Any, ...]
INT64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
EXACT_TYPES: Mapping[Any, Any] = {int: INT64}


class RecordRefused(BacklineError):
    """An item of a reply is not the record that the stream declares; the message names the field."""


@dataclass(frozen=True)
class Place:
    """Where a column's value stands: dotted paths, the first that holds a value counts."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """A column whose value is known from the request, by this name."""

    name: str


def at(*paths: str) -> Any:
    """Say where in the reply a field stands, where that is not its own name; ``""`` is the item itself."""
    return Place(paths)


def given(name: str) -> Any:
    """Say that a field is known from the request: a path's variable, a variant, ``index``."""
    return Given(name)


class Record:
    """The base of all records; subclasses only declare fields.

    ``class Counts(Record, lax=True)`` takes numbers that the provider writes as text.
    """

    __lax__ = False

    def __init_subclass__(cls, *, lax: bool = False) -> None:
        cls.__lax__ = lax or cls.__lax__


@dataclass(frozen=True)
class Column:
    """One column: its name, its type without ``None``, and where its value comes from."""

    name: str
    type: Any
    nullable: bool
    source: Place | Given

    @property
    def is_json(self) -> bool:
        """Whether it holds a list or an object, stored as JSON."""
        return typing.get_origin(self.type) in {list, dict}

    @property
    def heads(self) -> tuple[str, ...]:
        """The first names of its places in the reply."""
        paths = self.source.paths if isinstance(self.source, Place) else ()
        return tuple(path.partition(".")[0] for path in paths)


def fields_of(record: type[Record], **inner: str) -> str:
    """Return the record's places in the reply as a comma-separated list, for providers that want one.

    ``inner`` are lists of what is wanted of a field that is an object: ``children{id,media_type}``.
    """
    heads = dict.fromkeys(head for column in columns_of(record) for head in column.heads)
    return ",".join(f"{head}{{{inner[head]}}}" if head in inner else head for head in heads)


def columns_of(record: type[Record]) -> tuple[Column, ...]:
    """Return the record's columns in declared order, nested records flattened."""
    return tuple(_columns(record, prefixes=("",), nullable=False))


def _columns(record: type[Record], prefixes: Sequence[str], *, nullable: bool) -> list[Column]:
    found: list[Column] = []
    for name, hint in typing.get_type_hints(record).items():
        declared = getattr(record, name, Place((name,)))
        bare, optional = _without_none(hint)
        optional = optional or nullable
        if isinstance(declared, Given):
            found.append(Column(name, bare, optional, declared))
            continue
        paths = tuple(f"{prefix}{path}" for prefix in prefixes for path in declared.paths)
        if isinstance(bare, type) and issubclass(bare, Record):
            inner = [f"{path}." if path else "" for path in paths]
            found += _columns(bare, inner, nullable=optional)
        else:
            found.append(Column(name, bare, optional, Place(paths)))
    return found


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in {typing.Union, UnionType}:
        return hint, False
    members = [member for member in typing.get_args(hint) if member is not NoneType]
    return functools.reduce(operator.or_, members), True


def struct_of(name: str, fields: Mapping[str, tuple[Any, bool]]) -> type[msgspec.Struct]:
    """Make a nested struct from dotted paths to ``(type, required)``."""
    leaves: dict[str, tuple[Any, bool]] = {}
    branches: dict[str, dict[str, tuple[Any, bool]]] = {}
    for path, leaf in fields.items():
        head, _, rest = path.partition(".")
        if rest:
            branches.setdefault(head, {})[rest] = leaf
        else:
            leaves[head] = leaf
    for head, inner in branches.items():
        leaves[head] = (struct_of(f"{name}_{head}", inner), any(required for _, required in inner.values()))
    parts = [
        (head, EXACT_TYPES.get(kind, kind)) if required else (head, EXACT_TYPES.get(kind, kind) | None, None)
        for head, (kind, required) in leaves.items()
    ]
    return msgspec.defstruct(name, parts, kw_only=True, frozen=True, gc=False)


class RecordReader:
    """Decodes items of one record and turns them into rows in the columns' order."""

    def __init__(self, record: type[Record]) -> None:
        self.columns = columns_of(record)
        self.strict = not record.__lax__
        self._read = [column for column in self.columns if isinstance(column.source, Place)]
        fields = {
            path: (column.type, not column.nullable and len(column.source.paths) == 1)
            for column in self._read
            if isinstance(column.source, Place)
            for path in column.source.paths
        }
        self.item_type = struct_of(record.__name__, fields)
        self.json_positions = tuple(n for n, column in enumerate(self.columns) if column.is_json)
        self._fast = self._attribute_getter()

    def _attribute_getter(self) -> Callable[[Any], Row] | None:
        """Return a C-speed getter where every column has exactly one place."""
        paths = [column.source.paths for column in self._read if isinstance(column.source, Place)]
        if len(paths) < 2 or any(len(alternatives) > 1 for alternatives in paths):  # noqa: PLR2004
            return None
        return typing.cast("Callable[[Any], Row]", operator.attrgetter(*(path for (path,) in paths)))

    def row(self, item: Any, known: Mapping[str, Any]) -> Row:
        """Return the item's values in the columns' order; raise ``RecordRefused`` where one is missing."""
        values = self._values(item)
        if len(values) == len(self.columns):
            return values
        from_reply = iter(values)
        return tuple(
            known[column.source.name] if isinstance(column.source, Given) else next(from_reply)
            for column in self.columns
        )

    def rows(self, items: Sequence[Any]) -> list[Row] | None:
        """Return all items' values at once, or ``None`` where they must be looked at one by one."""
        if self._fast is None or len(self._read) < len(self.columns):
            return None
        try:
            return list(map(self._fast, items))
        except AttributeError:  # an item, or a nullable object on the way, is null
            return None

    def _values(self, item: Any) -> Row:
        if self._fast is not None:
            try:
                return self._fast(item)
            except AttributeError:  # a nullable object on the way is null
                pass
        return tuple(_value_at(item, column) for column in self._read)


def _value_at(item: Any, column: Column) -> Any:
    places = column.source.paths if isinstance(column.source, Place) else ()
    for path in places:
        value = item
        for name in path.split("."):
            value = getattr(value, name, None)
        if value is not None:
            return value
    if not column.nullable:
        raise RecordRefused(f"`{' or '.join(places)}` is missing")
    return None
