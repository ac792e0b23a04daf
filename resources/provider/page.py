"""What a declaration says of public pages: where they are, whose they are, how gently they are visited."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Literal

from resources.provider.stream import FromAccount, FromConfig, FromStream, Stream
from resources.reading.verdict import Reader, Way
from resources.records import Record, RecordReader

PAGES_BUCKET = "pages"
STEP_SUFFIX = "_step"


@dataclass(frozen=True)
class Agreement:
    """The same number from another source: a column of a page and one of a stream.

    A page's row is compared with the stream's newest row whose ``on`` column holds the page's subject,
    or with the account's only row where there is no ``on``. They agree within ``tolerance`` (0.02 is
    2 %), beside what the page's own rounding explains.
    """

    column: str
    stream: str
    stream_column: str
    on: str = ""
    tolerance: float = 0.05


@dataclass(frozen=True, eq=False)
class Page:
    """One kind of public page: its address, whose it is, how it is read, and what a row of it is.

    ``path`` takes one variable, the subject, which ``each`` gives. ``key`` are the columns that, with the
    account and the day, identify a row. Columns that are not nullable must be there, or the layout
    changed. A number ``x`` has its exactness in ``x_step``: what the last printed digit is worth, 1 where
    it is exact. ``ways`` are tried in order until one settles it. ``listens`` are parts of the addresses
    whose answers are kept when the page asks for them; in the browser one of each is waited for.
    ``canary`` is a subject that is known to exist.
    """

    name: str
    path: str
    record: type[Record]
    key: tuple[str, ...]
    each: FromConfig | FromAccount | FromStream
    read: Reader
    doc: str
    canary: str
    ways: tuple[Way, ...] = ("light", "browser")
    listens: tuple[str, ...] = ()
    agreements: tuple[Agreement, ...] = ()

    @functools.cached_property
    def reader(self) -> RecordReader:
        """What knows the columns of this page's rows."""
        return RecordReader(self.record)

    @property
    def column_names(self) -> list[str]:
        """The columns of its rows, in declared order."""
        return [column.name for column in self.reader.columns]

    @property
    def numbers(self) -> list[str]:
        """The columns that hold a number with a stated exactness."""
        names = self.column_names
        return [name for name in names if f"{name}{STEP_SUFFIX}" in names]

    def address(self, origin: str, subject: str) -> str:
        """Return the address of a subject's page."""
        return origin.rstrip("/") + self.path.format(**{self.each.variable: subject})

    def contradictions(self, streams: Sequence[Stream], config_keys: Sequence[str]) -> Iterator[str]:
        """Yield what this declaration says against itself or the provider's streams."""
        columns, each = set(self.column_names), self.each
        if not self.name.endswith("_page"):
            yield "its name must end in _page"
        if missing := set(self.key) - columns:
            yield f"key columns {sorted(missing)} are not in its record"
        if {name for _, name, _, _ in Formatter().parse(self.path) if name is not None} != {each.variable}:
            yield f"its path must take {each.variable} and nothing else"
        if isinstance(each, FromConfig) and each.key not in config_keys:
            yield f"{each.key} is not among config_keys"
        by_name = {stream.name: stream for stream in streams}
        if isinstance(each, FromStream):
            yield from _missing(by_name, each.stream, each.column)
        for agreement in self.agreements:
            if agreement.column not in columns:
                yield f"it has no column {agreement.column}"
            for column in filter(None, (agreement.stream_column, agreement.on)):
                yield from _missing(by_name, agreement.stream, column)


def _missing(streams: Mapping[str, Stream], name: str, column: str) -> Iterator[str]:
    if name not in streams:
        yield f"there is no stream {name}"
    elif column not in streams[name].column_names:
        yield f"{name} has no column {column}"


@dataclass(frozen=True, eq=False)
class Site:
    """A provider's public pages, and how gently they are visited: the defaults are on the safe side.

    Between two visits to the site at least ``pause_seconds`` pass, with jitter, at most ``concurrency`` are
    under way, and at most ``daily_pages`` a UTC day. ``cookies`` are set before the first visit: a
    recorded choice at a consent wall, for one.
    """

    origin: str
    pages: tuple[Page, ...]
    every: Literal["1h", "6h", "1d"] = "1d"
    pause_seconds: float = 3.0
    concurrency: int = 2
    daily_pages: int = 2_000
    cookies: Mapping[str, str] = field(default_factory=dict)

    def page(self, name: str) -> Page:
        """Return the page of that name; raise ``KeyError`` where there is none."""
        return {page.name: page for page in self.pages}[name]
