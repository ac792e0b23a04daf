"""What a run is asked to sync, and the accounts that this means."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from resources.database import AnyRow, Database
from resources.events import Source
from resources.provider import Provider, Stream
from resources.sync.passes import Account
from resources.tables import ConnectedAccount, Grant, Org, StreamCursor, SyncResult

CHUNK_ACCOUNTS = 500


@dataclass(frozen=True)
class SyncRequest:
    """One run's work: these streams of these accounts of one shard.

    ``root_run_id`` differs from ``run_id`` where the run takes up one that did not finish; what that
    one committed is not repeated.
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
    source: Source = "api"

    def asset(self, stream: Stream) -> str:
        """Return the stream's name in ``sync_results``."""
        return f"{self.provider.name}/{stream.name}"


@dataclass(frozen=True)
class Candidate:
    """An account to be synced and its sealed grant; ``is_last`` where its org ends with it."""

    account: Account
    grant: AnyRow
    is_last: bool


def candidates(database: Database, request: SyncRequest) -> Iterator[Candidate]:
    """Yield the run's accounts org by org, read in chunks, so that memory does not grow with them.

    Each chunk is marked ``running``; its results overwrite that, and a run that dies leaves it to the
    sensor that closes dead runs.
    """
    held: Candidate | None = None
    for row, cursors in _rows(database, request):
        if held is not None:
            yield Candidate(held.account, held.grant, is_last=held.account.org_id != row.org_id)
        held = Candidate(_account(row, cursors), row, is_last=True)
    if held is not None:
        yield held


def _account(row: AnyRow, cursors: dict[str, dict[str, Any]]) -> Account:
    return Account(
        id=row.account_id,
        org_id=row.org_id,
        org_slug=row.org_slug,
        name=row.display_name,
        config=row.provider_config,
        scopes=row.scopes,
        cursors=cursors,
    )


def _rows(database: Database, request: SyncRequest) -> Iterator[tuple[AnyRow, dict[str, dict[str, Any]]]]:
    after: AnyRow | None = None
    while True:
        with database.write() as connection:
            rows = connection.execute(_query(request, after)).all()
            ids = [row.account_id for row in rows]
            cursors = _cursors(connection, request, ids)
            running = sa.update(ConnectedAccount).where(ConnectedAccount.id.in_(ids))
            connection.execute(running.values(sync_status="running"))
        yield from ((row, cursors[row.account_id]) for row in rows)
        if len(rows) < CHUNK_ACCOUNTS:
            return
        after = rows[-1]


def _query(request: SyncRequest, after: AnyRow | None) -> sa.Select[Any]:
    account = ConnectedAccount
    query = (
        sa.select(
            account.id.label("account_id"),
            account.org_id,
            Org.slug.label("org_slug"),
            account.display_name,
            account.provider_config,
            *(getattr(Grant, name) for name in ("sealed", "key_id", "scopes", "expires_at", "generation")),
        )
        .join(Org, Org.id == account.org_id)
        .join(Grant, Grant.account_id == account.id)
        .where(account.provider == request.provider.name, account.status == "connected")
        .where(account.shard_hash % request.shards == request.shard)
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
