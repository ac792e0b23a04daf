"""Health: what grew is named, fields that vanish are seen, and numbers that cannot be believed are shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.reading.verdict import Outcome
from resources.streams import page_table_of
from resources.tables import ScraperVisit

pytestmark = pytest.mark.scrapers


def aged(scraping, days):
    """Let all that was read and visited so far be some days old."""
    provider = scraping.request().provider
    table = page_table_of(provider, provider.site.page("stage_page"))
    then = utc_now() - timedelta(days=days)
    with scraping.database.write() as connection:
        connection.execute(sa.update(table).values(day=then.date(), seen_at=then))
        connection.execute(sa.update(ScraperVisit).values(at=then))


def stored_health(scraping):
    (row,) = scraping.table("scraper_health")
    return row


def test_all_well_is_ok(scraping):
    scraping.connect("acme", 1, "abba", "blur")
    health = scraping.judged()["stage_page"]
    assert (health.status, health.reason, health.cure) == ("ok", "", "")
    row = stored_health(scraping)
    assert (row["provider"], row["page"], row["status"]) == ("spotify", "stage_page", "ok")
    assert row["success_rate"] == 1.0
    assert row["error_count"] == 0
    assert row["last_success_at"] is not None


def test_the_outcome_that_grew_is_named_with_its_share_before_and_its_evidence(scraping):
    artists = [f"a{number}" for number in range(10)]
    scraping.connect("acme", 1, *artists)
    scraping.judged(scraping.but(a1=scraping.met(Outcome.TIMED_OUT)))
    aged(scraping, 1)
    broken = {artist: scraping.met(Outcome.LAYOUT_CHANGED, "listeners") for artist in artists[:3]}
    health = scraping.judged(scraping.but(**broken, a9=scraping.met(Outcome.TIMED_OUT)))["stage_page"]
    assert health.status == "error"
    assert health.reason == "layout changed: 30% of 10 pages, 0% before; missing listeners."
    assert "An engineer teaches the reader the new layout" in health.cure
    row = stored_health(scraping)
    assert row["error_count"] == 4
    assert len(row["metadata"]["evidence"]) == 4
    assert row["metadata"]["missing"] == ["listeners"]


def test_absences_are_answers_not_failures(scraping):
    scraping.connect("acme", 1, "abba", "blur", "cher")
    health = scraping.judged(
        scraping.but(abba=scraping.met(Outcome.NOT_FOUND), blur=scraping.met(Outcome.GONE))
    )["stage_page"]
    assert health.report.success_rate == 1.0
    assert health.status == "ok"


def test_a_canary_that_is_not_found_is_an_error_though_all_else_was_read(scraping):
    scraping.connect("acme", 1, "abba")
    health = scraping.judged(scraping.but(canary=scraping.met(Outcome.NOT_FOUND)))["stage_page"]
    assert health.status == "error"
    assert health.reason == "The canary, which must exist, came as not found."


def test_a_page_nobody_wants_has_no_health(scraping):
    assert scraping.judged()["stage_page"].status == "unknown"
    assert scraping.table("scraper_health") == []


@pytest.mark.parametrize(
    ("now", "is_odd"), [(900, False), (1_999, False), (2_001, True), (499, True), (0, True)]
)
def test_a_number_that_more_than_doubles_or_halves_is_shown(scraping, now, is_odd):
    scraping.connect("acme", 1, "abba")
    scraping.judged()
    aged(scraping, 1)
    health = scraping.judged(scraping.but(abba=scraping.reading_of("abba", now)))["stage_page"]
    assert bool(health.comparison.drifts) == is_odd
    assert health.status == ("warn" if is_odd else "ok")
    if is_odd:
        (drift,) = health.comparison.drifts
        assert (drift.subject, drift.column, drift.before, drift.now) == ("abba", "listeners", 1_000, now)


def test_a_small_number_may_double(scraping):
    scraping.connect("acme", 1, "abba")
    scraping.judged(scraping.but(abba=scraping.reading_of("abba", 7)))
    aged(scraping, 1)
    assert scraping.judged(scraping.but(abba=scraping.reading_of("abba", 40)))["stage_page"].status == "ok"


def test_a_field_that_pages_stop_having_is_seen_against_its_history(scraping):
    scraping.connect("acme", 1, "abba")
    scraping.judged()
    aged(scraping, 1)
    bare = scraping.reading_of("abba", cities=None)
    comparison = scraping.judged(scraping.but(abba=bare))["stage_page"].comparison
    assert comparison.coverage_before["cities"] == 1.0
    assert comparison.coverage["cities"] == 0.0


@pytest.mark.parametrize(
    ("page", "step", "api", "apart"),
    [
        (10_000, 1, 10_400, False),
        (10_000, 1, 11_000, True),
        (10_000, 1_000, 11_400, False),
        (50, 1, 90, False),
    ],
)
def test_page_and_api_may_differ_by_rounding_and_tolerance_only(scraping, page, step, api, apart):
    account = scraping.connect("acme", 1, "abba")
    scraping.api_says(account, "abba", api)
    reading = scraping.reading_of("abba", followers=page, followers_step=step)
    found = scraping.judged(scraping.but(abba=reading))["stage_page"].comparison.disagreements
    assert [(one.page_value, one.source_value) for one in found] == ([(page, api)] if apart else [])


def test_a_stale_api_row_of_another_account_is_not_compared(scraping):
    scraping.connect("acme", 1, "abba")
    other = scraping.connect("labels", 2)
    scraping.api_says(other, "abba", 90_000)
    reading = scraping.reading_of("abba", followers=10_000, followers_step=1)
    assert scraping.judged(scraping.but(abba=reading))["stage_page"].comparison.disagreements == []
