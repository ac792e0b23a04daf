"""Reading one account: its streams one after the other, each as far as it goes."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from resources.database import Clock, utc_now
from resources.errors import Gone, ProviderError, ScopeMissing
from resources.paging import Params
from resources.provider import OPTIONAL_STREAMS, Days, FromAccount, FromConfig, FromStream, Provider, Stream
from resources.records import Row
from resources.sync.asking import AccountClient
from resources.sync.pages import Part, PartReader, add_rows
from resources.sync.parents import Known, Parent, parents_of, picked
from resources.sync.passes import Account, AccountPass, ParentsRead, StreamPass
from resources.sync.shared import Answer, SharedRequests
from resources.sync.words import RefusedWords

REFRESH_SLACK = timedelta(hours=1)  # schedules do not come to the second
StoredParents = Callable[[uuid.UUID, str, Sequence[str]], Awaitable[list[Row]]]


@dataclass(frozen=True)
class RunParts:
    """What the accounts of one run have in common.

    ``days`` are the first and last day that a person asked for. ``shared`` holds the requests that
    accounts share, by stream; ``refused_words`` what the provider refused once already. A ``thrifty``
    run cannot pay for everything, and leaves out what costs a request of its own and is not public.
    ``again`` are parents that are read even where it is not their time.
    """

    provider: Provider
    stored_parents: StoredParents
    full: bool = False
    days: tuple[date, date] | None = None
    again: frozenset[str] = frozenset()
    shared: Mapping[str, SharedRequests] = field(default_factory=dict)
    refused_words: RefusedWords = field(default_factory=RefusedWords)
    thrifty: bool = False
    clock: Clock = utc_now


class AccountReader:
    """Reads the streams of one account."""

    def __init__(self, account: Account, client: AccountClient, run: RunParts) -> None:
        self._account, self._client, self._run = account, client, run
        self._parts = PartReader(
            run.provider.name, account.id, client, run.refused_words, full=run.full, clock=run.clock
        )
        self._done: dict[str, StreamPass] = {}

    async def read(self, streams: Sequence[Stream]) -> AccountPass:
        """Read the streams; an error of one is kept with it, an error of the account with all that follow."""
        stopped: ProviderError | None = None
        for stream in filter(self._is_wanted, streams):
            result = self._done[stream.name] = StreamPass(stream)
            try:
                if stopped is not None:
                    raise stopped
                await self._read_stream(result)
            except ProviderError as error:
                self._note(result, error)
                if stopped is None and result.error is not None and error.whole_account:
                    stopped = error
            result.finished_at = utc_now()
        return AccountPass(self._account, list(self._done.values()))

    def _is_wanted(self, stream: Stream) -> bool:
        """Say whether a stream is read: it is due, and an optional one was granted or asked for."""
        if stream.refresh is not None and not self._run.full and self._was_read_within(stream):
            return False
        if not stream.optional:
            return True
        if stream.scope:
            return stream.scope in self._account.scopes
        return stream.name in self._account.config.get(OPTIONAL_STREAMS, ())

    def _was_read_within(self, stream: Stream) -> bool:
        """Say whether a stream was read too short a while ago to be read again."""
        read = self._account.cursors.get(stream.name, {}).get("read")
        if stream.refresh is None or not isinstance(read, str):
            return False
        return self._run.clock() - datetime.fromisoformat(read) < stream.refresh - REFRESH_SLACK

    def _note(self, result: StreamPass, error: ProviderError) -> None:
        """Keep a stream's error, unless it only says that there is nothing to read."""
        result.complete = False
        if isinstance(error, result.stream.absent) and not isinstance(error, ScopeMissing):
            result.usage.refused -= 1
        else:
            result.error = error

    async def _read_stream(self, result: StreamPass) -> None:
        stream, granted = result.stream, self._account.scopes
        if stream.scope and granted and stream.scope not in granted:
            raise ScopeMissing(self._run.provider.name, f"the grant lacks {stream.scope}", path=stream.path)
        forgets = self._run.full and self._run.days is None
        since = {} if forgets else self._account.cursors.get(stream.name, {})
        result.cursor = dict(since)
        if isinstance(stream.each, FromStream):
            await self._read_changed_parents(result, stream.each, since)
        elif stream.shared is not None:
            await self._read_own_id(result)
        elif stream.days is not None:
            await self._read_days(result, stream.days, since)
        else:
            await self._read_parts(result, since)
        if stream.refresh is not None:
            result.cursor["read"] = self._run.clock().isoformat()

    async def _read_parts(self, result: StreamPass, since: Mapping[str, Any]) -> None:
        missing: Gone | None = None
        for variables in self._variables(result.stream):
            try:
                result.cursor = (await self._parts.read(result, Part(variables), since)).cursor
            except Gone as error:  # one wrong id of several: the others are read all the same
                missing = missing or error
        if missing is not None:
            raise missing

    def _variables(self, stream: Stream) -> list[dict[str, str]]:
        each = stream.each
        if isinstance(each, FromConfig):
            return [{each.variable: value} for value in self._account.config.get(each.key, ())]
        if isinstance(each, FromAccount):
            return [{each.variable: self._account.external_id}]
        return [{}]

    async def _read_days(self, result: StreamPass, days: Days, since: Mapping[str, Any]) -> None:
        """Read window after window; what was read before one fails is kept, and the cursor with it."""
        today = days.today(self._run.clock())
        yesterday = today - timedelta(days=1)
        begin, end = self._run.days or (_first_day(days, since, today), yesterday)
        begin = max(begin, today - timedelta(days=days.reach))
        for window in days.windows(begin, min(end, yesterday)):
            given = {"day": window[0]}
            await self._parts.read(result, Part(params=days.params(window), given=given), {})
            if self._run.days is None:
                settled = min(window[1], today - timedelta(days=days.settling))
                result.cursor = {"through": settled.isoformat()}

    async def _read_changed_parents(
        self, result: StreamPass, each: FromStream, since: Mapping[str, Any]
    ) -> None:
        """Read the parts of all parents that changed; the cursor lists those that are whole.

        A parent that may not be read is asked again on another day, and its rows stay as they are: the
        refusal may be a passing one.
        """
        parents = await self._parents(result, each)
        known = Known.of(since, self._run.clock().date().isoformat())
        known.keep_positions(parents)
        result.parents = ParentsRead(current=list(parents))
        result.cursor = known.cursor
        due = []
        for parent in parents.values():
            if parent.id not in self._run.again and known.is_unchanged(parent):
                result.unchanged.append(parent.id)
            elif not known.is_refused_today(parent):
                due.append(parent)
        if result.stream.shared is not None:
            await self._read_shared(result, due, known)
            return
        for parent in due:
            await self._read_parent(result, each, parent, known)

    async def _read_parent(self, result: StreamPass, each: FromStream, parent: Parent, known: Known) -> None:
        part = _part_of(result.stream, each, parent)
        if part is None:
            return
        try:
            outcome = await self._parts.read(result, part, known.position(parent))
        except ProviderError as error:
            above = self._done.get(each.stream)
            if type(error) not in each.unreadable or (above is not None and above.status == "failed"):
                raise
            result.usage.refused -= 1
            known.refused(parent)
            return
        if result.stream.newest_first is not None:
            known.reached(parent, outcome.cursor)
        if outcome.whole and result.parents is not None:
            known.read_whole(parent)
            if not outcome.omits:
                result.parents.whole.append(parent.id)

    async def _parents(self, result: StreamPass, each: FromStream) -> dict[str, Parent]:
        """Return the parents, from this pass and, where that is not all, from the table."""
        parent = self._done.get(each.stream)
        rows = [] if parent is None else picked(parent, each.columns)
        if parent is None or not parent.complete:
            rows = [*await self._run.stored_parents(self._account.id, each.stream, each.columns), *rows]
        result.complete = parent is None or parent.complete
        if any(row[0] is None for row in rows):  # what belongs to it is not known to be gone
            result.complete = False
        return parents_of(each, rows, self._run.clock())

    async def _read_own_id(self, result: StreamPass) -> None:
        """Read what a shared request says of the account itself."""
        own = self._account.external_id
        answered = await self._wait(result, [own])
        if own in answered and own not in result.found:
            problem = f"the account {own} is not answered for any more"
            raise Gone(self._run.provider.name, problem, path=result.stream.path)

    async def _read_shared(self, result: StreamPass, due: Sequence[Parent], known: Known) -> None:
        """Read parents by requests that several accounts share, private ones by requests of their own."""
        shared, read = result.stream.shared, result.parents
        if shared is None or read is None:
            return
        column, values = shared.private or ("", ())
        private = [parent.id for parent in due if parent.known.get(column) in values]
        public = [parent.id for parent in due if parent.id not in set(private)]
        if self._run.thrifty:
            due, private = [parent for parent in due if parent.id in set(public)], []
        sure = await self._wait(result, public)
        _mark(read, known, [parent for parent in due if parent.id in sure])
        for start in range(0, len(private), shared.size):
            ids = private[start : start + shared.size]
            answer = await self._ask(result, ids, shared=False)
            self._take(result, answer)
            sure = set(answer.rows) if answer.problems else set(ids)
            _mark(read, known, [parent for parent in due if parent.id in sure])

    async def _wait(self, result: StreamPass, ids: Sequence[str]) -> set[str]:
        """Ask together with other accounts; return the ids that were answered, or surely are gone."""
        requests = self._run.shared[result.stream.name]
        wait = await requests.read(ids, lambda several: self._ask(result, several, shared=True))
        self._take(result, Answer(wait.rows, tuple(wait.problems)))
        return set(ids) - wait.doubtful

    def _take(self, result: StreamPass, answer: Answer) -> None:
        result.rows.extend(list(answer.rows.values()))
        result.found.update(answer.rows)
        result.complain(answer.problems)

    async def _ask(self, result: StreamPass, ids: Sequence[str], *, shared: bool) -> Answer:
        """Ask for several ids in one request, at this account's cost."""
        stream, rule = result.stream, result.stream.shared
        if rule is None or stream.each is None:
            return Answer({})
        asked = StreamPass(stream, usage=result.usage)
        params: Params = {**stream.params, rule.parameter: ",".join(ids)}
        page = await self._client.page(asked, stream.path, params, shared=shared)
        add_rows(asked, page, {"today": self._run.clock().date()}, 0)
        place = [column.name for column in stream.reader.columns].index(stream.each.variable)
        rows = {str(row[place]): row for row in asked.rows}
        result.rejected += asked.rejected
        return Answer(rows, tuple(asked.problems))


def _first_day(days: Days, since: Mapping[str, Any], today: date) -> date:
    """Return the day from which a history is read: after what is settled, or a first sync's reach."""
    through = since.get("through")
    if isinstance(through, str):
        return date.fromisoformat(through) + timedelta(days=1)
    return today - timedelta(days=days.initial)


def _mark(read: ParentsRead, known: Known, parents: Sequence[Parent]) -> None:
    """Remember parents that were answered for, or surely are gone."""
    for parent in parents:
        known.read_whole(parent)
        read.whole.append(parent.id)


def _part_of(stream: Stream, each: FromStream, parent: Parent) -> Part | None:
    """Return what a parent is asked with; ``None`` where it is of a kind that is not asked for."""
    variables = {each.variable: parent.id}
    if stream.choice is None:
        return Part(variables, given=parent.known)
    kind = str(parent.known.get(stream.choice.column) or "")
    params = stream.choice.params.get(kind)
    return None if params is None else Part(variables, dict(params), parent.known, kind)
