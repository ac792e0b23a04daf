"""Reading one part of a stream: page after page, all its rows or none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from resources.database import Clock
from resources.errors import ContractChanged, PartRefused, ProviderError
from resources.paging import POSITION, Page, PagingStalled, Params
from resources.provider import Stream
from resources.records import RecordRefused, Row
from resources.sync.asking import AccountClient
from resources.sync.passes import StreamPass
from resources.sync.words import Key, RefusedWords

Variables = Mapping[str, str]
MOST_PAGES, MOST_EMPTY_PAGES = 10_000, 20


@dataclass(frozen=True)
class Part:
    """What one part of a stream is asked with: its path's variables, parameters, and what its rows are given.

    ``kind`` is the word by which the parent's kind chose the parameters.
    """

    variables: Variables = field(default_factory=dict)
    params: Params = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a part was read: whether it is whole, and where the next sync starts.

    ``omits`` says that words which the provider refused were left out: what they stand for was not met,
    but is not gone either.
    """

    whole: bool
    cursor: dict[str, Any]
    omits: bool = False


class PartReader:
    """Reads parts of one account's streams into their passes."""

    def __init__(  # noqa: PLR0913  # what it stands on, all of it handed in
        self,
        provider_name: str,
        account_id: uuid.UUID,
        client: AccountClient,
        refused_words: RefusedWords,
        *,
        full: bool,
        clock: Clock,
    ) -> None:
        self._name, self._account_id, self._client = provider_name, account_id, client
        self._refused, self._full, self._clock = refused_words, full, clock

    async def read(self, result: StreamPass, part: Part, since: Mapping[str, Any]) -> Outcome:
        """Read a part, all its rows or none; say how that went."""
        kept, outcome = len(result.rows), Outcome(whole=True, cursor=dict(since))
        try:
            for variant in result.stream.variants:
                one = await self._read_variant(result, part, variant, since)
                outcome = Outcome(outcome.whole and one.whole, one.cursor, outcome.omits or one.omits)
        except ProviderError:
            result.rows.keep(kept)
            raise
        result.complete = result.complete and outcome.whole and not outcome.omits
        return outcome

    async def _read_variant(
        self, result: StreamPass, part: Part, variant: Variables, since: Mapping[str, Any]
    ) -> Outcome:
        """Read one variant; where a word of a list is refused, the others are asked for one by one."""
        params: Params = {**result.stream.params, **part.params, **variant}
        each = result.stream.each
        if each is not None and each.parameter:
            params[each.parameter] = part.variables[each.variable]
        given = {**part.given, **part.variables, **variant, "today": self._clock().date()}
        split = result.stream.split
        if not split or split not in params:
            return await self._read_pages(result, part, params, given, since)
        key: Key = (result.stream.name, part.kind, *sorted(variant.items()))
        skipped = self._refused.skipped(key, self._account_id)
        words = [word for word in str(params[split]).split(",") if word not in skipped]
        if not words:
            return Outcome(whole=True, cursor={}, omits=True)
        kept = len(result.rows)
        try:
            outcome = await self._read_pages(result, part, {**params, split: ",".join(words)}, given, since)
        except PartRefused as error:
            if len(words) == 1:
                raise
            result.rows.keep(kept)
            result.usage.refused -= 1
            return await self._read_words(result, part, {**params, split: words}, given, error, key)
        self._refused.take(key, words)
        return Outcome(outcome.whole, outcome.cursor, omits=bool(skipped))

    async def _read_words(  # noqa: PLR0913, PLR0917  # what a request is made of
        self,
        result: StreamPass,
        part: Part,
        params: Mapping[str, Any],
        given: Mapping[str, Any],
        refusal: PartRefused,
        key: Key,
    ) -> Outcome:
        split, whole, taken = result.stream.split, True, list[str]()
        refused: list[str] = []
        for word in params[split]:
            try:
                outcome = await self._read_pages(result, part, {**params, split: word}, given, {})
            except PartRefused:
                result.usage.refused -= 1
                refused.append(word)
            else:
                whole = outcome.whole and whole
                taken.append(word)
        if not taken:  # it is not the words that are wrong
            raise refusal
        self._refused.refuse(key, self._account_id, refused)
        self._refused.take(key, taken)
        result.complain([f"{result.stream.path}: {split} {', '.join(refused)} refused: {refusal.problem}"])
        return Outcome(whole, cursor={}, omits=True)

    async def _read_pages(
        self,
        result: StreamPass,
        part: Part,
        fixed: Params,
        given: Mapping[str, Any],
        since: Mapping[str, Any],
    ) -> Outcome:
        """Read page after page; only where nothing was left out the part is whole, and its cursor moves."""
        stream, seen, totals, asked, empty = result.stream, 0, set[int](), set[str](), 0
        sound, known = True, Position(stream, since, self._clock().date(), full=self._full)
        path = stream.path.format_map(part.variables)
        params: Params | None = stream.paging.first(since) if stream.paging else {}
        place = str(params)
        while params is not None:
            page = await self._client.page(result, path, {**fixed, **params})
            first = len(result.rows)
            sound = add_rows(result, page, dict(given), seen) and sound
            seen += len(page.items)
            empty = 0 if page.items else empty + 1
            asked.add(place)
            if page.total is not None:
                totals.add(page.total)
            known.saw(page, result, first, self._name, path)
            problem, params = _following(stream, path, params, page)
            if params is not None and known.is_reached:
                return Outcome(whole=False, cursor=known.cursor(sound=sound))
            place = "" if params is None else str(params)
            if params is not None and (place in asked or empty == MOST_EMPTY_PAGES):
                problem, params = f"{path}: the pages go round in a circle, or are empty", None
            if params is not None and len(asked) == MOST_PAGES:
                problem, params = f"{path}: {MOST_PAGES} pages did not come to an end", None
            if problem:
                result.complain([f"{problem}; the rest was not read"])
                sound = False
        cursor = known.cursor(sound=sound, whole=True)
        return Outcome(sound and totals in (set(), {seen}), cursor)


