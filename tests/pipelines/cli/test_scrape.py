"""`backline scrape` and `backline evidence`, against simulated public pages; by the browser where needed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from datetime import timedelta

import dagster as dg
import httpx
import pytest
import sqlalchemy as sa

from pipelines.instance import open_instance
from resources.accounts import Connection, connect
from resources.database import utc_now
from resources.grants import Tokens
from resources.providers import PROVIDERS
from resources.scraping import jobs
from resources.settings import REPOSITORY, Settings
from resources.streams import page_table_of
from resources.tables import ScraperJob, ScraperVisit, WebhookEvent
from resources.visiting.binary import find_browser
from resources.visiting.controls import configure, pause
from sensors.runs import close_dead_runs
from sensors.scrapers import end_lost_jobs
from simulator.addresses import provider_settings

pytestmark = [pytest.mark.integration, pytest.mark.scrapers]
SCRAPE = [sys.executable, "-m", "pipelines.cli", "scrape", "youtube", "feed_page", "--json"]
YOUTUBE, SPOTIFY = PROVIDERS["youtube"], PROVIDERS["spotify"]


@pytest.fixture
def pages(served, installation, monkeypatch):
    """The simulated sites under the installation, visited as fast as they come."""
    for name, value in provider_settings(served.address, "100000/1").items():
        monkeypatch.setenv(f"BACKLINE_{name}", value)
    for provider in PROVIDERS.values():
        configure(
            installation.backline.database, provider, "test", {"pause_seconds": "0", "concurrency": "4"}
        )
    yield served
    for site in PROVIDERS:
        httpx.delete(f"{served.address}/control/{site}/pages").raise_for_status()


@pytest.fixture
def browser():
    if find_browser(Settings()) is None:
        pytest.skip("no browser is installed: apt install chromium-headless-shell")


def connected(installation, served, provider, number, org="north", **config) -> uuid.UUID:
    """Connect a simulated account."""
    grant = served.control("grants", provider=provider.name, account=number)
    wanted = Connection(
        org_slug=org,
        provider=provider,
        external_id=grant["external_id"],
        display_name=grant["display_name"],
        tokens=Tokens(grant["access_token"], grant["refresh_token"]),
        expires_at=utc_now() + timedelta(hours=1),
        authorized_at=utc_now(),
        scopes=grant["scopes"],
        config=config,
    )
    backline = installation.backline
    with backline.database.write() as connection:
        return connect(backline, wanted, "test", connection)[1]


def stored(installation, page):
    table = page_table_of(YOUTUBE, YOUTUBE.site.page(page))
    return [row._mapping for row in installation.rows(sa.select(table))]


def checks_of(run_id, page):
    """Return a run's verdicts on a page, and what they say."""
    with open_instance(Settings()) as instance:
        logs = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        found = [entry.dagster_event.asset_check_evaluation_data for entry in logs]
    mine = [check for check in found if check.asset_key.path[-1] == page]
    return {
        check.check_name: (check.passed, {name: value.value for name, value in check.metadata.items()})
        for check in mine
    }


def test_pages_are_read_stored_checked_and_told(installation, pages):
    for number in (1, 2):
        connected(installation, pages, YOUTUBE, number)
    summary = installation.json("scrape", "youtube")
    assert (summary["ok"], summary["status"], summary["failures"]) == (True, "completed", [])
    assert {row["page"]: row["pages"] for row in summary["pages"]} == {"channel_page": 2, "feed_page": 2}
    assert len(stored(installation, "channel_page")) == 2
    assert all(row["views_step"] == 1 for row in stored(installation, "feed_page"))
    for page in ("channel_page", "feed_page"):
        verdicts = checks_of(summary["run"], page)
        assert len(verdicts) == 6
        assert [name for name, (passed, _) in verdicts.items() if not passed] == []
    (event,) = pages.received()
    assert event["body"]["type"] == "scraper.completed"
    assert event["body"]["payload"]["pages"] == {"read": 4, "failed": 0}


def test_a_changed_layout_turns_the_check_red_names_the_field_and_keeps_the_old_values(
    installation, pages, browser
):
    connected(installation, pages, YOUTUBE, 1)
    installation.json("scrape", "youtube", "channel_page")
    before = stored(installation, "channel_page")
    pages.control("youtube/pages", outcome="next_layout", page="channel_page", times=None)
    summary = installation.json("scrape", "youtube", "channel_page", code=1)
    assert {row["outcome"] for row in summary["failures"]} == {"layout_changed"}
    assert sum(row["subject"].endswith(" (canary)") for row in summary["failures"]) == 1
    passed, told = checks_of(summary["run"], "channel_page")["scraper_success_rate"]
    assert not passed
    assert "subscribers" in told["missing"]
    assert "layout changed: 100% of 1 pages, 0% before; missing subscribers" in told["grew"]
    assert "/admin/integrations/scrapers/evidence/" in told["evidence"]
    assert told["screenshot"].endswith("/screenshot.png")
    assert not checks_of(summary["run"], "channel_page")["field_coverage"][0]
    assert stored(installation, "channel_page") == before
    assert [row["outcome"] for row in installation.json("evidence", "list")] == ["layout_changed"] * 2
    pictures = list(Settings().evidence_folder.glob("*/*.png"))
    assert len(pictures) == 2
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_kept_pages_are_read_again_without_asking_the_site(installation, pages):
    connected(installation, pages, YOUTUBE, 1)
    pages.control("youtube/pages", outcome="wrong_page", page="feed_page", times=None)
    installation.json("scrape", "youtube", "feed_page", code=1)
    httpx.delete(f"{pages.address}/control/requests").raise_for_status()
    rows = installation.json("evidence", "replay", "--provider", "youtube", code=1)
    assert {(row["then"], row["now"]) for row in rows} == {("wrong_page", "wrong_page")}
    asked = httpx.get(f"{pages.address}/control/requests", params={"path_prefix": "/youtube/www"}).json()
    assert asked["total"] == 0
    assert installation.json("evidence", "replay", "--visit", str(uuid.uuid4())) == []


