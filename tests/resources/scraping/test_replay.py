"""Replay: a page that an older reader could not read is read by today's, and its lost day is recovered."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.providers import PROVIDERS
from resources.reading.verdict import Capture, Outcome, Reading, Refusal
from resources.scraping.evidence import EvidenceStore
from resources.scraping.replay import replay
from resources.streams import page_table_of
from resources.tables import ScraperEvidence, ScraperVisit
from resources.visiting.visitor import Visit

pytestmark = pytest.mark.scrapers

PAGES = Path(__file__).parents[1] / "providers" / "pages"
YOUTUBE = PROVIDERS["youtube"]
FEED = YOUTUBE.site.page("feed_page")
THEN = timedelta(days=2)


@pytest.fixture
def subject():
    listing = json.loads((PAGES / "expected.json").read_text(encoding="utf-8"))
    return next(one["subject"] for one in listing if one["file"] == "youtube_feed.xml")


@pytest.fixture
def failed(simulated, subject):
    """Keep a sound page as one that an older reader could not read; return its visit and account."""

    def keep(body):
        account = simulated.connect("acme", 1, provider="youtube")
        url = FEED.address(YOUTUBE.site.origin, subject)
        capture = Capture(url, 200, body)
        verdict = Refusal(Outcome.LAYOUT_CHANGED, "An older reader did not know it.", ("views",))
        visit = Visit(FEED, subject, url, verdict, capture, "light", 0.1, None, None)
        files = EvidenceStore(simulated.backline.settings).keep(visit)
        row = {
            "id": uuid.uuid4(),
            "run_id": "r",
            "root_run_id": "r",
            "job_id": uuid.uuid4(),
            "account_id": account,
        }
        row |= {"provider": "youtube", "page": FEED.name, "subject": subject, "outcome": "layout_changed"}
        row |= {
            "way": "light",
            "detail": "",
            "duration_ms": 1,
            "size": 1,
            "at": utc_now() - THEN,
            "missing": [],
        }
        kept = {"visit_id": row["id"], "url": url, "html_file": files.html_file, "size": files.size}
        with simulated.database.write() as connection:
            connection.execute(sa.insert(ScraperVisit).values(**row))
            connection.execute(sa.insert(ScraperEvidence).values(**kept, taken_at=utc_now()))
        return row["id"], account

    return keep


def stored(simulated):
    table = page_table_of(YOUTUBE, FEED)
    return simulated.rows(sa.select(table.c.account_id, table.c.day, table.c.views))


def test_a_page_is_read_again_and_nothing_is_written_unasked(simulated, failed):
    failed((PAGES / "youtube_feed.xml").read_text(encoding="utf-8"))
    (one,) = replay(simulated.backline, None, (), store=False)
    assert isinstance(one.verdict, Reading)
    assert not one.stored
    assert stored(simulated) == []


def test_the_lost_day_is_recovered_once_and_only_where_it_is_lost(simulated, failed):
    visit, account = failed((PAGES / "youtube_feed.xml").read_text(encoding="utf-8"))
    assert [one.stored for one in replay(simulated.backline, "youtube", (visit,), store=True)] == [True]
    rows = stored(simulated)
    assert {(row["account_id"], row["day"]) for row in rows} == {(account, (utc_now() - THEN).date())}
    assert [one.stored for one in replay(simulated.backline, "youtube", (visit,), store=True)] == [False]
    assert stored(simulated) == rows


def test_a_page_that_is_still_not_read_stores_nothing(simulated, failed):
    failed("<html>nothing that anybody knows</html>")
    (one,) = replay(simulated.backline, None, (), store=True)
    assert isinstance(one.verdict, Refusal)
    assert not one.stored


def test_evidence_that_is_gone_from_the_disk_is_said_so(simulated, failed):
    failed((PAGES / "youtube_feed.xml").read_text(encoding="utf-8"))
    for path in simulated.backline.settings.evidence_folder.glob("*/*"):
        path.unlink()
    (one,) = replay(simulated.backline, None, (), store=True)
    assert one.verdict is None


def test_only_what_is_asked_for_is_read_again(simulated, failed):
    failed((PAGES / "youtube_feed.xml").read_text(encoding="utf-8"))
    assert list(replay(simulated.backline, "spotify", (), store=False)) == []
    assert list(replay(simulated.backline, None, (uuid.uuid4(),), store=False)) == []
