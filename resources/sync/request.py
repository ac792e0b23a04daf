"""What a run is asked to sync, and the accounts that this means."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from resources.database import AnyRow, Database, utc_now
from resources.events import Source
from resources.grants import GRANT_COLUMNS
from resources.provider import Provider, Stream
from resources.sync.passes import Account
from resources.tables import ConnectedAccount, Grant, Org, StreamCursor, SyncPosition, SyncResult

CHUNK_ACCOUNTS = 500


@dataclass(frozen=True)
class SyncRequest:
    """One run's work: these streams of these accounts of one shard.

    ``root_run_id`` differs from ``run_id`` where the run takes up one that did not finish; what that
    one committed is not repeated. ``days`` are the first and the last day, where a person asked for some.
    ``again`` are ids of parents (videos, posts) that are read again whenever they were read last: of them
    there is news.
    """

    provider: Provider
    streams: tuple[Stream, ...]
    run_id: str
    root_run_id: str
    shard: int = 0
    shards: int = 1
    orgs: tuple[str, ...] = ()
    accounts: tuple[uuid.UUID, ...] = ()
    only_failed: bool = False
    full: bool = False
    days: tuple[date, date] | None = None
    again: frozenset[str] = frozenset()
    source: Source = "api"

    @property
    def shard_name(self) -> str:
        """The shard as `sync_positions` names it."""
        return f"{self.shard}/{self.shards}"

    @property
    def is_of_all(self) -> bool:
        """Whether every stream of every account of the shard is meant, as schedules do."""
        is_part = len(self.streams) < len(self.provider.streams) or self.days is not None
        return not (
            is_part or self.orgs or self.accounts or self.only_failed or self.root_run_id != self.run_id
        )

    def asset(self, stream: Stream) -> str:
        """Return the stream's name in ``sync_results``."""
        return f"{self.provider.name}/{stream.name}"


@dataclass(frozen=True)
class Position:
    """The account at which a run stopped."""

    org_id: uuid.UUID
    account_id: uuid.UUID


@dataclass(frozen=True)
class Candidate:
    """An account to be synced and its sealed grant.

    ``place`` is its place in the run's order; ``is_last`` says that its org ends with it.
    """

    account: Account
    grant: AnyRow
    place: int
    is_last: bool

    @property
    def position(self) -> Position:
        """Where a run that stops at it is gone on with."""
        return Position(self.account.org_id, self.account.id)


def candidates(database: Database, request: SyncRequest) -> Iterator[Candidate]:
    """Yield the run's accounts org by org, read in chunks, so that memory does not grow with them.

    Each chunk is marked ``running``; its results overwrite that, and a run that dies leaves it to the
    sensor that closes dead runs. Where the last run did not reach all, this one begins where it stopped;
    accounts before that, also those of the same org, come at the end.
    """
    start = position_of(database, request)
    held: Candidate | None = None
    for place, (row, cursors) in enumerate(_rows(database, request, start)):
        if held is not None:
            is_last = held.account.org_id != row.org_id and not _is_split(held, start)
            yield replace(held, is_last=is_last)
        held = Candidate(_account(row, cursors), row, place, is_last=True)
    if held is not None:
        yield held


def _is_split(candidate: Candidate, start: Position | None) -> bool:
    """Say whether the rest of an account's org comes at the end of the run."""
    account = candidate.account
    return start is not None and account.org_id == start.org_id and account.id >= start.account_id


def _account(row: AnyRow, cursors: dict[str, dict[str, Any]]) -> Account:
    return Account(
        id=row.account_id,
        org_id=row.org_id,
        org_slug=row.org_slug,
        name=row.display_name,
        external_id=row.external_id,
        sync_status=row.sync_status,
        config=row.provider_config,
        scopes=row.scopes,
        cursors=cursors,
    )


def _rows(
    database: Database, request: SyncRequest, start: Position | None
) -> Iterator[tuple[AnyRow, dict[str, dict[str, Any]]]]:
    if start is None:
        yield from _rows_where(database, request, sa.true())
        return
    place = sa.tuple_(ConnectedAccount.org_id, ConnectedAccount.id)
    where = sa.tuple_(sa.literal(start.org_id, sa.Uuid), sa.literal(start.account_id, sa.Uuid))
    yield from _rows_where(database, request, place >= where)
    yield from _rows_where(database, request, place < where)


