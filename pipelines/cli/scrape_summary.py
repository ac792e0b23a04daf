"""What `backline scrape` says at its end, from what its run left in ``scraper_visits``."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa

from resources.backline import Backline
from resources.database import AnyRow
from resources.reading.verdict import ABSENCES, Outcome
from resources.tables import ScraperJob, ScraperVisit

NAMED_FAILURES = 20


def summarise(backline: Backline, job_id: uuid.UUID, run_id: str) -> dict[str, Any]:
    """Return the run's outcomes by kind of page, and the pages that gave no reading."""
    with backline.database.read() as connection:
        job = connection.execute(sa.select(ScraperJob).where(ScraperJob.id == job_id)).one()
        pages = [dict(row) for row in connection.execute(_pages(run_id)).mappings()]
        failures = [_named(row) for row in connection.execute(_failures(run_id))]
    return {
        "ok": job.status == "completed" and not failures and not (job.results or {}).get("deferred"),
        "job": str(job_id),
        "status": job.status,
        "error": job.error_message,
        "run": run_id,
        "pages": pages,
        "failures": failures,
    }


def _pages(run_id: str) -> sa.Select[*tuple[Any, ...]]:
    visit = ScraperVisit
    mean = sa.cast(sa.func.avg(visit.duration_ms), sa.BigInteger).label("mean_ms")
    return (
        sa.select(visit.page, visit.outcome, visit.way, sa.func.count().label("pages"), mean)
        .where(visit.run_id == run_id, visit.account_id.is_not(None))
        .group_by(visit.page, visit.outcome, visit.way)
        .order_by(visit.page, visit.outcome)
    )


def _named(row: AnyRow) -> dict[str, Any]:
    subject = row.subject if row.account_id else f"{row.subject} (canary)"
    return {"page": row.page, "subject": subject, "outcome": row.outcome, "detail": row.detail}


def _failures(run_id: str) -> sa.Select[*tuple[Any, ...]]:
    visit = ScraperVisit
    fine = (Outcome.READING.value, *(absence.value for absence in ABSENCES))
    return (
        sa.select(visit.page, visit.subject, visit.account_id, visit.outcome, visit.detail)
        .where(visit.run_id == run_id, visit.outcome.not_in(fine))
        .order_by(visit.page, visit.subject)
        .limit(NAMED_FAILURES)
    )
