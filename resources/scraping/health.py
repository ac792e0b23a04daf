"""The health of a kind of page: judged after each scrape from what it met and what was met before."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from resources.backline import Backline
from resources.database import insert_into, utc_now
from resources.provider import Page, Provider
from resources.reading.verdict import ABSENCES, Outcome
from resources.scraping.comparison import Comparison, compare
from resources.scraping.cures import CURES
from resources.scraping.report import PageReport, ScrapeReport
from resources.scraping.request import ScrapeRequest
from resources.tables import ScraperHealth, ScraperVisit

LOWEST_SUCCESS_RATE = 0.98
BEFORE = timedelta(days=7)


@dataclass(frozen=True)
class PageHealth:
    """How a kind of page fares; ``before`` are the outcomes of the seven days before the run."""

    report: PageReport
    before: Counter[str]
    comparison: Comparison
    last_success_at: datetime | None

    @property
    def grown(self) -> Outcome | None:
        """The failing outcome whose share grew most, the commonest where none did."""
        failing = [one for one in self.report.outcomes if one is not Outcome.READING and one not in ABSENCES]
        return max(failing, key=lambda one: (self._growth(one), self.report.outcomes[one]), default=None)

    def _growth(self, outcome: Outcome) -> float:
        return self._share_now(outcome) - self.share_before(outcome)

    def _share_now(self, outcome: Outcome) -> float:
        return self.report.outcomes[outcome] / self.report.visits if self.report.visits else 0.0

    def share_before(self, outcome: Outcome) -> float:
        """Return an outcome's share of the visits before, from 0 to 1."""
        total = self.before.total()
        return self.before[outcome] / total if total else 0.0

    @property
    def reason(self) -> str:
        """What is wrong, in a sentence; empty where nothing is."""
        report, grown = self.report, self.grown
        if grown is not None:
            lacking = f"; missing {', '.join(sorted(report.lacking))}" if report.lacking else ""
            now, before = self._share_now(grown), self.share_before(grown)
            shares = f"{now:.0%} of {report.visits} pages, {before:.0%} before"
            return f"{grown.value.replace('_', ' ')}: {shares}{lacking}."
        if report.canary is not None and report.canary.outcome is not Outcome.READING:
            return f"The canary, which must exist, came as {report.canary.outcome.value.replace('_', ' ')}."
        return report.stopped

    @property
    def cure(self) -> str:
        """What to do about it; empty where nothing is wrong."""
        canary = self.report.canary
        wrong = self.grown or (canary.outcome if canary is not None else Outcome.READING)
        return CURES.get(wrong, "")

    @property
    def status(self) -> Literal["ok", "warn", "error", "unknown"]:
        """``error`` below the promised success rate or without a canary, ``warn`` where values are odd."""
        report, rate = self.report, self.report.success_rate
        if report.canary is not None and report.canary.outcome is not Outcome.READING:
            return "error"
        if rate is None:
            return "unknown" if not report.visits else "ok"
        if rate <= LOWEST_SUCCESS_RATE:
            return "error"
        odd = self.comparison.drifts or self.comparison.disagreements or report.deferred
        return "warn" if odd else "ok"


def assess(backline: Backline, request: ScrapeRequest, report: ScrapeReport) -> dict[str, PageHealth]:
    """Judge each kind of page after a run, and store it; one that was not tried is left as it was."""
    found = {}
    with backline.database.write() as connection:
        for name, page in report.pages.items():
            began = _began(connection, request, page.page)
            health = PageHealth(
                page,
                _before(connection, request.provider, page.page, began),
                compare(connection, request.provider, page.page, began),
                _last_success(connection, request.provider, page.page),
            )
            found[name] = health
            if page.visits or page.canary is not None:
                _store(connection, request.provider, health)
    return found


def _began(connection: sa.Connection, request: ScrapeRequest, page: Page) -> datetime:
    visit = ScraperVisit
    query = sa.select(sa.func.min(visit.at, type_=visit.at.type)).where(
        visit.run_id == request.run_id, visit.page == page.name
    )
    began: datetime | None = connection.execute(query).scalar_one()
    return began or utc_now()


def _before(connection: sa.Connection, provider: Provider, page: Page, began: datetime) -> Counter[str]:
    visit = ScraperVisit
    query = (
        sa.select(visit.outcome, sa.func.count())
        .where(visit.provider == provider.name, visit.page == page.name, visit.account_id.is_not(None))
        .where(visit.at >= began - BEFORE, visit.at < began)
        .group_by(visit.outcome)
    )
    return Counter({row[0]: row[1] for row in connection.execute(query)})


def _last_success(connection: sa.Connection, provider: Provider, page: Page) -> datetime | None:
    visit = ScraperVisit
    mine = (visit.provider == provider.name, visit.page == page.name, visit.outcome == Outcome.READING.value)
    query = sa.select(sa.func.max(visit.at, type_=visit.at.type)).where(*mine)
    return connection.execute(query).scalar_one()


def _store(connection: sa.Connection, provider: Provider, health: PageHealth) -> None:
    report = health.report
    failed = report.expected - report.outcomes[Outcome.READING]
    values = {
        "status": health.status,
        "last_check_at": utc_now(),
        "last_success_at": health.last_success_at,
        "response_time_ms": round(report.latency.mean_ms) if report.visits else None,
        "error_count": failed,
        "success_rate": report.success_rate,
        "page_metadata": _details(health),
    }
    identity = {"id": uuid.uuid4(), "provider": provider.name, "page": report.page.name}
    insert = insert_into(connection, ScraperHealth).values(**identity, **values)
    changed = {ScraperHealth.__mapper__.attrs[name].columns[0].name: value for name, value in values.items()}
    connection.execute(insert.on_conflict_do_update(index_elements=["provider", "page"], set_=changed))


def _details(health: PageHealth) -> dict[str, Any]:
    report = health.report
    return {
        "outcomes": {outcome.value: count for outcome, count in sorted(report.outcomes.items())},
        "layouts": dict(report.layouts),
        "ways": dict(report.ways),
        "reason": health.reason,
        "cure": health.cure,
        "missing": sorted(report.lacking),
        "evidence": [str(one.visit_id) for one in report.failures if one.has_evidence],
        "canary": report.canary.outcome.value if report.canary else None,
        "p95_ms": round(report.latency.percentile_ms(0.95)),
        "deferred": report.deferred,
        "stopped": report.stopped,
        "drifts": [vars(drift) for drift in health.comparison.drifts],
        "disagreements": [vars(one) for one in health.comparison.disagreements],
    }
