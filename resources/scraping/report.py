"""How a scrape went: one sum a kind of page, and the visits that show what went wrong."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from resources.latency import LatencyHistogram
from resources.provider import Page
from resources.reading.verdict import ABSENCES, Outcome, Reading, Verdict
from resources.visiting.browser import BrowserUsage

NAMED_FAILURES = 20


@dataclass(frozen=True)
class Failure:
    """A visit that gave no reading, and where its evidence is."""

    visit_id: uuid.UUID
    subject: str
    outcome: Outcome
    detail: str
    missing: tuple[str, ...]
    has_evidence: bool
    has_picture: bool


@dataclass
class PageReport:
    """One kind of page over a run.

    ``canary`` is what the page that must exist turned out to be, ``deferred`` counts pages that were not
    visited, ``stopped`` says why.
    """

    page: Page
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    layouts: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    latency: LatencyHistogram = field(default_factory=LatencyHistogram)
    lacking: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    canary: Verdict | None = None
    deferred: int = 0
    stopped: str = ""

    @property
    def visits(self) -> int:
        """All visits, without the canary's."""
        return self.outcomes.total()

    @property
    def expected(self) -> int:
        """The visits that should have given a reading: absences are true answers."""
        return self.visits - sum(self.outcomes[absence] for absence in ABSENCES)

    @property
    def success_rate(self) -> float | None:
        """The share of those that did, from 0 to 1; ``None`` where none should have."""
        return self.outcomes[Outcome.READING] / self.expected if self.expected else None

    def add(self, verdict: Verdict, failure: Failure | None) -> None:
        """Count one verdict."""
        self.outcomes[verdict.outcome] += 1
        if isinstance(verdict, Reading):
            self.layouts[verdict.layout] += 1
            self.rows += len(verdict.rows)
            return
        self.lacking.update(verdict.missing)
        if failure is not None and len(self.failures) < NAMED_FAILURES:
            self.failures.append(failure)


@dataclass
class ScrapeReport:
    """A whole run; ``cancelled`` says that a person stopped it."""

    pages: dict[str, PageReport]
    total: int = 0
    browser: BrowserUsage = field(default_factory=BrowserUsage)
    cancelled: bool = False

    @classmethod
    def of(cls, pages: Sequence[Page], total: int) -> ScrapeReport:
        """Return the report of a run that begins."""
        return cls({page.name: PageReport(page) for page in pages}, total)

    @property
    def outcomes(self) -> Counter[Outcome]:
        """All outcomes."""
        return sum((page.outcomes for page in self.pages.values()), Counter())

    @property
    def deferred(self) -> int:
        """Pages that were not visited."""
        return sum(page.deferred for page in self.pages.values())

    @property
    def stopped(self) -> str:
        """Why pages were left, of the first kind that was given up; empty where none was."""
        return next((page.stopped for page in self.pages.values() if page.stopped), "")

    @property
    def failed_share(self) -> float:
        """The share of pages that should have been read and were not, those not visited among them."""
        expected = sum(page.expected + page.deferred for page in self.pages.values())
        return 1 - self.outcomes[Outcome.READING] / expected if expected else 0.0

    @property
    def results(self) -> dict[str, object]:
        """The same as a job's ``results``."""
        counts = {outcome.value: count for outcome, count in sorted(self.outcomes.items())}
        done = self.outcomes.total()
        return {"total": self.total, "done": done, "deferred": self.deferred, "outcomes": counts}
