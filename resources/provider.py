"""The provider contract: everything Backline must know of a provider, as one declaration.

From a :class:`Provider` follow its assets, checks, jobs, schedules, console card, command-line words,
tables and contract tests. A declaration holds facts; the mechanisms that use them stand elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from string import Formatter
from typing import Literal

from resources.errors import (
    ContractChanged,
    Gone,
    GrantExpired,
    PermissionMissing,
    ProviderError,
    RateLimited,
    Transient,
)
from resources.paging import Paging
from resources.records import Given, Record, RecordReader


@dataclass(frozen=True)
class Limit:
    """At most ``requests`` in any ``seconds``, counted for the whole app."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read ``requests/seconds``."""
        requests, _, seconds = text.partition("/")
        return cls(int(requests), int(seconds))


@dataclass(frozen=True)
class Fault:
    """What an error reply means; the first whose every given mark fits, counts.

    ``status`` fits an HTTP status or, as ``4`` or ``5``, its hundreds. ``reason`` and ``message`` fit
    when the reply's own ``reason`` equals, or its message contains, the text.
    """

    means: type[ProviderError]
    status: int | None = None
    reason: str = ""
    message: str = ""

    def fits(self, status: int, reason: str, message: str) -> bool:
        """Say whether an error reply bears all the marks of this fault."""
        return (
            self.status in {None, status, status // 100}
            and (not self.reason or self.reason == reason)
            and self.message.lower() in message.lower()
        )


COMMON_FAULTS = (
    Fault(GrantExpired, status=401),
    Fault(PermissionMissing, status=403),
    Fault(Gone, status=404),
    Fault(Gone, status=410),
    Fault(Transient, status=408),
    Fault(RateLimited, status=429),
    Fault(Transient, status=5),
    Fault(ContractChanged),
)


@dataclass(frozen=True)
class Api:
    """Where the API is, how much it takes, and what its errors mean."""

    base: str
    limit: Limit
    faults: tuple[Fault, ...] = ()
    quota_wait: timedelta = timedelta(hours=1)
    error_message: str = "error.message"
    error_reason: str = "error.reason"

    def fault_of(self, status: int, reason: str, message: str) -> type[ProviderError]:
        """Return the meaning of an error reply."""
        return next(
            fault.means for fault in (*self.faults, *COMMON_FAULTS) if fault.fits(status, reason, message)
        )


@dataclass(frozen=True)
class Identity:
    """Where a fresh grant's account stands: the path to ask, and the places of its id and name."""

    path: str
    id: tuple[str, ...]
    name: tuple[str, ...]


@dataclass(frozen=True)
class OAuth:
    """How a person connects an account, and how long that lasts."""

    authorize: str
    token: str
    scopes: tuple[str, ...]
    identity: Identity
    pkce: bool = True
    params: Mapping[str, str] = field(default_factory=dict)
    lifetime: timedelta | None = None
    announce: timedelta = timedelta(days=14)


@dataclass(frozen=True)
class FromConfig:
    """Ask once for each id in the account's configuration."""

    key: str
    variable: str


@dataclass(frozen=True)
class FromStream:
    """Ask once for each row of another stream; rows whose ``version`` did not change are skipped.

    ``unreadable`` names the faults that make one parent's part of the stream unreadable without
    being a failure: a playlist of somebody else answers 403.
    """

    stream: str
    column: str
    variable: str
    version: str | None = None
    unreadable: tuple[type[ProviderError], ...] = (PermissionMissing, Gone)


@dataclass(frozen=True, eq=False)
class Stream:
    """One kind of record of one account: what to ask, how to page, what a row is.

    ``key`` are the columns that, with the account, identify a row. ``variants`` are parameter sets
    asked one after the other. ``cursor_column`` makes the stream incremental: its rows are a history
    that is only added to, and the newest value is where the next sync starts.
    """

    name: str
    path: str
    record: type[Record]
    key: tuple[str, ...]
    doc: str
    scope: str | None = None
    paging: Paging | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[Mapping[str, str], ...] = ({},)
    each: FromConfig | FromStream | None = None
    cursor_column: str | None = None

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
    def is_history(self) -> bool:
        """Whether rows are only ever added, so that absence never means deletion."""
        return self.cursor_column is not None


@dataclass(frozen=True, eq=False)
class Provider:
    """One provider: the single declaration from which everything about it follows."""

    name: str
    title: str
    docs: str
    apps: str
    api: Api
    oauth: OAuth
    streams: tuple[Stream, ...]
    every: Literal["15m", "1h", "6h", "1d"] = "1h"
    config_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        names = [stream.name for stream in self.streams]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name} declares a stream twice.")
        for position, stream in enumerate(self.streams):
            for contradiction in self._contradictions(stream, names[:position]):
                raise ValueError(f"{self.name}.{stream.name}: {contradiction}.")

    def _contradictions(self, stream: Stream, earlier: Sequence[str]) -> Iterator[str]:
        columns, each = stream.column_names, stream.each
        if missing := set(stream.key) - columns:
            yield f"key columns {sorted(missing)} are not in its record"
        if stream.cursor_column and stream.cursor_column not in columns:
            yield f"its cursor column {stream.cursor_column} is not in its record"
        if stream.scope and stream.scope not in self.oauth.scopes:
            yield f"the provider's OAuth asks for no scope {stream.scope}"
        if stream.path_variables != ({each.variable} if each else set()):
            yield f"its path takes {', '.join(stream.path_variables) or 'nothing'}, unlike its parent"
        if isinstance(each, FromConfig) and each.key not in self.config_keys:
            yield f"{each.key} is not among config_keys"
        if isinstance(each, FromStream):
            yield from self._contradictions_of_parent(each, earlier)
        for name in stream.given_names - stream.path_variables - {"index"}:
            if any(name not in variant for variant in stream.variants):
                yield f"{name} is given by nothing"

    def _contradictions_of_parent(self, each: FromStream, earlier: Sequence[str]) -> Iterator[str]:
        if each.stream not in earlier:
            yield f"it must stand after {each.stream}"
            return
        known = self.streams[earlier.index(each.stream)].column_names
        for column in filter(None, (each.column, each.version)):
            if column not in known:
                yield f"{each.stream} has no column {column}"

    def stream(self, name: str) -> Stream:
        """Return the stream of that name; raise ``KeyError`` where there is none."""
        return self._by_name[name]

    @functools.cached_property
    def _by_name(self) -> dict[str, Stream]:
        return {stream.name: stream for stream in self.streams}

    def selected(self, names: Sequence[str]) -> tuple[Stream, ...]:
        """Return the streams of these names in declared order, parents first."""
        return tuple(stream for stream in self.streams if stream.name in set(names))
