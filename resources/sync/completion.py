"""Completion: the events of orgs whose last account a transaction just wrote."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources.errors import GrantExpired
from resources.events import Event, event_id, stamp, told_before
from resources.sync.request import SyncRequest
from resources.tables import ConnectedAccount, SyncResult

NAMED_ERRORS = 100


def completion_events(
    connection: sa.Connection, request: SyncRequest, org_ids: Sequence[uuid.UUID], now: datetime
) -> list[Event]:
    """Return each org's ``data.synced`` and, where accounts failed, its ``error.occurred``.

    Both count what ``sync_results`` holds of the run and of the one it takes up, in the caller's
    transaction.
    """
    if not org_ids:
        return []
    latest = _latest(request, org_ids)
    streams = _streams(connection, latest)
    accounts = _accounts(connection, latest)
    errors, skipped = _errors(connection, latest), _skipped(connection, request, org_ids)
    told = told_before(
        connection, (request.root_run_id, request.run_id), org_ids, request.provider.name, "data.synced"
    )
    events = []
    for org_id in org_ids:
        if org_id not in accounts:  # none of its accounts was asked for: there is nothing to tell
            continue
        total, failed, started_at = accounts[org_id]
        named = errors[org_id][:NAMED_ERRORS]
        payload = {
            "runId": request.run_id,
            "accounts": {"synced": total - failed, "failed": failed, "skipped": skipped[org_id]},
            "streams": streams[org_id],
            "errors": named,
            "errorsOmitted": len(errors[org_id]) - len(named),
            "startedAt": stamp(started_at),
            "finishedAt": stamp(now),
        }
        chain = request.run_id if org_id in told else request.root_run_id
        events.append(_event(request, org_id, chain, "data.synced", payload, now))
        alert = _alert(request, errors[org_id])
        if alert:
            events.append(_event(request, org_id, chain, "error.occurred", alert, now))
    return events


def _event(  # noqa: PLR0913, PLR0917  # the parts of an event
    request: SyncRequest, org_id: uuid.UUID, chain: str, kind: Any, payload: dict[str, Any], now: datetime
) -> Event:
    return Event(
        id=event_id(chain, org_id, request.provider.name, kind),
        type=kind,
        provider=request.provider.name,
        org_id=org_id,
        payload=payload,
        created_at=now,
        source=request.source,
        run_id=request.root_run_id,
    )


def _alert(request: SyncRequest, errors: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    """Return the alert about failed accounts; an expired grant has raised its own already."""
    telling = [error for error in errors if error["error"] != GrantExpired.code]
    if not telling:
        return None
    accounts = {error["accountId"] for error in telling}
    first = telling[0]
    return {
        "error": first["error"],
        "message": f"{len(accounts)} {request.provider.title} account(s) failed; first: {first['message']}",
        "cure": "See the account in the console; the next sync tries again.",
        "accountId": first["accountId"] if len(accounts) == 1 else None,
        "runId": request.run_id,
        "accounts": {"failed": len(accounts)},
        "errors": list(telling[:NAMED_ERRORS]),
    }


def _latest(request: SyncRequest, org_ids: Sequence[uuid.UUID]) -> sa.Subquery:
    """Return the newest result of each account and stream under the root run."""
    newest = sa.func.row_number().over(
        partition_by=(SyncResult.account_id, SyncResult.asset), order_by=SyncResult.finished_at.desc()
    )
    ranked = (
        sa.select(SyncResult, newest.label("age"))
        .where(SyncResult.root_run_id == request.root_run_id, SyncResult.org_id.in_(org_ids))
        .subquery()
    )
    return sa.select(ranked).where(ranked.c.age == 1).subquery()


def _streams(connection: sa.Connection, latest: sa.Subquery) -> dict[uuid.UUID, dict[str, dict[str, int]]]:
    totals = [sa.func.sum(latest.c[name]).label(name) for name in ("records", "rejected", "deleted")]
    query = sa.select(latest.c.org_id, latest.c.asset, *totals).group_by(latest.c.org_id, latest.c.asset)
    found: dict[uuid.UUID, dict[str, dict[str, int]]] = defaultdict(dict)
    for row in connection.execute(query.order_by(latest.c.asset)):
        name = row.asset.partition("/")[2]
        counts = {"records": row.records, "rejected": row.rejected, "deleted": row.deleted}
        found[row.org_id][name] = {key: int(value) for key, value in counts.items()}
    return found


def _accounts(connection: sa.Connection, latest: sa.Subquery) -> dict[uuid.UUID, tuple[int, int, datetime]]:
    """Return each org's accounts, those with a failed stream, and when the first started."""
    failed = sa.case((latest.c.status == "failed", latest.c.account_id))
    query = sa.select(
        latest.c.org_id,
        sa.func.count(sa.distinct(latest.c.account_id)),
        sa.func.count(sa.distinct(failed)),
        sa.func.min(latest.c.started_at, type_=SyncResult.started_at.type),
    ).group_by(latest.c.org_id)
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)}


def _errors(connection: sa.Connection, latest: sa.Subquery) -> dict[uuid.UUID, list[dict[str, str]]]:
    """Return each org's failed accounts, one error an account and class."""
    columns = (latest.c.org_id, latest.c.account_id, latest.c.error_type)
    query = (
        sa.select(*columns, sa.func.min(latest.c.error_message).label("message"))
        .where(latest.c.status == "failed")
        .group_by(*columns)
        .order_by(*columns)
    )
    found: dict[uuid.UUID, list[dict[str, str]]] = defaultdict(list)
    for row in connection.execute(query):
        error = {"accountId": str(row.account_id), "error": row.error_type, "message": row.message}
        found[row.org_id].append(error)
    return found


def _skipped(
    connection: sa.Connection, request: SyncRequest, org_ids: Sequence[uuid.UUID]
) -> Counter[uuid.UUID]:
    """Count each org's accounts that no sync tries until a person reconnects them."""
    account = ConnectedAccount
    query = (
        sa.select(account.org_id, sa.func.count())
        .where(account.org_id.in_(org_ids), account.provider == request.provider.name)
        .where(account.status == "needs_reconnect")
        .where(
            ~sa.exists().where(
                SyncResult.account_id == account.id, SyncResult.root_run_id == request.root_run_id
            )
        )
        .group_by(account.org_id)
    )
    return Counter({row[0]: row[1] for row in connection.execute(query)})
