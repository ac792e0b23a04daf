"""Replay: what was kept of a failed visit is read again by today's reader, without asking the site."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from resources.backline import Backline
from resources.bulk import upsert
from resources.database import AnyRow
from resources.provider import Page, Provider
from resources.providers import PROVIDERS
from resources.reading.verdict import Reading, Verdict
from resources.scraping.evidence import EvidenceStore
from resources.scraping.rows import checked, values_of
from resources.streams import page_table_of
from resources.tables import ScraperEvidence, ScraperVisit


@dataclass(frozen=True)
class Replayed:
    """One visit, and what today's reader makes of it; ``None`` where nothing is kept of it."""

    visit: AnyRow
    verdict: Verdict | None
    stored: bool


def replay(
    backline: Backline, provider: str | None, visits: Sequence[uuid.UUID], *, store: bool
) -> Iterator[Replayed]:
    """Yield the visits with evidence, oldest first, of one provider or of all, read again.

    With ``store`` a reading becomes the row of the day on which the page was seen, unless that day has a
    reading already.
    """
    query = (
        sa.select(ScraperVisit, ScraperEvidence.html_file)
        .join(ScraperEvidence, ScraperEvidence.visit_id == ScraperVisit.id)
        .order_by(ScraperVisit.at)
    )
    query = query.where(ScraperVisit.provider == provider) if provider else query
    query = query.where(ScraperVisit.id.in_(visits)) if visits else query
    with backline.database.read() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        yield _replayed(backline, row, store=store)


def _replayed(backline: Backline, row: AnyRow, *, store: bool) -> Replayed:
    provider = PROVIDERS.get(row.provider)
    page = next((page for page in provider.pages if page.name == row.page), None) if provider else None
    if provider is None or page is None or row.html_file is None:
        return Replayed(row, None, stored=False)
    try:
        capture = EvidenceStore(backline.settings).capture(row.html_file)
    except FileNotFoundError:
        return Replayed(row, None, stored=False)
    verdict = checked(page, page.read(capture, row.subject))
    is_wanted = store and isinstance(verdict, Reading) and row.account_id is not None
    return Replayed(row, verdict, stored=is_wanted and _store(backline, provider, page, row, verdict))


def _store(backline: Backline, provider: Provider, page: Page, visit: AnyRow, verdict: Verdict) -> bool:
    """Write the rows of a day that has none yet of this page; say whether that was so."""
    table, day = page_table_of(provider, page), visit.at.date()
    rows = verdict.rows if isinstance(verdict, Reading) else ()
    owners, subject = sa.select(ScraperVisit.account_id), page.key[0]
    owners = owners.where(
        ScraperVisit.run_id == visit.run_id,
        ScraperVisit.page == page.name,
        ScraperVisit.subject == visit.subject,
    )
    with backline.database.write() as connection:
        mine = (table.c.day == day, table.c[subject].in_([row[subject] for row in rows]))
        having = set(connection.execute(sa.select(table.c.account_id).where(*mine)).scalars())
        accounts = set(connection.execute(owners).scalars()) - having - {None}
        values = [(account, day, *values_of(page, row)) for account in accounts for row in rows]
        if values and isinstance(verdict, Reading):
            stamps = {"layout": verdict.layout, "way": visit.way, "seen_at": visit.at}
            upsert(connection, table, ("account_id", "day", *page.column_names), values, stamps)
    return bool(values)
