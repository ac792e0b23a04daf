"""Committing what was read: rows, cursors, results and events of an account together or not at all.

Accounts that are ready at the same moment share one transaction, which costs a twentieth of one
each (``docs/decisions/0004-group-commit.md``). An account whose rows the database refuses is
committed alone and, if refused again, as failed, so that it takes no other with it.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from resources.bulk import among, upsert
from resources.database import Database, is_passing, utc_now
from resources.errors import AccountThrottled, Unexpected
from resources.events import write_events
from resources.provider import Stream
from resources.records import Row
from resources.streams import table_of
from resources.sync.completion import completion_events
from resources.sync.passes import AccountPass, StreamPass
from resources.sync.request import SyncRequest
from resources.tables import ConnectedAccount, StreamCursor, SyncResult, WebhookEvent

logger = logging.getLogger(__name__)

TRIES, FIRST_PAUSE_SECONDS = 5, 0.25
RESULT_COLUMNS = tuple(column.name for column in SyncResult.__table__.columns)
CURSOR_COLUMNS = ("account_id", "stream", "cursor", "updated_at")


class Writer:
    """Commits the passes of one run; called by one thread at a time."""

    def __init__(self, database: Database, request: SyncRequest) -> None:
        self._database, self._request = database, request

    def commit(self, passes: Sequence[tuple[AccountPass, bool]]) -> int:
        """Commit passes, each with whether its org is finished by it; return how many events were written."""
        try:
            return self._transaction(passes)
        except (DBAPIError, ArithmeticError, ValueError) as error:
            if isinstance(error, DBAPIError) and is_passing(error):
                raise  # the database is out of order, not the rows
            if len(passes) > 1:
                return sum(self.commit([one]) for one in passes)
            logger.exception("The database refused the rows of account %s.", passes[0][0].account.id)
            return self._transaction([(self._without_rows(passes[0][0], error), passes[0][1])])

    def complete_rest(self) -> int:
        """Tell of the orgs that are untold though none of their accounts is left to sync.

        Their last account may have needed reconnection before its result was committed, or the run began
        in the middle of them.
        """
        told = sa.exists().where(
            WebhookEvent.org_id == SyncResult.org_id,
            WebhookEvent.run_id == self._request.root_run_id,
            WebhookEvent.event_type == "data.synced",
        )
        untold = sa.select(SyncResult.org_id).distinct()
        untold = untold.where(SyncResult.root_run_id == self._request.root_run_id, ~told)
        with self._database.write() as connection:
            org_ids = connection.execute(untold).scalars().all()
            events = completion_events(connection, self._request, org_ids, utc_now())
            write_events(connection, events)
        return len(events)

    def _without_rows(self, account: AccountPass, error: Exception) -> AccountPass:
        fault = error.orig if isinstance(error, DBAPIError) else error
        problem = f"the database refused the rows ({type(fault).__name__})"
        for stream in account.streams:
            stream.rows.keep(0)
            stream.error, stream.complete = Unexpected(self._request.provider.name, problem), False
            stream.cursor, stream.deleted = {}, 0
        return account

    def _transaction(self, passes: Sequence[tuple[AccountPass, bool]]) -> int:
        for attempt in range(TRIES):
            try:
                with self._database.write() as connection:
                    return self._write(connection, passes)
            except DBAPIError as error:
                if not is_passing(error) or attempt + 1 == TRIES:
                    raise
                logger.warning("The database is busy or gone (%s); trying again.", type(error.orig).__name__)
                time.sleep(FIRST_PAUSE_SECONDS * 4**attempt)
        raise AssertionError("unreachable: the last try returns or raises")

    def _write(self, connection: sa.Connection, passes: Sequence[tuple[AccountPass, bool]]) -> int:
        now = utc_now()
        _restore(connection, [account for account, _ in passes if account.deferred])
        accounts = [account for account, _ in passes if not account.deferred]
        for stream in self._request.streams:
            parts = [
                (account, part) for account in accounts for part in account.streams if part.stream is stream
            ]
            self._write_stream(connection, stream, parts, now)
        upsert(connection, StreamCursor.__table__, CURSOR_COLUMNS, _cursor_rows(accounts, now))  # type: ignore[arg-type]
        upsert(connection, SyncResult.__table__, RESULT_COLUMNS, self._result_rows(accounts))  # type: ignore[arg-type]
        _mark_accounts(connection, accounts, now)
        finished = [account.account.org_id for account, finishes_org in passes if finishes_org]
        events = completion_events(connection, self._request, finished, now)
        write_events(connection, events)
        return len(events)

    def _write_stream(
        self,
        connection: sa.Connection,
        stream: Stream,
        parts: Sequence[tuple[AccountPass, StreamPass]],
        now: datetime,
    ) -> None:
        table = table_of(self._request.provider, stream)
        columns = ("account_id", *(column.name for column in stream.reader.columns))
        if any(len(part.rows) for _, part in parts):
            upsert(connection, table, columns, _owned(parts), same={"synced_at": now, "deleted_at": None})
        if not stream.is_history:
            _mark_deleted(connection, table, parts, now)

    def _result_rows(self, accounts: Iterable[AccountPass]) -> Iterable[Row]:
        for account in accounts:
            for part in account.streams:
                error_type, error_message = part.trouble or (None, None)
                values = {
                    "run_id": self._request.run_id,
                    "asset": self._request.asset(part.stream),
                    "account_id": account.account.id,
                    "root_run_id": self._request.root_run_id,
                    "org_id": account.account.org_id,
                    "status": part.status,
                    "complete": part.complete,
                    "records": len(part.rows),
                    "rejected": part.rejected,
                    "deleted": part.deleted,
                    "requests": part.usage.requests,
                    "started_at": part.started_at,
                    "finished_at": part.finished_at,
                    "error_type": error_type,
                    "error_message": error_message,
                }
                yield tuple(values[name] for name in RESULT_COLUMNS)


def _owned(parts: Iterable[tuple[AccountPass, StreamPass]]) -> Iterable[Row]:
    for account, part in parts:
        account_id = account.account.id.hex
        for row in part.rows:
            yield (account_id, *row)


def _cursor_rows(accounts: Iterable[AccountPass], now: datetime) -> Iterable[Row]:
    for account in accounts:
        for part in account.streams:
            if part.has_progress:
                yield account.account.id, part.stream.name, msgspec.json.encode(part.cursor).decode(), now


def _mark_deleted(
    connection: sa.Connection, table: sa.Table, parts: Iterable[tuple[AccountPass, StreamPass]], now: datetime
) -> None:
    """Mark rows that were looked for and not met, unless another run met them meanwhile.

    Rows of a parent are looked for where that parent was read whole; rows of parents that are gone
    where all parents are known; other rows where the whole stream was read.
    """
    whole: dict[uuid.UUID, StreamPass] = {}
    for account, part in parts:
        if part.parents is None:
            if part.complete:
                whole[account.account.id] = part
        elif part.stream.each is not None:
            mine, parent = table.c.account_id == account.account.id, table.c[part.stream.each.variable]
            looked_for = among(connection, parent, part.parents.whole)
            if part.complete:
                looked_for = sa.or_(looked_for, ~among(connection, parent, part.parents.current))
            part.deleted = _delete(connection, table, mine & looked_for, now, part.started_at).total()
    if whole:
        since = min(part.started_at for part in whole.values())
        counts = _delete(connection, table, table.c.account_id.in_(list(whole)), now, since)
        for account_id, part in whole.items():
            part.deleted = counts[account_id]


def _delete(
    connection: sa.Connection,
    table: sa.Table,
    looked_for: sa.ColumnElement[bool],
    now: datetime,
    started_at: datetime,
) -> Counter[uuid.UUID]:
    statement = (
        sa.update(table)
        .where(looked_for, table.c.deleted_at.is_(None), table.c.synced_at < started_at)
        .values(deleted_at=now)
        .returning(table.c.account_id)
    )
    return Counter(connection.execute(statement).scalars())


def _restore(connection: sa.Connection, accounts: Sequence[AccountPass]) -> None:
    """Let accounts that were not asked for be as they were before the run."""
    before: dict[str, list[uuid.UUID]] = defaultdict(list)
    for account in accounts:
        before[account.account.sync_status].append(account.account.id)
    for state, ids in before.items():
        mine = ConnectedAccount.id.in_(ids) & (ConnectedAccount.sync_status == "running")
        connection.execute(sa.update(ConnectedAccount).where(mine).values(sync_status=state))


def _mark_accounts(connection: sa.Connection, accounts: Iterable[AccountPass], now: datetime) -> None:
    statement = (
        sa.update(ConnectedAccount)
        .where(ConnectedAccount.id == sa.bindparam("account"))
        .values(
            sync_status=sa.bindparam("state"),
            last_sync_at=sa.func.coalesce(
                sa.bindparam("synced_at", type_=ConnectedAccount.last_sync_at.type),
                ConnectedAccount.last_sync_at,
            ),
            error_type=sa.bindparam("error"),
            error_message=sa.bindparam("message"),
            retry_at=sa.bindparam("later", type_=ConnectedAccount.retry_at.type),
        )
    )
    rows: list[dict[str, Any]] = [
        {
            "account": account.account.id,
            "state": account.status,
            "synced_at": None if account.status == "failed" else now,
            "error": account.trouble[0] if account.trouble else None,
            "message": account.trouble[1] if account.trouble else None,
            "later": account.error.retry_at if isinstance(account.error, AccountThrottled) else None,
        }
        for account in accounts
    ]
    if rows:
        connection.execute(statement, rows)
