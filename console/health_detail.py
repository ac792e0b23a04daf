"""What stands beside the health of a kind of page: how visits ended, what grew, what is odd, what to do."""

import uuid
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from console.pages import amount

MOST_SHOWN = 5
UNEXPLAINED = "The last visits were not read as they should be."
READ_BELOW = "Read the newest visits below; each says what to do."
COMPARE = "Open the page and compare: what it says is stored as it was read."


class Remark(NamedTuple):
    """One thing that is wrong or odd, and what to do about it."""

    what: str
    cure: str


class Drift(BaseModel):
    """A number that moved more than it plausibly does."""

    subject: str
    column: str
    before: float
    now: float


class Disagreement(BaseModel):
    """A number that another source gives otherwise."""

    subject: str
    column: str
    page_value: float
    source: str
    source_value: float


class HealthDetail(BaseModel):
    """The detail as scrapes store it; ``evidence`` are ids of visits, ``deferred`` counts pages left out."""

    outcomes: dict[str, int] = {}
    reason: str = ""
    cure: str = ""
    evidence: list[uuid.UUID] = []
    canary: str | None = None
    p95_ms: int | None = None
    deferred: int = 0
    stopped: str = ""
    drifts: list[Drift] = []
    disagreements: list[Disagreement] = []

    @classmethod
    def of(cls, stored: Any) -> "HealthDetail":
        """Read what was stored; a part that is not understood is not shown, and breaks no page."""
        known = {name: value for name, value in stored.items() if value is not None}
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            for problem in error.errors():
                known.pop(str(problem["loc"][0]), None)
            return cls.model_validate(known)

    @property
    def shown_evidence(self) -> list[uuid.UUID]:
        """The first of the visits that show what is wrong."""
        return self.evidence[:MOST_SHOWN]

    @property
    def remarks(self) -> list[Remark]:
        """What is wrong or odd, the worst first; never nothing."""
        found = [Remark(self.reason, self.cure or READ_BELOW)] if self.reason else []
        if self.stopped and self.stopped != self.reason:
            found.append(Remark(self.stopped, self.cure))
        if self.deferred:
            were = "page was" if self.deferred == 1 else "pages were"
            found.append(Remark(f"{amount(self.deferred)} {were} left for the next scrape.", ""))
        found += [Remark(_drifted(one), COMPARE) for one in self.drifts[:MOST_SHOWN]]
        found += [Remark(_disagreed(one), COMPARE) for one in self.disagreements[:MOST_SHOWN]]
        return found or [Remark(UNEXPLAINED, READ_BELOW)]


def _drifted(one: Drift) -> str:
    return f"{one.subject}: {one.column} went from {amount(one.before)} to {amount(one.now)}."


def _disagreed(one: Disagreement) -> str:
    there = f"{amount(one.source_value)} at {one.source}"
    return f"{one.subject}: {one.column} is {amount(one.page_value)} on the page, {there}."
