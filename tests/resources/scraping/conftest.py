"""Scrapes whose pages are invented: every page comes as a test says, and what that left in the database."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.provider import Agreement, FromConfig, Page, Provider, Site
from resources.providers import PROVIDERS
from resources.reading.verdict import Capture, Outcome, Reading, Refusal, Verdict
from resources.records import Record
from resources.scraping import jobs
from resources.scraping.evidence import EvidenceStore
from resources.scraping.health import PageHealth, assess
from resources.scraping.record import Recorder
from resources.scraping.report import ScrapeReport
from resources.scraping.request import ScrapeRequest
from resources.scraping.scrape import Scrape
from resources.streams import grow_tables, page_table_of, table_of
from resources.tables import Base
from resources.visiting.browser import BrowserUsage
from resources.visiting.visitor import Visit
from tests.resources.visiting.conftest import (  # noqa: F401  # fixtures
    count_page,
    needs_browser,
    open_home,
    site,
)

CANARY = "canary"


class StagePage(Record):
    """A page of an invented site."""

    artist_id: str
    name: str
    listeners: int
    listeners_step: int
    followers: int | None
    followers_step: int | None
    cities: list[dict[str, Any]] | None


def never_read(capture: Capture, subject: str) -> Verdict:
    raise AssertionError(f"The stand-in visits read {subject} themselves.")


def page_named(name: str) -> Page:
    return Page(
        name,
        "/stage/{artist_id}",
        StagePage,
        key=("artist_id",),
        each=FromConfig("artist_ids", "artist_id"),
        read=never_read,
        doc="An invented page.",
        canary=CANARY,
        agreements=(Agreement("followers", "artists", "followers", on="artist_id", tolerance=0.05),),
    )


SITE = Site("https://stage.example", pages=(page_named("stage_page"), page_named("pit_page")))
PROVIDER: Provider = replace(PROVIDERS["spotify"], site=SITE)


def row_of(subject: str, listeners: int = 1_000, **more: Any) -> dict[str, Any]:
    row = {"artist_id": subject, "name": subject.title(), "listeners": listeners, "listeners_step": 1}
    return {**row, "followers": None, "followers_step": None, "cities": [{"city": "Köln"}], **more}


def reading_of(subject: str, listeners: int = 1_000, **more: Any) -> Reading:
    return Reading((row_of(subject, listeners, **more),), "stage_2026")


Answering = Callable[[Page, str], Verdict | BaseException]


@dataclass
class InventedVisits:
    """Visits that come as ``answer`` says; ``seconds`` is how long each takes."""

    answer: Answering
    seconds: float = 0.0
    made: list[tuple[str, str]] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    most_under_way: int = 0
    is_open: bool = False

    async def __aenter__(self) -> Self:
        self.is_open = True
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.is_open = False

    async def visit(self, page: Page, subject: str) -> Visit:
        """Visit one page."""
        assert self.is_open
        self.made.append((page.name, subject))
        self.under_way["now"] += 1
        self.most_under_way = max(self.most_under_way, self.under_way["now"])
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.under_way["now"] -= 1
        verdict = self.answer(page, subject)
        if isinstance(verdict, BaseException):
            raise verdict
        capture = Capture(page.address(SITE.origin, subject), 200, "<html>", "browser")
        return Visit(page, subject, capture.url, verdict, capture, "browser", self.seconds, None, b"\x89PNG")

    @property
    def browser_usage(self) -> BrowserUsage:
        """Nothing was used."""
        return BrowserUsage()


@dataclass
class Scraping:
    """An installation whose scrapes are run here."""

    simulated: Any

    def connect(self, org: str, account: int, *artists: str) -> uuid.UUID:
        """Connect an account whose org wants these artists' pages."""
        made: uuid.UUID = self.simulated.connect(org, account, {"artist_ids": list(artists)})
        return made

    def request(self, run: str | None = None, root: str | None = None, **wish: Any) -> ScrapeRequest:
        """Return a request whose job is running."""
        run = run or uuid.uuid4().hex
        wanted, pages = jobs.Wish(**{"orgs": (), **wish, "pages": ()}), wish.get("pages", ("stage_page",))
        job = jobs.ask(self.database, PROVIDER, wanted, job_type="console", actor="ann")
        jobs.begin(self.database, job, run)
        chosen = tuple(page for page in SITE.pages if page.name in pages)
        return ScrapeRequest(PROVIDER, chosen, run, root or run, job, wanted)

    canary = CANARY
    row_of = staticmethod(row_of)
    reading_of = staticmethod(reading_of)

    @staticmethod
    def met(outcome: Outcome, *missing: str) -> Refusal:
        """Return a refusal."""
        return Refusal(outcome, f"It was {outcome.value}.", missing)

    @staticmethod
    def all_well(_page: Page, subject: str) -> Verdict:
        """Let every page come well."""
        return reading_of(subject)

    @staticmethod
    def but(**outcomes: Verdict | BaseException) -> Answering:
        """Let every page come well but for some subjects."""
        return lambda _page, subject: outcomes.get(subject) or reading_of(subject)

    @staticmethod
    def visits(answer: Answering | None = None, seconds: float = 0.0) -> InventedVisits:
        """Return visits that come as ``answer`` says."""
        return InventedVisits(answer or Scraping.all_well, seconds)

    @property
    def database(self) -> Any:
        """The database."""
        return self.simulated.database

    def scrape(
        self, answer: Answering | None = None, request: ScrapeRequest | None = None, **more: Any
    ) -> ScrapeReport:
        """Run a scrape without waiting for real."""
        return self.with_visits(self.visits(answer, **more), request)

    def with_visits(self, visits: InventedVisits, request: ScrapeRequest | None = None) -> ScrapeReport:
        """Run a scrape with visits of one's own."""
        request = request or self.request()
        backline = self.simulated.backline
        recorder = Recorder(self.database, request, EvidenceStore(backline.settings))
        return self.simulated.run(Scrape(backline, request, visits, recorder).run())

    def judged(
        self, answer: Answering | None = None, request: ScrapeRequest | None = None
    ) -> dict[str, PageHealth]:
        """Run a scrape and judge it."""
        request = request or self.request()
        return assess(self.simulated.backline, request, self.scrape(answer, request))

    def api_says(self, account: uuid.UUID, artist: str, followers: int) -> None:
        """Let the API have said how many followers an artist has."""
        table = table_of(PROVIDER, PROVIDER.stream("artists"))
        known = {"account_id": account, "artist_id": artist, "followers": followers, "synced_at": utc_now()}
        invented = {
            column.name: artist
            for column in table.columns
            if not column.nullable and isinstance(column.type, sa.Text) and column.name not in known
        }
        with self.database.write() as connection:
            connection.execute(sa.insert(table).values(**invented, **known))

    def rows(self, page: str = "stage_page") -> list[dict[str, Any]]:
        """Return a page's rows."""
        table = page_table_of(PROVIDER, SITE.page(page))
        return self.simulated.rows(sa.select(table).order_by(*table.primary_key))

    def table(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of one of the common tables."""
        return self.simulated.rows(sa.select(Base.metadata.tables[name]))


@pytest.fixture
def scraping(simulated: Any) -> Scraping:
    with simulated.database.write() as connection:
        grow_tables(connection, [PROVIDER])
    return Scraping(simulated)
