"""The provider contract: everything Backline must know of a provider, as one declaration."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from resources.provider.api import MAIN_BUCKET, Api
from resources.provider.audience import Metric
from resources.provider.oauth import OAuth
from resources.provider.page import Page, Site
from resources.provider.pushes import Pushes
from resources.provider.stream import KNOWN_ALWAYS, FromConfig, FromStream, Stream

OPTIONAL_STREAMS = "optional_streams"


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
    audience: tuple[Metric, ...] = ()
    pushes: Pushes | None = None
    site: Site | None = None

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        if self.api.quota and MAIN_BUCKET not in self.api.quota.buckets:
            raise ValueError(f"{self.name} declares a quota without the bucket {MAIN_BUCKET}.")
        names = [stream.name for stream in self.streams]
        for metric in self.audience:
            for contradiction in metric.contradictions(self.streams):
                raise ValueError(f"{self.name}, audience metric {metric.name}: {contradiction}.")
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name} declares a stream twice.")
        for position, stream in enumerate(self.streams):
            for contradiction in self._contradictions(stream, names[:position]):
                raise ValueError(f"{self.name}.{stream.name}: {contradiction}.")
        for page in self.pages:
            for contradiction in page.contradictions(self.streams, self.config_keys):
                raise ValueError(f"{self.name}.{page.name}: {contradiction}.")
        if len({*names, *(page.name for page in self.pages)}) != len(names) + len(self.pages):
            raise ValueError(f"{self.name} declares a page twice, or one named like a stream.")

    @property
    def pages(self) -> tuple[Page, ...]:
        """Its kinds of public pages."""
        return self.site.pages if self.site else ()

    def _contradictions(self, stream: Stream, earlier: Sequence[str]) -> Iterator[str]:
        columns, each = stream.column_names, stream.each
        if missing := set(stream.key) - columns:
            yield f"key columns {sorted(missing)} are not in its record"
        if stream.cursor_column and stream.cursor_column not in columns:
            yield f"its cursor column {stream.cursor_column} is not in its record"
        if stream.scope and stream.scope not in self.oauth.all_scopes:
            yield f"the provider's OAuth asks for no scope {stream.scope}"
        yield from self._contradictions_of_address(stream)
        if isinstance(each, FromConfig) and each.key not in self.config_keys:
            yield f"{each.key} is not among config_keys"
        if isinstance(each, FromStream):
            yield from self._contradictions_of_parent(each, earlier)
        given = stream.variables | KNOWN_ALWAYS | ({"day"} if stream.days else set())
        for name in stream.given_names - given:
            if any(name not in variant for variant in stream.variants):
                yield f"{name} is given by nothing"

    def _contradictions_of_address(self, stream: Stream) -> Iterator[str]:
        each, in_path = stream.each, set[str]()
        if each is not None and stream.shared is None and not each.parameter:
            in_path = {each.variable}
        if stream.path_variables != in_path:
            yield f"its path takes {', '.join(stream.path_variables) or 'nothing'}, unlike its parent"
        if stream.host and stream.host not in self.api.hosts:
            yield f"the provider's API has no host {stream.host}"
        if self.api.quota and stream.bucket and stream.bucket not in self.api.quota.buckets:
            yield f"the provider's quota has no bucket {stream.bucket}"
        if stream.shared and (each is None or each.variable not in stream.column_names):
            yield "it is shared, so a column must hold its parent's id"

    def _contradictions_of_parent(self, each: FromStream, earlier: Sequence[str]) -> Iterator[str]:
        if each.stream not in earlier:
            yield f"it must stand after {each.stream}"
            return
        known = self.streams[earlier.index(each.stream)].column_names
        for column in dict.fromkeys(each.columns):
            if column not in known:
                yield f"{each.stream} has no column {column}"

    @property
    def streams_to_choose(self) -> tuple[str, ...]:
        """The streams that are read only where an account's ``optional_streams`` list them."""
        return tuple(stream.name for stream in self.streams if stream.optional and not stream.scope)

    def bucket(self, stream: Stream) -> str | None:
        """Return the bucket of the quota that a stream's requests are paid from, where there is one."""
        return stream.bucket if self.api.quota else None

    def stream(self, name: str) -> Stream:
        """Return the stream of that name; raise ``KeyError`` where there is none."""
        return self._by_name[name]

    @functools.cached_property
    def _by_name(self) -> dict[str, Stream]:
        return {stream.name: stream for stream in self.streams}

    def selected(self, names: Sequence[str]) -> tuple[Stream, ...]:
        """Return the streams of these names in declared order, parents first."""
        return tuple(stream for stream in self.streams if stream.name in set(names))
