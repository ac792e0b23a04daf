"""Scrapes: every page is typed, recorded once, and told of; walls end them, people stop them."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import msgspec
import pytest

from resources.errors import BucketSpent
from resources.events import body_of
from resources.reading.verdict import Outcome, Reading
from resources.schemas import validator_of
from resources.scraping import jobs

pytestmark = pytest.mark.scrapers


def test_readings_become_rows_of_their_day_with_way_and_layout(scraping):
    account = scraping.connect("acme", 1, "abba", "blur")
    report = scraping.scrape()
    assert report.outcomes == {Outcome.READING: 2}
    rows = scraping.rows()
    assert [row["artist_id"] for row in rows] == ["abba", "blur"]
    assert {(row["account_id"], row["layout"], row["way"]) for row in rows} == {
        (account, "stage_2026", "browser")
    }
    assert rows[0]["cities"] == [{"city": "Köln"}]


def test_a_second_reading_of_a_day_replaces_the_first(scraping):
    scraping.connect("acme", 1, "abba")
    scraping.scrape()
    scraping.scrape(scraping.but(abba=scraping.reading_of("abba", 2_000)))
    (row,) = scraping.rows()
    assert row["listeners"] == 2_000


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.READING])
def test_a_page_without_a_reading_leaves_the_old_values_as_they_were(scraping, outcome):
    scraping.connect("acme", 1, "abba")
    scraping.scrape()
    before = scraping.rows()
    report = scraping.scrape(scraping.but(abba=scraping.met(outcome)))
    assert report.outcomes == {outcome: 1}
    assert scraping.rows() == before


@pytest.mark.parametrize(
    ("spoiled", "missing"),
    [
        ({"listeners": None}, "listeners"),
        ({"listeners": -1}, "listeners"),
        ({"listeners": 2**70}, "listeners"),
        ({"listeners_step": 0}, "listeners"),
        ({"name": ""}, "name"),
        ({"followers": 5}, "followers"),
    ],
)
def test_a_reading_without_a_usable_field_is_a_changed_layout(scraping, spoiled, missing):
    scraping.connect("acme", 1, "abba")
    report = scraping.scrape(scraping.but(abba=Reading((scraping.row_of("abba") | spoiled,), "stage_2026")))
    assert report.outcomes == {Outcome.LAYOUT_CHANGED: 1}
    assert missing in report.pages["stage_page"].lacking
    assert scraping.rows() == []


def test_every_visit_is_recorded_with_what_it_came_to(scraping):
    account = scraping.connect("acme", 1, "abba", "blur")
    scraping.scrape(scraping.but(blur=scraping.met(Outcome.LAYOUT_CHANGED, "listeners")))
    visits = {row["subject"]: row for row in scraping.table("scraper_visits")}
    assert visits.keys() == {scraping.canary, "abba", "blur"}
    assert visits[scraping.canary]["account_id"] is None
    assert visits["abba"]["account_id"] == account
    assert visits["abba"]["outcome"] == "reading"
    assert visits["blur"]["missing"] == ["listeners"]
    assert visits["blur"]["detail"] == "It was layout_changed."
    (evidence,) = scraping.table("scraper_evidence")
    assert evidence["visit_id"] == visits["blur"]["id"]


def test_a_page_that_two_accounts_want_is_visited_once_and_stored_for_both(scraping):
    accounts = {scraping.connect("acme", 1, "abba"), scraping.connect("labels", 2, "abba")}
    visits = scraping.visits(scraping.all_well)
    scraping.with_visits(visits)
    assert visits.made.count(("stage_page", "abba")) == 1
    assert {row["account_id"] for row in scraping.rows()} == accounts
    assert {row["account_id"] for row in scraping.table("scraper_visits")} == {None, *accounts}


def test_each_org_is_told_once_with_its_own_counts(scraping):
    scraping.connect("acme", 1, "abba", "blur")
    scraping.connect("labels", 2, "cher")
    request = scraping.request()
    scraping.scrape(scraping.but(blur=scraping.met(Outcome.GONE)), request)
    events = {len(row["payload"]["outcomes"]): row for row in scraping.table("webhook_events")}
    assert {row["event_type"] for row in events.values()} == {"scraper.completed"}
    assert events[2]["payload"] == {
        "runId": request.run_id,
        "jobId": str(request.job_id),
        "outcomes": {"reading": 1, "gone": 1},
        "pages": {"read": 1, "failed": 1},
    }
    assert events[1]["payload"]["pages"] == {"read": 1, "failed": 0}
    for row in events.values():
        body = msgspec.json.decode(body_of(SimpleNamespace(**row)))
        validator_of("scraper.completed").validate(body)


def test_not_found_is_believed_only_while_the_canary_is_found(scraping):
    scraping.connect("acme", 1, "abba")
    believed = scraping.scrape(scraping.but(abba=scraping.met(Outcome.NOT_FOUND)))
    assert believed.outcomes == {Outcome.NOT_FOUND: 1}
    doubted = scraping.scrape(lambda _page, _subject: scraping.met(Outcome.NOT_FOUND))
    assert doubted.outcomes == {Outcome.BLOCKED: 1}
    (failure,) = doubted.pages["stage_page"].failures
    assert scraping.canary in failure.detail


def test_five_failures_in_a_row_leave_the_rest_unvisited(scraping):
    scraping.connect("acme", 1, *(f"a{number:02}" for number in range(40)))
    report = scraping.scrape(
        lambda _page, subject: (
            scraping.met(Outcome.BLOCKED) if subject != scraping.canary else scraping.reading_of(subject)
        )
    )
    page = report.pages["stage_page"]
    assert 5 <= page.visits < 5 + scraping.simulated.backline.settings.scraper_concurrency
    assert page.deferred == 40 - page.visits
    assert "5 pages in a row gave no reading; the last was blocked" in page.stopped
    (event,) = scraping.table("webhook_events")
    assert event["payload"]["pages"]["failed"] == page.visits


def test_a_kind_of_page_that_is_given_up_does_not_hold_up_the_other(scraping):
    scraping.connect("acme", 1, *(f"a{number:02}" for number in range(20)))
    request = scraping.request(pages=("stage_page", "pit_page"))
    report = scraping.scrape(
        lambda page, subject: (
            scraping.met(Outcome.LOGIN_WALL) if page.name == "pit_page" else scraping.reading_of(subject)
        ),
        request,
    )
    assert report.pages["stage_page"].outcomes == {Outcome.READING: 20}
    assert report.pages["pit_page"].deferred > 0


def test_a_day_whose_pages_are_spent_defers_the_rest_and_says_so(scraping):
    scraping.connect("acme", 1, "abba", "blur", "cher")
    spent = BucketSpent("spotify", "today's 2 units for `pages` are spent")
    report = scraping.scrape(scraping.but(cher=spent, blur=spent, abba=spent))
    assert report.deferred == 3
    assert "are spent" in report.pages["stage_page"].stopped
    assert scraping.table("webhook_events") == [], "nothing was visited, there is nothing to tell"


def test_a_stop_ends_it_within_seconds_and_what_was_read_stays(scraping):
    scraping.connect("acme", 1, *(f"a{number:02}" for number in range(60)))
    request = scraping.request()

    def answer(_page, subject):
        if len(scraping.rows()) == 8:
            jobs.stop(scraping.database, request.job_id, "bob")
        return scraping.reading_of(subject)

    report = scraping.scrape(answer, request, seconds=0.4)
    assert report.cancelled
    read = len(scraping.rows())
    assert 8 <= read < 60
    visits = scraping.table("scraper_visits")
    assert len([row for row in visits if row["account_id"]]) == read, "a row and its visit, or neither"
    (event,) = scraping.table("webhook_events")
    assert event["payload"]["pages"]["read"] == read


def test_no_more_pages_are_under_way_than_allowed(scraping):
    scraping.connect("acme", 1, *(f"a{number:02}" for number in range(12)))
    visits = scraping.visits(scraping.all_well, seconds=0.1)
    scraping.with_visits(visits)
    assert visits.most_under_way == scraping.simulated.backline.settings.scraper_concurrency


def test_a_run_that_repeats_another_visits_only_what_that_did_not_settle(scraping):
    scraping.connect("acme", 1, "abba", "blur", "cher")
    first = scraping.request()
    scraping.scrape(
        scraping.but(blur=scraping.met(Outcome.TIMED_OUT), cher=scraping.met(Outcome.GONE)), first
    )
    again = scraping.visits(scraping.all_well)
    second = scraping.request(root=first.run_id)
    scraping.with_visits(again, second)
    assert [subject for _, subject in again.made] == [scraping.canary, "blur"]
    told = scraping.table("webhook_events")
    assert len({row["id"] for row in told}) == 2, "what is repaired is news"
    assert told[-1]["payload"]["outcomes"] == {"reading": 2, "gone": 1}


def test_only_what_is_wished_is_visited(scraping):
    wanted = scraping.connect("acme", 1, "abba")
    scraping.connect("acme", 2, "blur")
    scraping.connect("labels", 3, "cher")
    for wish in ({"accounts": (str(wanted),)}, {"orgs": ("acme",), "accounts": (str(wanted),)}):
        visits = scraping.visits(scraping.all_well)
        scraping.with_visits(visits, scraping.request(**wish))
        assert [subject for _, subject in visits.made] == [scraping.canary, "abba"]


def test_nothing_to_visit_asks_the_site_for_nothing(scraping):
    visits = scraping.visits(scraping.all_well)
    report = scraping.with_visits(visits, scraping.request(accounts=(str(uuid.uuid4()),)))
    assert visits.made == []
    assert report.results == {"total": 0, "done": 0, "deferred": 0, "outcomes": {}}


def test_an_error_of_our_own_ends_the_scrape_and_is_raised(scraping):
    scraping.connect("acme", 1, "abba")
    with pytest.raises(ZeroDivisionError):
        scraping.scrape(scraping.but(abba=ZeroDivisionError("ours")))
