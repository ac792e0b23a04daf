"""Completion of scrapes: ``scraper.completed`` of orgs whose last page was read or given up."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources.events import Event, EventType, event_id
from resources.reading.verdict import Outcome
from resources.scraping.request import ScrapeRequest
from resources.tables import ScraperVisit, WebhookEvent


def completion_events(
    connection: sa.Connection, request: ScrapeRequest, org_ids: Sequence[uuid.UUID], now: datetime
) -> list[Event]:
    """Return each org's ``scraper.completed``, counted from its visits, in the caller's transaction."""
    counts = _counts(connection, request, org_ids)
    told = _told(connection, request, org_ids)
    return [
        scrape_event(
            request.run_id if org_id in told else request.root_run_id,
            org_id,
            request,
            "scraper.completed",
            {"runId": request.run_id, "jobId": str(request.job_id), **_sums(counts[org_id])},
            now,
        )
        for org_id in org_ids
        if counts[org_id]
    ]


def scrape_event(  # noqa: PLR0913, PLR0917  # the parts of an event
    chain: str,
    org_id: uuid.UUID,
    request: ScrapeRequest,
    kind: EventType,
    payload: dict[str, Any],
    now: datetime,
) -> Event:
    """Return an event of a scrape; its id follows from the chain of runs, the org, the provider, the kind."""
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


def _told(connection: sa.Connection, request: ScrapeRequest, org_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return the orgs whose completion an earlier run of the chain told: what is repaired now is news."""
    if request.root_run_id == request.run_id:
        return set()
    earlier = {
        event_id(request.root_run_id, org_id, request.provider.name, "scraper.completed"): org_id
        for org_id in org_ids
    }
    found = connection.execute(sa.select(WebhookEvent.id).where(WebhookEvent.id.in_(list(earlier))))
    return {earlier[told] for told in found.scalars()}
