"""Completion of scrapes: ``scraper.completed`` of orgs whose last page was read or given up."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources.events import Event, event_id, told_before
from resources.reading.verdict import Outcome
from resources.scraping.request import ScrapeRequest
from resources.tables import ScraperVisit


def completion_events(
    connection: sa.Connection, request: ScrapeRequest, org_ids: Sequence[uuid.UUID], now: datetime
) -> list[Event]:
    """Return each org's ``scraper.completed``, counted from its visits, in the caller's transaction."""
    counts = _counts(connection, request, org_ids)
    told = told_before(
        connection, (request.root_run_id, request.run_id), org_ids, request.provider.name, "scraper.completed"
    )
    return [
        _event(
            request, org_id, request.run_id if org_id in told else request.root_run_id, counts[org_id], now
        )
        for org_id in org_ids
        if counts[org_id]
    ]


def _event(
    request: ScrapeRequest, org_id: uuid.UUID, chain: str, outcomes: Counter[str], now: datetime
) -> Event:
    payload = {"runId": request.run_id, "jobId": str(request.job_id), **_sums(outcomes)}
    return Event(
        id=event_id(chain, org_id, request.provider.name, "scraper.completed"),
        type="scraper.completed",
        provider=request.provider.name,
        org_id=org_id,
        payload=payload,
        created_at=now,
        source=request.source,
        run_id=request.root_run_id,
    )


def _sums(outcomes: Counter[str]) -> dict[str, Any]:
    read = outcomes[Outcome.READING]
    return {"outcomes": dict(outcomes), "pages": {"read": read, "failed": outcomes.total() - read}}


def _counts(
    connection: sa.Connection, request: ScrapeRequest, org_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Counter[str]]:
    """Count each org's pages by the newest outcome that the chain of runs met."""
    visit = ScraperVisit
    newest = sa.func.row_number().over(
        partition_by=(visit.account_id, visit.page, visit.subject), order_by=visit.at.desc()
    )
    ranked = (
        sa.select(visit.org_id, visit.outcome, newest.label("age"))
        .where(visit.root_run_id == request.root_run_id, visit.org_id.in_(org_ids))
        .subquery()
    )
    columns = (ranked.c.org_id, ranked.c.outcome)
    query = sa.select(*columns, sa.func.count()).where(ranked.c.age == 1).group_by(*columns)
    found: dict[uuid.UUID, Counter[str]] = defaultdict(Counter)
    for org_id, outcome, count in connection.execute(query):
        found[org_id][outcome] = count
    return found
