"""`backline evidence`: what was kept of pages that gave no reading, listed and read again."""

from __future__ import annotations

import uuid
from typing import Any

import click
import sqlalchemy as sa

from pipelines.cli.output import json_option, migrated, show_json, show_table
from resources.backline import Backline
from resources.providers import find_provider
from resources.reading.verdict import Reading
from resources.scraping.replay import Replayed, replay
from resources.tables import ScraperEvidence, ScraperVisit

LISTED = 50
EMPTY = "Nothing is kept: every page gave a reading."


@click.group()
def evidence() -> None:
    """Pages that gave no reading: what was kept of them."""


@evidence.command("list")
@click.option("--provider", help="Only this provider's.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=LISTED, help="At most so many, newest first.")
@json_option
def list_(provider: str | None, limit: int, *, as_json: bool) -> None:
    """List the evidence, newest first; the console shows each at its visit's id."""
    backline, visit = migrated(Backline()), ScraperVisit
    columns = (visit.id, visit.at, visit.provider, visit.page, visit.subject, visit.outcome, visit.detail)
    query = sa.select(*columns).join(ScraperEvidence, ScraperEvidence.visit_id == visit.id)
    if provider:
        query = query.where(visit.provider == find_provider(provider).name)
    with backline.database.read() as connection:
        rows = [
            dict(row) for row in connection.execute(query.order_by(visit.at.desc()).limit(limit)).mappings()
        ]
    show_json(rows) if as_json else show_table("Evidence", rows, EMPTY)


@evidence.command("replay")
@click.option("--provider", help="Only this provider's.")
@click.option("--visit", "visits", multiple=True, type=click.UUID, help="Only this visit; may be repeated.")
@click.option("--store", is_flag=True, help="Write readings into the days on which the pages were seen.")
@json_option
@click.pass_context
def replay_(
    context: click.Context,
    provider: str | None,
    visits: tuple[uuid.UUID, ...],
    *,
    store: bool,
    as_json: bool,
) -> None:
    """Read kept pages again by today's readers, not the site; exit 1 where one is still not read."""
    backline = migrated(Backline())
    known = find_provider(provider).name if provider else None
    rows = [_row(one) for one in replay(backline, known, visits, store=store)]
    show_json(rows) if as_json else show_table("Read again", rows, EMPTY)
    context.exit(0 if all(row["now"] == "reading" for row in rows) else 1)


def _row(one: Replayed) -> dict[str, Any]:
    visit, verdict = one.visit, one.verdict
    detail = "the files are no longer kept, or the page is no longer declared"
    if verdict is not None:
        detail = verdict.layout if isinstance(verdict, Reading) else verdict.detail
    return {
        "visit": visit.id,
        "page": f"{visit.provider}/{visit.page}",
        "subject": visit.subject,
        "then": visit.outcome,
        "now": verdict.outcome.value if verdict else "gone from disk",
        "detail": detail,
        "stored": one.stored,
    }
