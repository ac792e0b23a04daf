"""A run: many accounts at once, at the app's pace, committed as they are ready."""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import httpx
import sqlalchemy as sa

from resources import parking
from resources.backline import Backline
from resources.database import Clock, utc_now
from resources.errors import BucketSpent, BudgetSpent, ParkingError, ProviderError, SealBroken, Unexpected
from resources.grants import GrantKeeper, open_grant
from resources.http import ProviderClient
from resources.oauth import TokenClient
from resources.records import Row
from resources.replies import ReplyDecoder
from resources.streams import table_of
from resources.sync.asking import AccountClient
from resources.sync.passes import AccountPass, StreamPass
from resources.sync.plan import plan_of
from resources.sync.reader import AccountReader, RunParts
from resources.sync.report import StreamReport, SyncReport
from resources.sync.request import (
    CHUNK_ACCOUNTS,
    Candidate,
    SyncRequest,
    candidates,
    keep_position,
    position_of,
)
from resources.sync.shared import Crowd
from resources.sync.writer import Writer
from resources.transport import open_client

logger = logging.getLogger(__name__)

COMMIT_ACCOUNTS, COMMIT_ROWS = 64, 20_000
Progress = Callable[[SyncReport], None]


class SyncEngine:
    """Syncs the accounts of one request.

    ``on_commit`` is called after each commit with the sum so far, ``transport`` replaces the network,
    ``concurrency`` the number of accounts that are under way at once, ``clock`` what the streams are
    read by.
    """

    def __init__(  # noqa: PLR0913  # what a run can be given
        self,
        backline: Backline,
        request: SyncRequest,
        *,
        on_commit: Progress = lambda _: None,
        transport: httpx.AsyncBaseTransport | None = None,
        concurrency: int | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._backline, self._request, self._on_commit = backline, request, on_commit
        self._transport = transport
        together = max(backline.settings.sync_concurrency, _largest_share(request))
        self._concurrency = concurrency or together
        self._decoders = {stream.name: ReplyDecoder(stream) for stream in request.streams}
        self._writer = Writer(backline.database, request)
        self._streams, self._key = request.streams, backline.api_key(request.provider)
        self._parked: ParkingError | None = None
        self._stopped_at: Candidate | None = None
        self._open_accounts: Counter[uuid.UUID] = Counter()
        self._closed_orgs: set[uuid.UUID] = set()
        self._report = SyncReport({stream.name: StreamReport() for stream in request.streams})
        self._crowd = Crowd(self._concurrency)
        shared = {one.name: self._crowd.requests(one.shared.size) for one in request.streams if one.shared}
        self._parts = RunParts(
            request.provider,
            self._stored_parents,
            full=request.full,
            days=request.days,
            again=request.again,
            shared=shared,
            clock=clock,
        )

    async def run(self) -> SyncReport:
        """Sync every account; one that fails is reported, and only a fault of our own raises."""
        try:
            return await self._run()
        except ExceptionGroup as group:  # the first cause names the fault; the rest are its consequences
            cause: Exception = group
            while isinstance(cause, ExceptionGroup):
                cause = cause.exceptions[0]
            raise cause from group

    async def _run(self) -> SyncReport:
        request, database = self._request, self._backline.database
        self._parked = await asyncio.to_thread(parking.current, database, request.provider)
        went_on = await asyncio.to_thread(position_of, database, request) is not None
        await self._tell_plan()
        waiting: asyncio.Queue[Candidate | None] = asyncio.Queue(self._concurrency)
        ready: asyncio.Queue[AccountPass | None] = asyncio.Queue(COMMIT_ACCOUNTS)
        async with open_client(self._concurrency, self._transport) as client, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._commit_all(ready))
            await self._read_all(client, waiting, ready)
            await ready.put(None)
        if went_on or request.root_run_id != request.run_id:
            self._report.events += await asyncio.to_thread(self._writer.complete_rest)
        stopped_at = self._stopped_at.position if self._stopped_at else None
        await asyncio.to_thread(keep_position, database, request, stopped_at)
        return self._report

    async def _tell_plan(self) -> None:
        quota = self._backline.quota(self._request.provider)
        if quota is not None:
            plan = await asyncio.to_thread(plan_of, self._backline.database, self._request, quota)
            self._report.plan = plan
            self._parts = replace(self._parts, thrifty=bool(plan.left_out))
            self._streams = tuple(one for one in self._request.streams if one.name not in plan.left_out)
            logger.info("%s: %s.", self._request.provider.title, plan)

    async def _read_all(
        self,
        client: httpx.AsyncClient,
        waiting: asyncio.Queue[Candidate | None],
        ready: asyncio.Queue[AccountPass | None],
    ) -> None:
        provider, backline = self._request.provider, self._backline
        keeper = GrantKeeper(backline, provider, TokenClient(backline, provider, client))
        by_hand = self._request.source == "manual"
        async with (
            aclosing(backline.limiter(provider)) as limiter,
            aclosing(backline.purse(provider, by_hand=by_hand)) as purse,
            aclosing(self._crowd),
            asyncio.TaskGroup() as readers,
        ):
            await limiter.check()
            self._report.paid = purse.paid
            addresses = backline.api_urls(provider)
            api = ProviderClient(provider.name, provider.api, addresses, client, limiter, purse=purse)
            for _ in range(self._concurrency):
                readers.create_task(self._read_accounts(api, keeper, waiting, ready))
            await self._hand_out(waiting)

    async def _hand_out(self, waiting: asyncio.Queue[Candidate | None]) -> None:
        source: Iterator[Candidate] = candidates(self._backline.database, self._request)
        while chunk := await asyncio.to_thread(lambda: list(itertools.islice(source, CHUNK_ACCOUNTS))):
            for candidate in chunk:
                await waiting.put(candidate)
        for _ in range(self._concurrency):
            await waiting.put(None)

    async def _read_accounts(
        self,
        api: ProviderClient,
        keeper: GrantKeeper,
        waiting: asyncio.Queue[Candidate | None],
        ready: asyncio.Queue[AccountPass | None],
    ) -> None:
        while (candidate := await waiting.get()) is not None:
            self._open_accounts[candidate.account.org_id] += 1
            if candidate.is_last:
                self._closed_orgs.add(candidate.account.org_id)
            self._crowd.enter()
            try:
                result = await self._read_account(api, keeper, candidate)
            finally:
                self._crowd.leave()
            await ready.put(result)
        self._crowd.complete()

    async def _read_account(
        self, api: ProviderClient, keeper: GrantKeeper, candidate: Candidate
    ) -> AccountPass:
        """Read one account; whatever goes wrong is its own."""
        if self._parked is not None and self._parked.retry_at > utc_now():
            return self._deferred(candidate, self._parked)
        try:
            grant = open_grant(self._backline.vault, candidate.grant)
            client = AccountClient(
                candidate.account,
                await keeper.fresh(grant, candidate.account.org_id),
                provider=self._request.provider,
                client=api,
                keeper=keeper,
                decoders=self._decoders,
                key=self._key,
            )
            reader = AccountReader(candidate.account, client, self._parts)
            result = await reader.read(self._streams)
        except ProviderError as error:
            result = self._failed(candidate, error)
        except SealBroken as error:
            result = self._failed(candidate, Unexpected(self._request.provider.name, str(error)))
        except Exception as error:
            logger.exception("Account %s met a fault.", candidate.account.id)
            result = self._failed(candidate, Unexpected(self._request.provider.name, type(error).__name__))
        await self._park_if_asked(candidate, result)
        return result.paid_for()

    def _failed(self, candidate: Candidate, error: ProviderError) -> AccountPass:
        passes = [StreamPass(stream, error=error, complete=False) for stream in self._streams]
        return AccountPass(candidate.account, passes)

    def _deferred(self, candidate: Candidate, stop: ParkingError) -> AccountPass:
        """Leave an account for a later run, because the provider has to be left alone."""
        self._stop_at(candidate, stop)
        return AccountPass(candidate.account, [], deferred=True)

    def _stop_at(self, candidate: Candidate, stop: ParkingError) -> None:
        if self._report.stopped is None or not isinstance(stop, BudgetSpent):  # the provider's word counts
            self._report.stopped = stop
        self._go_on_at(candidate)

    def _go_on_at(self, candidate: Candidate) -> None:
        """Remember the first account, in the run's order, that was not read whole."""
        if self._stopped_at is None or candidate.place < self._stopped_at.place:
            self._stopped_at = candidate

    async def _park_if_asked(self, candidate: Candidate, result: AccountPass) -> None:
        error = result.error
        if any(isinstance(stream.error, BucketSpent) for stream in result.streams):
            self._go_on_at(candidate)
        if not isinstance(error, ParkingError):
            return
        self._stop_at(candidate, error)
        if self._parked is not None and self._parked.retry_at >= error.retry_at:
            return
        self._parked = error
        logger.warning("%s", error)
        if not isinstance(error, BudgetSpent):  # a person may still spend what schedules may not
            await asyncio.to_thread(parking.park, self._backline.database, self._request.provider, error)

    async def _stored_parents(self, account_id: uuid.UUID, stream: str, columns: Sequence[str]) -> list[Row]:
        return await asyncio.to_thread(self._select_parents, account_id, stream, columns)

    def _select_parents(self, account_id: uuid.UUID, stream: str, columns: Sequence[str]) -> list[Row]:
        table = table_of(self._request.provider, self._request.provider.stream(stream))
        query = sa.select(*(table.c[name] for name in columns))
        query = query.where(table.c.account_id == account_id, table.c.deleted_at.is_(None))
        with self._backline.database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]

    async def _commit_all(self, ready: asyncio.Queue[AccountPass | None]) -> None:
        """Commit whatever is ready, as much of it at once as the bounds allow, until the end mark."""
        ended = False
        while not ended:
            first = await ready.get()
            if first is None:
                return
            batch, rows = [first], _rows_of(first)
            while len(batch) < COMMIT_ACCOUNTS and rows < COMMIT_ROWS and not ready.empty():
                following = ready.get_nowait()
                if following is None:
                    ended = True
                    break
                batch.append(following)
                rows += _rows_of(following)
            await self._commit(batch)

    async def _commit(self, batch: list[AccountPass]) -> None:
        passes = [(account, self._finishes_org(account)) for account in batch]
        self._report.events += await asyncio.to_thread(self._writer.commit, passes)
        for account in batch:
            self._report.add(account)
            account.close()
        self._on_commit(self._report)

    def _finishes_org(self, account: AccountPass) -> bool:
        """Count an account down; say whether it is the last of its org in this run."""
        org_id = account.account.org_id
        self._open_accounts[org_id] -= 1
        if self._open_accounts[org_id] or org_id not in self._closed_orgs:
            return False
        del self._open_accounts[org_id]
        self._closed_orgs.remove(org_id)
        return True


def _largest_share(request: SyncRequest) -> int:
    """Return how many accounts must be under way so that shared requests can be full."""
    return max((2 * stream.shared.size for stream in request.streams if stream.shared), default=0)


def _rows_of(account: AccountPass) -> int:
    return sum(len(stream.rows) for stream in account.streams)
