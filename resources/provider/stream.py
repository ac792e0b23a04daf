"""What a declaration says of a stream: what to ask, how to page, what a row is, when to ask again."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from string import Formatter
from typing import Any, Literal
from zoneinfo import ZoneInfo

from resources.errors import Gone, PermissionMissing, ProviderError
from resources.paging import Paging
from resources.provider.api import MAIN_BUCKET
from resources.records import Given, Record, RecordReader

KNOWN_ALWAYS = frozenset({"index", "today"})


@dataclass(frozen=True)
class FromConfig:
    """Ask once for each id in the account's configuration, in the path or in ``parameter``."""

    key: str
    variable: str
    parameter: str = ""


@dataclass(frozen=True)
class FromAccount:
    """Ask for the account by its own id at the provider, in the path or in ``parameter``."""

    variable: str
    parameter: str = ""


@dataclass(frozen=True)
class Ages:
    """How often a parent is asked again, by the age of the moment in its ``column``.

    Each of ``steps`` is an age and an interval: a parent younger than the age is asked once an interval; one
    older than all of them is not asked any more.
    """

    column: str
    steps: tuple[tuple[timedelta, timedelta], ...]

    def version(self, born: datetime | None, now: datetime, key: str) -> int | None:
        """Return a number that changes when it is time to ask again; ``None`` where it never is.

        The parents' times are spread over the interval by their ``key``, so that not all come at once.
        """
        age = timedelta(0) if born is None else now - born
        for place, (limit, interval) in enumerate(self.steps):
            if age < limit:
                seconds = interval.total_seconds()
                spread = zlib.crc32(key.encode()) % seconds
                return int((now.timestamp() + spread) // seconds) * len(self.steps) + place
        return None


@dataclass(frozen=True)
class FromStream:
    """Ask once for each row of another stream; rows whose ``version`` did not change are skipped.

    The row's ``column`` stands in the path or in ``parameter``. The version is a column of the parent,
    or follows from its age. ``also`` are columns of the parent that its requests or rows take.
    ``unreadable`` names the faults that make one parent's part of the stream unreadable without being a
    failure: a playlist of somebody else answers 403.
    """

    stream: str
    column: str
    variable: str
    parameter: str = ""
    version: str | None = None
    ages: Ages | None = None
    also: tuple[str, ...] = ()
    unreadable: tuple[type[ProviderError], ...] = (PermissionMissing, Gone)

    @property
    def columns(self) -> tuple[str, ...]:
        """The parent's columns that are read: its id, what its version follows from, and the rest."""
        clock = self.ages.column if self.ages else self.version or self.column
        return (self.column, clock, *self.also)


@dataclass(frozen=True)
class Shared:
    """Several parents, of several accounts, are asked for in one request.

    Their ids stand in ``parameter``, at most ``size`` of them, separated by commas; each item of the
    reply names its own in the stream's key. Parents whose ``private`` column holds one of the values
    given with it are asked for with their own account's grant alone.
    """

    parameter: str
    size: int
    private: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Choice:
    """Parameters that depend on a column of the parent.

    A parent whose kind is not told is asked with those of ``""``, one of an unknown kind is not asked for.
    """

    column: str
    params: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Days:
    """A history that is asked for by the day, its days being those of ``zone``.

    ``first`` and ``last`` are the parameters of a window of at most ``span`` days; as ``unix`` they are
    the window's first and last second, the latter excluded, as ``date`` its first and last day. The
    last ``settling`` days still change and are read again. A first sync reaches ``initial`` days back,
    ``--from`` at most ``reach``.
    """

    first: str
    last: str
    kind: Literal["date", "unix"]
    zone: str
    span: int
    settling: int
    initial: int
    reach: int

    def today(self, now: datetime) -> date:
        """Return the current day."""
        return now.astimezone(ZoneInfo(self.zone)).date()

    def params(self, window: tuple[date, date]) -> dict[str, str | int]:
        """Return what asks for a window of days, both included."""
        begin, end = window
        if self.kind == "date":
            return {self.first: begin.isoformat(), self.last: end.isoformat()}
        return {self.first: self._unix(begin), self.last: self._unix(end + timedelta(days=1))}

    def _unix(self, day: date) -> int:
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).timestamp())

    def windows(self, begin: date, end: date) -> list[tuple[date, date]]:
        """Split days, both included, into windows, the oldest first."""
        starts = range(0, (end - begin).days + 1, self.span)
        return [
            (begin + timedelta(days=n), min(begin + timedelta(days=n + self.span - 1), end)) for n in starts
        ]


@dataclass(frozen=True)
class NewestFirst:
    """A list whose newest items come first, read as far as it is new.

    ``column`` holds the moment by which it is ordered. Once ``whole_every`` it is read to its end, so
    that what is gone is noticed.
    """

    column: str
    whole_every: timedelta = timedelta(days=7)


@dataclass(frozen=True, eq=False)
class Stream:
    """One kind of record of one account: what to ask, how to page, what a row is.

    ``key`` are the columns that, with the account, identify a row. ``variants`` are parameter sets
    asked one after the other, ``choice`` those that depend on the parent. ``cursor_column`` makes the
    stream incremental: the newest value is where the next sync starts. ``keeps`` says that rows stay
    when they are no longer listed. ``optional`` streams are read only where the scope was granted or,
    without a scope, where the account's configuration lists them in ``optional_streams``. ``split``
    names a parameter whose words are asked one by one where the whole is refused. A stream is not read
    again within ``refresh``, and ``may_wait`` where a run cannot pay for everything. ``absent`` are the
    faults that mean there is nothing to read. ``public`` ones are asked for with the app's key where
    there is one. ``reshape`` turns a decoded reply into its items.
    """

    name: str
    path: str
    record: type[Record]
    key: tuple[str, ...]
    doc: str
    scope: str | None = None
    optional: bool = False
    host: str = ""
    bucket: str | None = MAIN_BUCKET
    paging: Paging | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[Mapping[str, str], ...] = ({},)
    choice: Choice | None = None
    each: FromConfig | FromAccount | FromStream | None = None
    shared: Shared | None = None
    public: bool = False
    cursor_column: str | None = None
    days: Days | None = None
    newest_first: NewestFirst | None = None
    refresh: timedelta | None = None
    may_wait: bool = False
    keeps: bool = False
    split: str = ""
    absent: tuple[type[ProviderError], ...] = ()
    reshape: Callable[[Any], list[Any]] | None = None

    @functools.cached_property
    def reader(self) -> RecordReader:
        """The decoder of this stream's items."""
        return RecordReader(self.record)

    @property
    def column_names(self) -> set[str]:
        """The columns of its rows."""
        return {column.name for column in self.reader.columns}

    @property
    def given_names(self) -> set[str]:
        """What its rows take from the request."""
        sources = (column.source for column in self.reader.columns)
        return {source.name for source in sources if isinstance(source, Given)}

    @property
    def path_variables(self) -> set[str]:
        """What its path takes."""
        return {name for _, name, _, _ in Formatter().parse(self.path) if name is not None}

    @property
    def variables(self) -> set[str]:
        """What is known of each request's parent."""
        if self.each is None:
            return set()
        also = self.each.also if isinstance(self.each, FromStream) else ()
        return {self.each.variable, *also}

    @property
    def is_history(self) -> bool:
        """Whether rows are only ever added, so that absence never means deletion."""
        return self.cursor_column is not None or self.days is not None or self.keeps
