"""Syncs that a person or n8n asks for: written as rows, which become one Dagster run a shard.

A request goes ``pending`` → ``running`` → ``completed`` or ``failed``; its runs go ``waiting`` →
``started`` → ``completed`` or ``failed``. One that finds no account to sync fails without any run.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.database import AnyRow, Database, utc_now
from resources.errors import InputRefused
from resources.events import Source
from resources.names import known_accounts
from resources.provider import Provider
from resources.tables import ConnectedAccount, Org, RequestedRun, RequestedSync

AT_ONCE = 200
OPEN_RUNS = ("waiting", "started")
NOBODY = "No account that could be synced is left of what was asked for. Connect one in the console."


@dataclass(frozen=True)
class SyncWish:
    """What a sync is asked for; everything of the provider where nothing is said.

    ``days`` are the first and the last, of streams with a history by the day.
    """

    provider: Provider
    streams: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()
    accounts: tuple[uuid.UUID, ...] = ()
    full: bool = False
    only_failed: bool = False
    days: tuple[date, date] | None = None

    @property
    def wanted_streams(self) -> tuple[str, ...]:
        """The streams that were named; where days were and no streams, those that have days."""
        if self.streams or self.days is None:
            return self.streams
        return tuple(stream.name for stream in self.provider.streams if stream.days and not stream.optional)


def ask(
    connection: sa.Connection,
    wish: SyncWish,
    *,
    source: Source,
    actor: str,
    request_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Write a pending request in the caller's transaction and return its id.

    Raise ``InputRefused`` for a stream, org or account that does not exist, an account that is not
    connected, and days that no such stream has.
    """
    _refuse_streams(wish)
    states = known_accounts(connection, wish.provider, wish.orgs, wish.accounts)
    for account_id, state in states.items():
        if state != "connected":
            problem = f"{account_id} is {state.replace('_', ' ')}"
            raise InputRefused("account", problem, "connect it in the console")
    request_id = request_id or uuid.uuid4()
    values = {**_values(wish), "source": source, "requested_by": actor, "created_at": utc_now()}
    connection.execute(sa.insert(RequestedSync).values(id=request_id, status="pending", **values))
    audit.record(connection, actor, "sync.asked", f"{wish.provider.name}/{request_id}", orgs=list(wish.orgs))
    return request_id


def _refuse_streams(wish: SyncWish) -> None:
    known = [stream.name for stream in wish.provider.streams]
    if unknown := [name for name in wish.streams if name not in known]:
        raise InputRefused("stream", f"{unknown[0]!r} is unknown", f"use some of {', '.join(known)}")
    if wish.days is None:
        return
    having = [stream.name for stream in wish.provider.streams if stream.days]
    if not having:
        problem = f"no stream of {wish.provider.title} has a history by the day"
        raise InputRefused("from", problem, "leave from and to out, or use full to read all there is")
    if without := [name for name in wish.streams if name not in having]:
        problem = f"{', '.join(without)} has no history by the day"
        raise InputRefused("from", problem, f"name some of {', '.join(having)}, or no stream")
    if wish.days[0] > wish.days[1]:
        raise InputRefused("from", "is after `to`", "give the earlier day first")


def _values(wish: SyncWish) -> dict[str, Any]:
    first, last = wish.days or (None, None)
    return {
        "provider": wish.provider.name,
        "orgs": list(wish.orgs),
        "accounts": [str(account) for account in wish.accounts],
        "streams": list(wish.wanted_streams),
        "full": wish.full,
        "only_failed": wish.only_failed,
        "first_day": first,
        "last_day": last,
    }


def plan_pending(database: Database, shards: int) -> None:
    """Give each pending request its runs, one for every shard that has an account of it."""
    pending = sa.select(RequestedSync).where(RequestedSync.status == "pending")
    with database.read() as connection:
        if connection.execute(pending.limit(1)).first() is None:
            return
    with database.write() as connection:
        oldest = pending.order_by(RequestedSync.created_at).limit(AT_ONCE)
        for row in connection.execute(oldest.with_for_update(skip_locked=True)).all():
            numbers = sorted(connection.execute(_shards_of(row, shards)).scalars())
            runs = [{"request_id": row.id, "shard": f"{number:03d}"} for number in numbers]
            if runs:
                connection.execute(sa.insert(RequestedRun).values(status="waiting"), runs)
            _move(connection, row.id, *(("running", None) if runs else ("failed", NOBODY)))


def _shards_of(request: AnyRow, shards: int) -> sa.Select[Any]:
    account = ConnectedAccount
    query = sa.select((account.shard_hash % shards).label("shard")).distinct()
    query = query.where(account.provider == request.provider, account.status == "connected")
    if request.orgs:
        query = query.where(account.org_id.in_(sa.select(Org.id).where(Org.slug.in_(request.orgs))))
    if request.accounts:
        query = query.where(account.id.in_([uuid.UUID(one) for one in request.accounts]))
    if request.only_failed:
        query = query.where(account.sync_status.in_(("failed", "partial", "running")))
    return query


def _move(connection: sa.Connection, request_id: uuid.UUID, status: str, error: str | None) -> None:
    ended = None if status == "running" else utc_now()
    mine = sa.update(RequestedSync).where(RequestedSync.id == request_id)
    connection.execute(mine.values(status=status, error_message=error, completed_at=ended))


def open_runs(
    database: Database, status: str, provider: Provider | None = None, except_shards: Collection[str] = ()
) -> list[AnyRow]:
    """Return the runs of requests that are ``waiting`` or ``started``, the longest asked for first."""
    run, request = RequestedRun, RequestedSync
    query = sa.select(request, run.shard, run.run_id).join(run, run.request_id == request.id)
    query = query.where(run.status == status, run.shard.not_in(except_shards))
    if provider is not None:
        query = query.where(request.provider == provider.name)
    with database.read() as connection:
        order = (request.created_at, request.id, run.shard)
        return list(connection.execute(query.order_by(*order).limit(AT_ONCE)).all())


def note_run(database: Database, request_id: uuid.UUID, shard: str, status: str, run_id: str | None) -> None:
    """Store what became of a run; its request ends with the last of them."""
    run = RequestedRun
    ended = None if status in OPEN_RUNS else utc_now()
    with database.write() as connection:
        mine = (run.request_id == request_id) & (run.shard == shard)
        values = {"status": status, "run_id": run_id, "ended_at": ended}
        connection.execute(sa.update(run).where(mine).values(**values))
        query = sa.select(run.status).where(run.request_id == request_id)
        states = connection.execute(query.with_for_update()).scalars().all()
        if not set(states) & set(OPEN_RUNS):
            _move(connection, request_id, *_end(states))


def _end(states: Sequence[str]) -> tuple[str, str | None]:
    failed = states.count("failed")
    if not failed:
        return "completed", None
    return "failed", f"{failed} of {len(states)} runs failed. Open them in Dagster; each says why."