def _rows_where(
    database: Database, request: SyncRequest, which: sa.ColumnElement[bool]
) -> Iterator[tuple[AnyRow, dict[str, dict[str, Any]]]]:
    after: AnyRow | None = None
    while True:
        with database.write() as connection:
            rows = connection.execute(_query(request, after).where(which)).all()
            ids = [row.account_id for row in rows]
            cursors = _cursors(connection, request, ids)
            running = sa.update(ConnectedAccount).where(ConnectedAccount.id.in_(ids))
            connection.execute(running.values(sync_status="running"))
        yield from ((row, cursors[row.account_id]) for row in rows)
        if len(rows) < CHUNK_ACCOUNTS:
            return
        after = rows[-1]


def position_of(database: Database, request: SyncRequest) -> Position | None:
    """Return where the last run of all accounts stopped, where it did not reach all."""
    if not request.is_of_all:
        return None
    query = sa.select(SyncPosition.org_id, SyncPosition.account_id).where(*_of_shard(request))
    with database.read() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else Position(row.org_id, row.account_id)


def keep_position(database: Database, request: SyncRequest, position: Position | None) -> None:
    """Remember where the next run of all accounts begins; ``None`` where this one reached all."""
    if not request.is_of_all:
        return
    with database.write() as connection:
        connection.execute(sa.delete(SyncPosition).where(*_of_shard(request)))
        if position is not None:
            values = {"provider": request.provider.name, "shard": request.shard_name, **vars(position)}
            connection.execute(sa.insert(SyncPosition).values(**values, updated_at=utc_now()))


def _of_shard(request: SyncRequest) -> tuple[sa.ColumnElement[bool], ...]:
    return SyncPosition.provider == request.provider.name, SyncPosition.shard == request.shard_name


def count_accounts(database: Database, request: SyncRequest) -> int:
    """Return how many accounts a run will be asked to sync."""
    matching = _query(request, None).order_by(None).limit(None).subquery()
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(matching)).scalar_one()


def _query(request: SyncRequest, after: AnyRow | None) -> sa.Select[Any]:
    account = ConnectedAccount
    query = (
        sa.select(
            account.org_id,
            Org.slug.label("org_slug"),
            *(account.display_name, account.external_id, account.sync_status),
            account.provider_config,
            Grant.scopes,
            *GRANT_COLUMNS,
        )
        .join(Org, Org.id == account.org_id)
        .join(Grant, Grant.account_id == account.id)
        .where(account.provider == request.provider.name, account.status == "connected")
        .where(account.shard_hash % request.shards == request.shard)
        .where(sa.or_(account.retry_at.is_(None), account.retry_at <= utc_now()))
        .order_by(account.org_id, account.id)
        .limit(CHUNK_ACCOUNTS)
    )
    if request.orgs:
        query = query.where(Org.slug.in_(request.orgs))
    if request.accounts:
        query = query.where(account.id.in_(request.accounts))
    if request.only_failed:
        query = query.where(account.sync_status.in_(("failed", "partial", "running")))
    if request.root_run_id != request.run_id:
        query = query.where(~_committed(request))
    if after is not None:
        query = query.where(sa.tuple_(account.org_id, account.id) > sa.tuple_(after.org_id, after.account_id))
    return query


def _committed(request: SyncRequest) -> sa.ColumnElement[bool]:
    """Say whether the chain of runs that this one continues has committed an account, all streams of it."""
    result, later = SyncResult, aliased(SyncResult)
    mine = sa.exists().where(
        result.root_run_id == request.root_run_id,
        result.account_id == ConnectedAccount.id,
        result.asset.in_([request.asset(stream) for stream in request.streams]),
    )
    mended = sa.exists().where(
        later.root_run_id == result.root_run_id,
        later.account_id == result.account_id,
        later.asset == result.asset,
        later.finished_at > result.finished_at,
        later.status != "failed",
    )
    return mine & ~mine.where(result.status == "failed", ~mended)


def _cursors(
    connection: sa.Connection, request: SyncRequest, account_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, dict[str, dict[str, Any]]]:
    query = sa.select(StreamCursor.account_id, StreamCursor.stream, StreamCursor.cursor).where(
        StreamCursor.account_id.in_(account_ids),
        StreamCursor.stream.in_([stream.name for stream in request.streams]),
    )
    found: dict[uuid.UUID, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in connection.execute(query):
        found[row.account_id][row.stream] = row.cursor
    return found
