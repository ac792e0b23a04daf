"""A console of providers with stand-ins of public pages, and rows as scrapes leave them."""

import gzip
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from console.app import create_app
from resources.backline import Backline
from resources.database import utc_now
from resources.provider import FromAccount, FromConfig, Page, Site
from resources.providers import PROVIDERS
from resources.reading.verdict import Outcome, Refusal
from resources.records import Record
from resources.tables import ScraperEvidence, ScraperHealth, ScraperJob, ScraperVisit

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c636060600000"
    "00040001f61738550000000049454e44ae426082"
)


class Sight(Record):
    """A number and its exactness."""

    followers: int
    followers_step: int


def _unread(_capture: object, _subject: str) -> Refusal:
    return Refusal(Outcome.LAYOUT_CHANGED, "")


def _page(name: str, path: str, each: FromConfig | FromAccount, doc: str) -> Page:
    return Page(name, path, Sight, ("followers",), each, _unread, doc, canary="canary-1")


ARTIST = _page(
    "artist_page", "/artist/{id}", FromConfig("artist_ids", "id"), "Monthly listeners, followers, top cities."
)
CHANNEL = _page("channel_page", "/channel/{id}", FromAccount("id"), "Subscribers, videos, recent views.")
FEED = _page("feed_page", "/feeds/videos.xml?channel_id={id}", FromAccount("id"), "Exact views of 15 videos.")
SITES = {
    "spotify": Site("https://open.spotify.com", (ARTIST,)),
    "youtube": Site("https://www.youtube.com", (CHANNEL, FEED), every="6h"),
}
SCRAPED = {name: replace(one, site=SITES.get(name)) for name, one in PROVIDERS.items()}


class Scraped:
    """Writes rows as scrapes do."""

    def __init__(self, backline: Backline) -> None:
        self.backline = backline

    def health(self, page: Page = ARTIST, status: str = "ok", **values: Any) -> None:
        """Store a page's health; ``metadata`` is what stands beside it."""
        provider = "spotify" if page is ARTIST else "youtube"
        metadata = values.pop("metadata", {"outcomes": {"reading": 50}, "canary": "reading", "p95_ms": 840})
        row = {"success_rate": 1.0, "response_time_ms": 500, "last_check_at": utc_now()} | values
        self._insert(
            ScraperHealth, provider=provider, page=page.name, status=status, page_metadata=metadata, **row
        )

    def job(self, status: str = "pending", provider: str = "spotify", **values: Any) -> uuid.UUID:
        """Store a job."""
        row: dict[str, Any] = {"job_type": "schedule", "created_at": utc_now(), "config": {}}
        return self._insert(ScraperJob, status=status, provider=provider, **(row | values))

    def visit(self, outcome: str = "blocked", **values: Any) -> uuid.UUID:
        """Store a visit without a reading."""
        row = {
            "run_id": "run-1",
            "root_run_id": "run-1",
            "job_id": uuid.uuid4(),
            "provider": "spotify",
            "page": "artist_page",
            "subject": "4gzpq5DPGxSnKTe4SA8HAU",
            "way": "browser",
            "detail": "The site answers 429.",
            "status": 429,
            "duration_ms": 812,
            "size": 24_647,
            "at": utc_now(),
        }
        return self._insert(ScraperVisit, outcome=outcome, **(row | values))

    def evidence(
        self, visit_id: uuid.UUID, html: str | None = None, png: bytes | None = None, **values: Any
    ) -> None:
        """Keep a document and a picture of a visit."""
        folder, stem = self.backline.settings.evidence_folder, f"2026-11-24/{visit_id.hex}"
        (folder / stem).parent.mkdir(parents=True, exist_ok=True)
        names: dict[str, str | None] = {"html_file": None, "screenshot_file": None}
        if html is not None:
            names["html_file"] = f"{stem}.html.gz"
            (folder / f"{stem}.html.gz").write_bytes(gzip.compress(html.encode()))
        if png is not None:
            names["screenshot_file"] = f"{stem}.png"
            (folder / f"{stem}.png").write_bytes(png)
        row = {"url": "https://open.spotify.com/artist/x", "size": 9, "taken_at": utc_now()} | names | values
        self._insert(ScraperEvidence, visit_id=visit_id, **row)

    def one(self, table: Any, **where: Any) -> Any:
        """Return the only row of a table that matches."""
        with self.backline.database.read() as connection:
            return connection.execute(sa.select(table).filter_by(**where)).one()

    def change(self, job_id: uuid.UUID, **values: Any) -> None:
        """Change a job as its run does."""
        with self.backline.database.write() as connection:
            connection.execute(sa.update(ScraperJob).where(ScraperJob.id == job_id).values(**values))

    def _insert(self, table: Any, **values: Any) -> uuid.UUID:
        new = uuid.uuid4()
        with self.backline.database.write() as connection:
            connection.execute(sa.insert(table).values(id=new, **values))
        return new


@pytest.fixture
def app(backline: Backline, fake: Any) -> FastAPI:
    backline.settings.dagster_url = "http://dagster.example:3000/"
    return create_app(backline, transport=httpx.MockTransport(fake), providers=dict(SCRAPED))


@pytest.fixture
def scraped(backline: Backline) -> Scraped:
    return Scraped(backline)


@pytest.fixture
def declared() -> dict[str, Any]:
    """The providers, by name."""
    return SCRAPED


@pytest.fixture
def png() -> bytes:
    """The smallest picture."""
    return PNG


@pytest.fixture
def ago() -> Callable[..., datetime]:
    """What gives a moment that is past."""
    return lambda **span: utc_now() - timedelta(**span)
