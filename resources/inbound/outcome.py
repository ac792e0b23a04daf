"""What has come of a call so far: read from the sync or the scrape that it asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.database import AnyRow
from resources.tables import RequestedRun, RequestedSync, ScraperJob, SyncResult

OPEN, ENDED = ("accepted", "running"), ("completed", "failed", "refused")
OF_JOB = {"pending": "accepted", "cancelled": "failed"}


@dataclass(frozen=True)
class Outcome:
    """A call's status, with numbers and, where it failed, why."""

    status: str
    results: dict[str, Any]
    error: str | None = None


def outcome_of(connection: sa.Connection, call: AnyRow) -> Outcome | None:
    """Return how a call stands; ``None`` where what it asked for is no longer known."""
    if call.type == "sync.requested":
        return _of_sync(connection, call)
    return _of_scrape(connection, call) if call.type == "scrape.requested" else None


def _of_sync(connection: sa.Connection, call: AnyRow) -> Outcome | None:
    request = connection.execute(sa.select(RequestedSync).where(RequestedSync.id == call.id)).one_or_none()
    if request is None:
        return None
    of_request = sa.select(RequestedRun).where(RequestedRun.request_id == call.id)
    runs = connection.execute(of_request.order_by(RequestedRun.shard)).all()
    results: dict[str, Any] = {"runs": [_run(run.run_id, run.shard, run.status) for run in runs]}
    if request.completed_at is not None:  # counted once: a large sync has many accounts
        results |= _counts(connection, [run.run_id for run in runs if run.run_id])
    return Outcome(_status(request, runs), results, request.error_message)


def _run(run_id: str | None, shard: str | None, status: str) -> dict[str, Any]:
    return {"id": run_id, "shard": shard, "status": status}


def _status(request: AnyRow, runs: Sequence[AnyRow]) -> str:
    if request.status == "failed" and not runs:
        return "refused"
    is_waiting = all(run.status == "waiting" for run in runs)
    return "accepted" if request.status in {"pending", "running"} and is_waiting else str(request.status)


def _counts(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, Any]:
    """Return the accounts that were synced and those that failed, and the records, like ``data.synced``."""
    result = SyncResult
    roots = sa.select(result.root_run_id).where(result.run_id.in_(run_ids))
    has_failed = sa.func.max(sa.case((result.status == "failed", 1), else_=0)).label("failed")
    each = sa.select(has_failed, sa.func.sum(result.records).label("records"))
    account = each.where(result.root_run_id.in_(roots)).group_by(result.account_id).subquery()
    total = sa.select(sa.func.count(), sa.func.sum(account.c.failed), sa.func.sum(account.c.records))
    accounts, failed, records = (
        int(one or 0) for one in connection.execute(total.select_from(account)).one()
    )
    return {"accounts": {"synced": accounts - failed, "failed": failed}, "records": records}


def _of_scrape(connection: sa.Connection, call: AnyRow) -> Outcome | None:
    job = connection.execute(sa.select(ScraperJob).where(ScraperJob.id == call.id)).one_or_none()
    if job is None:
        return None
    status = OF_JOB.get(job.status, job.status)
    error = job.error_message or ("It was stopped by a person." if job.status == "cancelled" else None)
    runs = [_run(job.run_id, None, job.status)] if job.run_id else []
    told = {name: (job.results or {}).get(name) for name in ("total", "done", "outcomes")}
    return Outcome(status, {"runs": runs, "pages": told}, error)
