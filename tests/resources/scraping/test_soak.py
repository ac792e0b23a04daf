"""A long scrape in short: the browser killed again and again, a proxy dying, the disk full of evidence.

The suite visits few pages; for a real soak::

    BACKLINE_SOAK_PAGES=3000 .venv/bin/pytest -o log_cli_level=INFO tests/resources/scraping/test_soak.py
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import uuid
from dataclasses import replace
from datetime import timedelta

import psutil
import pytest
import sqlalchemy as sa

from resources.accounts import Connection, connect
from resources.database import utc_now
from resources.grants import Tokens
from resources.provider import Site
from resources.reading.verdict import Outcome
from resources.scraping import jobs
from resources.scraping.evidence import prune
from resources.scraping.request import ScrapeRequest
from resources.scraping.run import scrape_and_deliver
from resources.streams import grow_tables
from resources.tables import ScraperEvidence, ScraperJob, ScraperVisit
from tests.resources.visiting.local_proxy import proxying

pytestmark = [pytest.mark.integration, pytest.mark.scrapers]

PAGES = int(os.environ.get("BACKLINE_SOAK_PAGES", "60"))
KILLS = 10 if PAGES >= 1_000 else 2
FAILING_EVERY = 10
MIB = 1024**2
logger = logging.getLogger(__name__)


def subjects():
    """Return the pages: every tenth gives no reading, and is kept as evidence."""
    return [f"{'nothing' if number % FAILING_EVERY == 0 else 'page'}/{number}" for number in range(PAGES)]


def wanted(home, orgs=3):
    """Connect accounts of some orgs that want the pages between them."""
    everything, backline = subjects(), home.backline
    with backline.database.write() as connection:
        grow_tables(connection, [home.provider])
        for org in range(orgs):
            account = Connection(
                org_slug=f"org-{org}",
                provider=home.provider,
                external_id=f"account-{org}",
                display_name=f"Account {org}",
                tokens=Tokens("access", "refresh"),
                expires_at=utc_now() + timedelta(hours=1),
                authorized_at=utc_now(),
                scopes=(),
                config={"artist_ids": everything[org::orgs]},
            )
            connect(backline, account, "test", connection)


def request_of(home):
    run = uuid.uuid4().hex
    job = jobs.ask(home.backline.database, home.provider, jobs.Wish(), job_type="console", actor="test")
    assert jobs.begin(home.backline.database, job, run)
    return ScrapeRequest(home.provider, (home.page,), run, run, job)


def browsers():
    """Return this process's browsers, not their helpers."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "--remote-debugging-pipe" in child.cmdline() and "--type=" not in " ".join(
                    child.cmdline()
                ):
                    yield child


class Trouble:
    """What happens to the scrape while it is at work, and how much memory it takes meanwhile."""

    def __init__(self, home, proxy):
        self.home, self.proxy, self.kills, self.memory = home, proxy, 0, []

    def visits(self):
        """Return how many visits were made."""
        with self.home.backline.database.read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(ScraperVisit)).scalar_one()

    async def make(self):
        """Kill browsers and a proxy, and measure, until it is over."""
        while True:
            await asyncio.sleep(0.1)
            done = await asyncio.to_thread(self.visits)
            self.memory.append((done, psutil.Process().memory_info().rss))
            if done >= (self.kills + 1) * PAGES // (KILLS + 1) and self.kills < KILLS:
                for browser in browsers():
                    browser.send_signal(signal.SIGKILL)
                self.kills += 1
            if done >= PAGES // 2 and self.proxy is not None:
                await asyncio.to_thread(self.proxy.die)
                self.proxy = None

    def growth(self):
        """Return the last third's mean memory, as a share of the middle third's."""
        parts = [
            [rss for done, rss in self.memory if PAGES * part // 3 <= done < PAGES * (part + 1) // 3]
            for part in (1, 2)
        ]
        middle, last = (sum(part) / len(part) for part in parts)
        return last / middle


async def scraped(home, request, trouble):
    making = asyncio.create_task(trouble.make())
    try:
        return await scrape_and_deliver(home.backline, request, home.provider.site)
    finally:
        making.cancel()


def test_nothing_is_lost_stuck_or_leaked(site, open_home, count_page, needs_browser):
    with proxying() as proxy, proxying() as steady:
        page = count_page(ways=("browser",), canary="page/1")
        proxies = f"{proxy.address},{steady.address}"
        home = open_home(
            site.origin, page, scraper_robots=False, scraper_proxies=proxies, page_seconds=15.0, evidence_mb=1
        )
        gentle = Site(site.origin, (page,), pause_seconds=0, concurrency=4, daily_pages=10 * PAGES)
        home.provider = replace(home.provider, site=gentle)
        wanted(home)
        request, trouble = request_of(home), Trouble(home, proxy)
        report = asyncio.run(scraped(home, request, trouble)).report
    assert (report.total, report.deferred) == (PAGES, 0), report.results
    assert trouble.kills == KILLS
    assert report.browser.crashes >= 1
    outcomes = report.outcomes
    assert outcomes[Outcome.READING] >= 0.85 * PAGES, outcomes
    assert outcomes.total() == PAGES
    database = home.backline.database
    with database.read() as connection:
        (job,) = connection.execute(sa.select(ScraperJob.status, ScraperJob.results)).all()
        visited = connection.execute(
            sa.select(sa.func.count(sa.distinct(ScraperVisit.subject))).where(
                ScraperVisit.account_id.is_not(None)
            )
        ).scalar_one()
    assert (job.status, job.results["done"], visited) == ("completed", PAGES, PAGES)
    assert list(browsers()) == []
    prune(database, home.backline.settings)
    folder = home.backline.settings.evidence_folder
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert held <= home.backline.settings.evidence_mb * MIB
    growth = trouble.growth()
    logger.info(
        "%s pages, %s kills, memory %.3f of the middle third's: %s", PAGES, KILLS, growth, dict(outcomes)
    )
    if PAGES >= 1_000:  # fewer say nothing of a leak
        assert growth < 1.1


def test_a_disk_that_takes_no_evidence_costs_no_visit(site, open_home, count_page):
    page = count_page(ways=("light",), canary="page/1")
    home = open_home(site.origin, page, scraper_robots=False)
    gentle = Site(site.origin, (page,), pause_seconds=0, concurrency=4, daily_pages=10 * PAGES)
    home.provider = replace(home.provider, site=gentle)
    wanted(home)
    home.backline.settings.evidence_folder.write_text("in the way: no folder can be made here")
    report = asyncio.run(scrape_and_deliver(home.backline, request_of(home), gentle)).report
    assert report.outcomes.total() == PAGES
    with home.backline.database.read() as connection:
        assert connection.execute(sa.select(ScraperEvidence.id)).all() == []
