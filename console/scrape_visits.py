"""Visits that gave no reading, and what is kept of each."""

import uuid
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import sqlalchemy as sa
from pydantic import BaseModel, Field

from console.outcomes import Meaning, meaning_of
from console.parts import Console
from console.scraped_kinds import title_of
from resources.database import AnyRow
from resources.people.roles import within
from resources.provider import Provider
from resources.reading.verdict import Outcome
from resources.tables import ConnectedAccount, Org, ScraperEvidence, ScraperVisit

NEWEST = 50
KEPT_IN_SUBJECT = "@"
OF_VISIT: tuple[Any, ...] = (
    *ScraperVisit.__table__.columns,
    ConnectedAccount.display_name.label("account"),
    Org.slug.label("org"),
    ScraperEvidence.id.label("evidence_id"),
    *(ScraperEvidence.url, ScraperEvidence.html_file, ScraperEvidence.screenshot_file),
    *(ScraperEvidence.size.label("kept_bytes"), ScraperEvidence.taken_at),
)


class FailureFilter(BaseModel):
    """Which failures, as the address says it; empty means all."""

    provider: str = Field("", max_length=40, description="Name of a provider.")
    page: str = Field("", max_length=80, description="Name of a kind of page.")
    outcome: Outcome | Literal[""] = Field("", description="What the visit came to.")

    def query(self, **changes: str) -> str:
        """Return the filter as an address's query, with some of it changed."""
        values = {"provider": self.provider, "page": self.page, "outcome": self.outcome} | changes
        return "?" + urlencode({name: value for name, value in values.items() if value})

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.provider or self.page or self.outcome)


@dataclass(frozen=True)
class Visit:
    """One visit as the console shows it; ``address`` is the public page, empty where it is not known."""

    row: AnyRow
    provider: str
    address: str

    @property
    def page(self) -> str:
        """The kind of page, in words."""
        return title_of(self.row.page)

    @property
    def meaning(self) -> Meaning:
        """What it came to, in words."""
        return meaning_of(self.row.outcome)

    @property
    def has_evidence(self) -> bool:
        """Whether something was kept of it."""
        return self.row.evidence_id is not None

    @property
    def final_url(self) -> str:
        """Where the visit ended, if that is an address a browser may open."""
        url = self.row.url or ""
        return url if urlsplit(url).scheme in {"http", "https"} else ""


def failures(console: Console, wanted: FailureFilter, orgs: frozenset[str] | None = None) -> list[Visit]:
    """Return the newest visits without a reading."""
    query = _visits().where(ScraperVisit.outcome != Outcome.READING, within(ScraperVisit.org_id, orgs))
    for name, value in wanted.model_dump().items():
        query = query.where(getattr(ScraperVisit, name) == value) if value else query
    with console.backline.database.read() as connection:
        rows = connection.execute(query.order_by(ScraperVisit.at.desc(), ScraperVisit.id).limit(NEWEST))
        return [_shown(console, row) for row in rows]


def find_visit(console: Console, visit_id: uuid.UUID, orgs: frozenset[str] | None = None) -> Visit | None:
    """Return one visit, or ``None`` where there is none of that id to be seen."""
    mine = (ScraperVisit.id == visit_id) & within(ScraperVisit.org_id, orgs)
    with console.backline.database.read() as connection:
        row = connection.execute(_visits().where(mine)).one_or_none()
    return None if row is None else _shown(console, row)


def _visits() -> sa.Select[Any]:
    joined = sa.select(*OF_VISIT).select_from(ScraperVisit)
    joined = joined.outerjoin(ConnectedAccount, ConnectedAccount.id == ScraperVisit.account_id)
    joined = joined.outerjoin(Org, Org.id == ScraperVisit.org_id)
    return joined.outerjoin(ScraperEvidence, ScraperEvidence.visit_id == ScraperVisit.id)


def _shown(console: Console, row: AnyRow) -> Visit:
    provider = console.providers.get(row.provider)
    if provider is None:
        return Visit(row, row.provider, "")
    return Visit(row, provider.title, _address(console, provider, row.page, row.subject))


def _address(console: Console, provider: Provider, page_name: str, subject: str) -> str:
    """Return the public page's address; the subject is quoted, so that it stays within its place there."""
    page = next((page for page in provider.pages if page.name == page_name), None)
    if page is None:
        return ""
    return page.address(console.backline.pages_url(provider), quote(subject, safe=KEPT_IN_SUBJECT))