def test_artist_pages_are_read_by_the_browser(installation, pages, browser):
    grant = pages.grant(1)
    address = f"{pages.address}/spotify/v1/me/following?type=artist&limit=2"
    followed = httpx.get(address, headers={"authorization": f"Bearer {grant['access_token']}"}).json()
    artists = [artist["id"] for artist in followed["artists"]["items"]]
    connected(installation, pages, SPOTIFY, 1, artist_ids=artists)
    summary = installation.json("scrape", "spotify")
    assert [(row["outcome"], row["way"], row["pages"]) for row in summary["pages"]] == [
        ("reading", "browser", 2)
    ]


def test_a_paused_provider_is_refused(installation, pages):
    pause(installation.backline.database, YOUTUBE, "ann")
    problem = installation.refused("scrape", "youtube")
    assert problem.startswith("provider: ann paused YouTube's pages at ")
    assert problem.endswith("UTC; resume them in the console")


def test_a_provider_that_is_being_visited_is_refused(installation, pages):
    database = installation.backline.database
    job = jobs.ask(database, YOUTUBE, jobs.Wish(), job_type="console", actor="ann")
    jobs.begin(database, job, "run")
    assert f"job {job} is visiting YouTube's pages" in installation.refused("scrape", "youtube")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nobody"], "provider: 'nobody' is unknown"),
        (["youtube", "x_page"], "page: 'x_page' is unknown; use some of channel_page, feed_page"),
        (["youtube", "--org", "x"], "org: x is unknown; see `backline accounts list`"),
        (["youtube", "--account", str(uuid.UUID(int=7))], "is unknown; see `backline accounts list`"),
    ],
)
def test_what_does_not_exist_is_refused_and_no_job_is_left(installation, pages, arguments, problem):
    assert problem in installation.refused("scrape", *arguments)
    assert installation.rows(sa.select(ScraperJob.id)) == []


def test_a_site_that_blocks_is_left_alone_after_five_pages(installation, pages):
    for number in range(1, 20):
        connected(installation, pages, YOUTUBE, number)
    pages.control("youtube/pages", outcome="blocked", page="feed_page", times=None)
    summary = installation.json("scrape", "youtube", "feed_page", code=1)
    assert summary["status"] == "failed"
    assert "5 pages in a row gave no reading" in summary["error"]
    visits = installation.rows(sa.select(ScraperVisit.id).where(ScraperVisit.account_id.is_not(None)))
    assert 5 <= len(visits) < 10


def scraping_slowly(installation, pages):
    """Start a scrape of nineteen pages, two a second, as a program of its own."""
    for number in range(1, 20):
        connected(installation, pages, YOUTUBE, number)
    slow = {"pause_seconds": "0.5", "concurrency": "1"}
    configure(installation.backline.database, YOUTUBE, "test", slow)
    return subprocess.Popen(SCRAPE, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_stop_ends_a_run_within_five_seconds_and_leaves_nothing_half_written(installation, pages):
    database = installation.backline.database
    with scraping_slowly(installation, pages) as program:
        read = sa.select(ScraperVisit.id).where(ScraperVisit.account_id.is_not(None))
        until = time.monotonic() + 60
        while len(installation.rows(read)) < 3 and time.monotonic() < until:
            time.sleep(0.1)
        (job,) = installation.rows(sa.select(ScraperJob.id))
        asked = time.monotonic()
        jobs.stop(database, job.id, "ann")
        while jobs.find(database, job.id).status == "running" and time.monotonic() < asked + 30:
            time.sleep(0.05)
        took = time.monotonic() - asked
        program.wait(30)
    row = jobs.find(database, job.id)
    assert (row.status, took < 5) == ("cancelled", True), took
    visits = installation.rows(read)
    accounts = {one["account_id"] for one in stored(installation, "feed_page")}
    assert 3 <= len(visits) == len(accounts) < 19
    assert row.results["done"] == len(visits)
    assert len(installation.rows(sa.select(WebhookEvent.id))) == 1


def test_a_killed_scrape_is_failed_by_the_sensor_and_what_it_read_stays(installation, pages):
    database = installation.backline.database
    with scraping_slowly(installation, pages) as program:
        read = sa.select(ScraperVisit.id).where(ScraperVisit.account_id.is_not(None))
        until = time.monotonic() + 60
        while len(installation.rows(read)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        program.send_signal(signal.SIGKILL)
    with database.write() as connection:
        connection.execute(sa.update(ScraperJob).values(heartbeat_at=utc_now() - timedelta(minutes=3)))

    with open_instance(Settings()) as instance:
        close_dead_runs(instance)
        assert end_lost_jobs(installation.backline, instance) == 1
    (job,) = installation.rows(sa.select(ScraperJob.status, ScraperJob.error_message))
    assert job.status == "failed"
    assert "what was read is kept" in job.error_message
    kinds = installation.rows(sa.select(WebhookEvent.event_type))
    assert [row.event_type for row in kinds] == ["error.occurred"]
    assert len(stored(installation, "feed_page")) > 0
