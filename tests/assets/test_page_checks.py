"""The verdicts on a kind of page: what turns each of them red, and what they then say."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import dagster as dg
import pytest

from assets.page_checks import DESCRIPTIONS, judge_page, page_check_specs
from resources.providers import PROVIDERS
from resources.reading.verdict import Outcome, Reading, Refusal
from resources.scraping.comparison import Comparison, Disagreement, Drift
from resources.scraping.health import PageHealth
from resources.scraping.report import Failure, PageReport
from resources.visiting.browser import BrowserUsage

pytestmark = pytest.mark.scrapers

PAGE = PROVIDERS["youtube"].site.page("channel_page")
KEY = dg.AssetKey(["youtube", "channel_page"])
WELL = Reading((), "layout")
BACKLINE = SimpleNamespace(
    settings=SimpleNamespace(public_url="http://console.test/", browser_mb=1_000, page_seconds=30.0)
)


def judged(*, canary=WELL, before=None, browser=None, seconds=1.0, comparison=None, **outcomes):
    """Judge a run with so many pages of each outcome; return the verdicts by name."""
    report = PageReport(PAGE, canary=canary)
    for name, count in outcomes.items():
        outcome = Outcome(name)
        for _ in range(count):
            missing = ("subscribers",) if outcome is Outcome.LAYOUT_CHANGED else ()
            refusal = Refusal(outcome, "It was so.", missing)
            failure = Failure(uuid.UUID(int=7), "UC7", outcome, "It was so.", missing, True, True)
            report.add(WELL if outcome is Outcome.READING else refusal, failure)
            report.latency.add(seconds)
    comparison = comparison or Comparison({}, {}, [], [])
    moment = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    health = PageHealth(report, Counter(before or {}), comparison, moment)
    found = judge_page(KEY, health, browser or BrowserUsage(), BACKLINE)
    return {check.check_name: check for check in found}


def red(verdicts):
    return {name for name, check in verdicts.items() if not check.passed}


def said(verdicts, name):
    return {key: value.value for key, value in verdicts[name].metadata.items()}


def test_every_declared_check_is_judged_and_described():
    assert {spec.name for spec in page_check_specs(KEY)} == set(judged(reading=3)) == set(DESCRIPTIONS)


def test_all_well_is_green():
    assert red(judged(reading=100, gone=3, not_found=2)) == set()


@pytest.mark.parametrize(("failed", "is_red"), [(1, False), (2, True), (3, True)])
def test_pages_are_read_to_more_than_98_percent(failed, is_red):
    verdicts = judged(reading=100 - failed, timed_out=failed)
    assert ("scraper_success_rate" in red(verdicts)) == is_red


def test_a_changed_layout_names_what_grew_the_field_and_a_picture():
    verdicts = judged(reading=5, layout_changed=5, before={"reading": 50})
    told = said(verdicts, "scraper_success_rate")
    assert told["grew"] == "layout changed: 50% of 10 pages, 0% before; missing subscribers."
    assert told["missing"] == "subscribers"
    page = "http://console.test/admin/integrations/scrapers/evidence/00000000-0000-0000-0000-000000000007"
    assert f"[UC7]({page})" in told["evidence"]
    assert told["screenshot"] == f"{page}/screenshot.png"
    assert red(verdicts) == {"scraper_success_rate", "field_coverage"}
    assert said(verdicts, "field_coverage")["lacking"] == "subscribers"


@pytest.mark.parametrize("wall", ["blocked", "login_wall", "consent_wall"])
def test_walls_before_more_than_5_percent_are_ill_health(wall):
    assert "scraper_health" not in red(judged(reading=95, **{wall: 5}))
    assert "scraper_health" in red(judged(reading=94, **{wall: 6}))


def test_a_canary_that_is_not_read_is_ill_health_whatever_else_was():
    verdicts = judged(reading=10, canary=Refusal(Outcome.NOT_FOUND, "No."))
    assert red(verdicts) == {"scraper_health"}
    assert said(verdicts, "scraper_health")["canary"] == "not_found"


def test_a_browser_that_held_more_than_twice_its_memory_is_ill():
    assert red(judged(reading=1, browser=BrowserUsage(peak_rss_mb=1_999))) == set()
    verdicts = judged(reading=1, browser=BrowserUsage(peak_rss_mb=2_001, cpu_seconds=3.5))
    assert red(verdicts) == {"scraper_health"}
    assert said(verdicts, "scraper_health")["browser_cpu_seconds"] == 3.5


def test_slow_pages_warn():
    verdicts = judged(reading=10, seconds=16)
    assert red(verdicts) == {"response_time"}
    assert verdicts["response_time"].severity is dg.AssetCheckSeverity.WARN


def test_a_field_that_a_fifth_more_rows_lack_is_named():
    lost = Comparison({"videos": 0.7, "handle": 0.9}, {"videos": 1.0, "handle": 1.0}, [], [])
    verdicts = judged(reading=10, comparison=lost)
    assert red(verdicts) == {"field_coverage"}
    assert said(verdicts, "field_coverage")["lacking"] == "videos"


def test_numbers_that_cannot_be_believed_warn_and_are_shown():
    odd = Comparison(
        {},
        {},
        [Drift("UC7", "subscribers", 1_000, 9_000)],
        [Disagreement("UC7", "subscribers", 9_000, "api", 1_000)],
    )
    verdicts = judged(reading=10, comparison=odd)
    assert red(verdicts) == {"value_drift", "source_agreement"}
    assert all(verdicts[name].severity is dg.AssetCheckSeverity.WARN for name in red(verdicts))
    assert "UC7: subscribers 1,000 → 9,000" in said(verdicts, "value_drift")["numbers"]
    assert "UC7: subscribers 9,000, api 1,000" in said(verdicts, "source_agreement")["numbers"]