class Position:
    """How far a list has been read, against where the stored cursor stands."""

    def __init__(self, stream: Stream, since: Mapping[str, Any], today: date, *, full: bool) -> None:
        self._stream, self._since = stream, since
        self._after = int(since.get("after", 0)) if stream.cursor_column else 0
        self._newest, self._today = str(since.get("newest", "")), today
        self._met = self._newest
        self.is_reached = False
        self._stops = stream.newest_first is not None and not full and not self._is_whole_due()

    def _is_whole_due(self) -> bool:
        last, rule = self._since.get("whole"), self._stream.newest_first
        if rule is None or not isinstance(last, str) or not self._newest:
            return True
        return self._today - date.fromisoformat(last) >= rule.whole_every

    def saw(self, page: Page, result: StreamPass, first: int, provider: str, path: str) -> None:
        """Take notice of a page, whose rows in the pass begin at ``first``."""
        if self._stream.cursor_column and page.after:
            self._after = max(self._after, self._position(page.after, provider, path))
        if self._stream.newest_first is not None:
            moments = _moments(result, self._stream.newest_first.column, first)
            self._met = max([self._met, *moments])
            self.is_reached = self._stops and bool(moments) and min(moments) <= self._newest

    def _position(self, position: str, provider: str, path: str) -> int:
        if POSITION.fullmatch(position):
            return int(position)
        place = self._stream.paging.envelope()["after"] if self._stream.paging else ""
        raise ContractChanged(provider, f"`{place}` is not a number", path=path)

    def cursor(self, *, sound: bool, whole: bool = False) -> dict[str, Any]:
        """Return the cursor to store, which moves only where nothing was left out."""
        if not sound:
            return dict(self._since)
        if self._stream.newest_first is not None:
            last = self._today.isoformat() if whole else self._since.get("whole")
            return {"newest": self._met, "whole": last}
        return {"after": self._after} if self._after else dict(self._since)


def _moments(result: StreamPass, column: str, first: int) -> list[str]:
    """Return the moments in a column of the rows from ``first`` on, as texts that sort."""
    place = [one.name for one in result.stream.reader.columns].index(column)
    values = (row[place] for row in result.rows.since(first))
    return [value.isoformat() for value in values if isinstance(value, datetime)]


def add_rows(result: StreamPass, page: Page, known: dict[str, Any], first_index: int) -> bool:
    """Add a page's rows to a pass; say whether every item was one."""
    reader, sound = result.stream.reader, True
    rows = reader.rows(page.items)
    if rows is not None:
        result.rows.extend(_all_with_json_text(rows, reader.json_positions))
        return True
    for index, item in enumerate(page.items, first_index):
        if item is None:  # what it stood for may still be there
            sound = False
            continue
        known["index"] = index
        try:
            row = reader.row(item, known)
        except RecordRefused as error:
            result.rejected += 1
            result.complain([f"{result.stream.path}: item {index}: {error}"])
            sound = False
            continue
        result.rows.append(_with_json_text(row, reader.json_positions))
    return sound


def _following(stream: Stream, path: str, params: Params, page: Page) -> tuple[str, Params | None]:
    """Return what is wrong with the way on, and the next page's parameters."""
    if stream.paging is None:
        return "", None
    try:
        return "", stream.paging.following(params, page)
    except PagingStalled:
        return f"{path}: the page after {params} is itself", None


def _all_with_json_text(rows: list[Row], positions: Sequence[int]) -> list[Row]:
    """Do what ``_with_json_text`` does to a page at once, column by column."""
    if not (positions and rows):
        return rows
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for position in positions:
        values = columns[position]
        columns[position] = [
            None if value is None else msgspec.json.encode(value).decode() for value in values
        ]
    return list(zip(*columns, strict=True))


def _with_json_text(row: Row, positions: Sequence[int]) -> Row:
    if not positions:
        return row
    values = list(row)
    for position in positions:
        if values[position] is not None:
            values[position] = msgspec.json.encode(values[position]).decode()
    return tuple(values)
