"""Reading one account: its streams one after the other, each as far as it goes."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from resources.database import utc_now
from resources.errors import ContractChanged, Gone, GrantExpired, ProviderError, ScopeMissing
from resources.grants import GrantKeeper, HeldGrant
from resources.http import ProviderClient
from resources.paging import POSITION, Page, PagingStalled, Params
from resources.provider import FromConfig, FromStream, Provider, Stream
from resources.records import RecordRefused, Row
from resources.replies import ReplyDecoder, ReplyRefused
from resources.sync.passes import Account, AccountPass, ParentsRead, StreamPass

Variables = Mapping[str, str]
StoredParents = Callable[[uuid.UUID, str, Sequence[str]], Awaitable[list[Row]]]
MOST_PAGES = 10_000


class AccountReader:
    """Reads the streams of one account."""

    def __init__(  # noqa: PLR0913  # what a reader stands on, all of it handed in
        self,
        account: Account,
        grant: HeldGrant,
        *,
        provider: Provider,
        client: ProviderClient,
        keeper: GrantKeeper,
        decoders: Mapping[str, ReplyDecoder],
        stored_parents: StoredParents,
        full: bool,
    ) -> None:
        self._account, self._grant, self._full = account, grant, full
        self._provider, self._client, self._keeper = provider, client, keeper
        self._decoders, self._stored_parents = decoders, stored_parents
        self._done: dict[str, StreamPass] = {}

    async def read(self, streams: Sequence[Stream]) -> AccountPass:
        """Read the streams; an error of one is kept with it, an error of the account with all that follow."""
        stopped: ProviderError | None = None
        for stream in streams:
            result = self._done[stream.name] = StreamPass(stream)
            try:
                if stopped is not None:
                    raise stopped
                await self._read_stream(result)
            except ProviderError as error:
                result.error, result.complete = error, False
                if stopped is None and error.whole_account:
                    stopped = error
            result.finished_at = utc_now()
        return AccountPass(self._account, list(self._done.values()))

    async def _read_stream(self, result: StreamPass) -> None:
        stream, granted = result.stream, self._account.scopes
        if stream.scope and granted and stream.scope not in granted:
            raise ScopeMissing(self._provider.name, f"the grant lacks {stream.scope}", path=stream.path)
        since = {} if self._full else self._account.cursors.get(stream.name, {})
        if isinstance(stream.each, FromStream):
            await self._read_changed_parents(result, stream.each, since)
            return
        result.cursor = dict(since)
        missing: Gone | None = None
        for variables in self._variables(stream):
            try:
                await self._read_part(result, variables, since)
            except Gone as error:  # one wrong id of several: the others are read all the same
                missing = missing or error
        if missing is not None:
            raise missing

    def _variables(self, stream: Stream) -> list[Variables]:
        if isinstance(stream.each, FromConfig):
            each = stream.each
            return [{each.variable: value} for value in self._account.config.get(each.key, ())]
        return [{}]

    async def _read_changed_parents(
        self, result: StreamPass, each: FromStream, since: Mapping[str, Any]
    ) -> None:
        """Read the parts of all parents that changed; the cursor lists those that are whole.

        A parent that may not be read is asked again on another day, and its rows stay as they are: the
        refusal may be a passing one.
        """
        parents, today = await self._parents(result, each), utc_now().date().isoformat()
        read = result.parents = ParentsRead(current=list(parents))
        known, refused = since.get("versions", {}), since.get("unreadable", {})
        versions: dict[str, Any] = {}
        unreadable: dict[str, Any] = {}
        result.cursor = {"versions": versions, "unreadable": unreadable}
        for parent, version in parents.items():
            if version is not None and known.get(parent) == version:
                versions[parent] = version
                result.unchanged.append(parent)
            elif refused.get(parent) == [version, today]:
                unreadable[parent] = refused[parent]
        for parent, version in parents.items():
            if parent in versions or parent in unreadable:
                continue
            whole = await self._read_parent(result, each, parent)
            if whole is None:
                unreadable[parent] = [version, today]
            elif whole:
                versions[parent] = version
                read.whole.append(parent)

    async def _read_parent(self, result: StreamPass, each: FromStream, parent: str) -> bool | None:
        """Read one parent's part; say whether it is whole, ``None`` where it may not be read."""
        try:
            return await self._read_part(result, {each.variable: parent}, {})
        except ProviderError as error:
            above = self._done.get(each.stream)
            if type(error) not in each.unreadable or (above is not None and above.status == "failed"):
                raise
            result.usage.refused -= 1
            return None

    async def _parents(self, result: StreamPass, each: FromStream) -> dict[str, Any]:
        """Return each parent's version, from this pass and, where that is not all, from the table."""
        parent, wanted = self._done.get(each.stream), (each.column, each.version or each.column)
        rows = [] if parent is None else _picked(parent, wanted)
        if parent is None or not parent.complete:
            rows = [*await self._stored_parents(self._account.id, each.stream, wanted), *rows]
        result.complete = parent is None or parent.complete
        return {str(key): version if each.version else None for key, version in rows}

    async def _read_part(self, result: StreamPass, variables: Variables, since: Mapping[str, Any]) -> bool:
        """Read one parent, or the stream where it has none, all rows or none; say whether it is whole."""
        kept, whole = len(result.rows), True
        try:
            for variant in result.stream.variants:
                whole = await self._read_pages(result, variables, variant, since) and whole
        except ProviderError:
            result.rows.keep(kept)
            raise
        result.complete = result.complete and whole
        return whole

    async def _read_pages(
        self, result: StreamPass, variables: Variables, variant: Variables, since: Mapping[str, Any]
    ) -> bool:
        """Read page after page; say whether nothing was left out. A history's cursor moves only then."""
        stream, seen, pages, totals = result.stream, 0, 0, set[int]()
        sound, newest = True, int(since.get("after", 0)) if result.stream.is_history else 0
        path = stream.path.format_map(variables)
        params: Params | None = stream.paging.first(since) if stream.paging else {}
        while params is not None:
            page = await self._page(result, path, {**stream.params, **variant, **params})
            sound = self._add_rows(result, page, {**variables, **variant}, seen) and sound
            seen += len(page.items)
            pages += 1
            if page.total is not None:
                totals.add(page.total)
            if stream.is_history and page.after:
                newest = max(newest, self._newest(page.after, stream, path))
            problem, params = _following(stream, path, params, page)
            if params is not None and pages == MOST_PAGES:
                problem, params = f"{path}: {MOST_PAGES} pages did not come to an end", None
            if problem:
                result.complain([f"{problem}; the rest was not read"])
                sound = False
        if stream.is_history and sound and newest:
            result.cursor = {"after": newest}
        return sound and totals in (set(), {seen})

    def _newest(self, position: str, stream: Stream, path: str) -> int:
        if POSITION.fullmatch(position):
            return int(position)
        place = stream.paging.envelope()["after"] if stream.paging else ""
        raise ContractChanged(self._provider.name, f"`{place}` is not a number", path=path)

    async def _page(self, result: StreamPass, path: str, params: Params) -> Page:
        body = await self._get(result, path, params)
        try:
            reply = self._decoders[result.stream.name].decode(body)
        except ReplyRefused as error:
            raise ContractChanged(self._provider.name, str(error), path=path) from error
        result.rejected += len(reply.rejections)
        result.complain([f"{path}: {rejection}" for rejection in reply.rejections])
        return reply.page

    async def _get(self, result: StreamPass, path: str, params: Params) -> bytes:
        """Ask once, and once more with a refreshed grant where the access token was not accepted."""
        try:
            return await self._client.get(path, params, self._grant.tokens.access_token, result.usage)
        except GrantExpired:
            self._grant = await self._keeper.refresh(self._grant, self._account.org_id)
        try:
            return await self._client.get(path, params, self._grant.tokens.access_token, result.usage)
        except GrantExpired as error:
            await self._keeper.give_up(self._grant, self._account.org_id, error)
            raise

    def _add_rows(self, result: StreamPass, page: Page, known: dict[str, Any], first_index: int) -> bool:
        """Add a page's rows; say whether every item was one."""
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


def _picked(parent: StreamPass, columns: Sequence[str]) -> list[Row]:
    names = [column.name for column in parent.stream.reader.columns]
    places = [names.index(column) for column in columns]
    return [tuple(row[place] for place in places) for row in parent.rows]
