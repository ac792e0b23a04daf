"""The page of scrapers: what is broken, since when, and what to press."""

import pytest

from resources.tables import ScraperHealth
from resources.visiting import controls

PAGE = "/admin/integrations/scrapers"


def test_what_was_never_visited_says_what_to_do(browser):
    text = browser.get(PAGE).text
    assert "No public page was visited yet" in text
    assert text.count("Never visited") == 3
    assert "Press Start, or wait for the schedule." in text
    assert "the canary <code>canary-1</code>" in text


def test_console_without_declared_pages_says_so(browser, app):
    app.state.console.providers.clear()
    assert "No provider has public pages." in browser.get(PAGE).text


def test_page_in_order_shows_its_numbers(browser, scraped, ago):
    scraped.health(
        success_rate=0.991,
        error_count=3,
        last_success_at=ago(minutes=20),
        metadata={"outcomes": {"reading": 1322, "blocked": 3}, "canary": "reading", "p95_ms": 1840},
    )
    text = browser.get(PAGE).text
    assert "What was visited is in order, 2 of 3 kinds of page never were" in text
    for told in ("In order", "99.1%", "3 errors", "<b>1,322</b>", "1,840 ms", "canary: read", "20 min ago"):
        assert told in text
    assert f'href="{PAGE}?provider=spotify&amp;page=artist_page&amp;outcome=blocked#failures"' in text


def test_failing_page_says_what_grew_and_the_cure(browser, scraped):
    visit = scraped.visit()
    metadata = {
        "reason": "blocked grew from 1 to 30.",
        "cure": "Pause for an hour.",
        "evidence": [str(visit)],
    }
    scraped.health(status="error", success_rate=0.4, metadata=metadata)
    text = browser.get(PAGE).text
    assert "1 of 3 kinds of page needs somebody" in text
    assert "blocked grew from 1 to 30." in text
    assert "Pause for an hour." in text
    assert f'href="{PAGE}/evidence/{visit}"' in text


def test_odd_numbers_and_pages_left_out_are_told(browser, scraped):
    drift = {"subject": "31abc", "column": "followers", "before": 31000, "now": 12}
    source = {
        "subject": "31abc",
        "column": "listeners",
        "page_value": 5000,
        "source": "artists",
        "source_value": 9,
    }
    metadata = {
        "deferred": 7,
        "stopped": "The day's pages are spent.",
        "drifts": [drift],
        "disagreements": [source],
    }
    scraped.health(status="warn", metadata=metadata)
    text = browser.get(PAGE).text.replace("&#39;", "'")
    for told in (
        "The day's pages are spent.",
        "7 pages were left for the next scrape.",
        "31abc: followers went from 31,000 to 12.",
        "31abc: listeners is 5,000 on the page, 9 at artists.",
    ):
        assert told in text
    assert "not read as they should be" not in text


def test_part_that_is_not_understood_hides_no_other(browser, scraped):
    scraped.health(status="error", metadata={"reason": "blocked grew.", "p95_ms": "soon", "drifts": [{}]})
    assert "blocked grew." in browser.get(PAGE).text


def test_few_of_much_evidence_is_linked(browser, scraped):
    visits = [str(scraped.visit()) for _ in range(7)]
    scraped.health(status="error", metadata={"reason": "blocked grew.", "evidence": visits})
    text = browser.get(PAGE).text
    assert [f'evidence/{visit}">visit' in text for visit in visits] == [True] * 5 + [False] * 2


@pytest.mark.parametrize(
    "metadata", [{}, {"outcomes": "x"}, {"evidence": ["no id"]}, {"p95_ms": None}, {"new": 1}]
)
def test_unknown_detail_breaks_no_page(browser, scraped, metadata):
    scraped.health(status="error", success_rate=None, response_time_ms=None, metadata=metadata)
    text = browser.get(PAGE).text
    assert "Failing" in text
    assert "The last visits were not read as they should be." in text


def test_unknown_status_is_not_known(browser, scraped):
    scraped.health(status="purple")
    assert "Not known" in browser.get(PAGE).text


def test_page_that_nobody_visited_for_long_needs_a_look(browser, scraped, ago):
    scraped.health(last_check_at=ago(days=3))
    text = browser.get(PAGE).text
    assert "Needs a look" in text
    assert "though one is due every 1d" in text


def test_paused_pages_are_not_overdue(browser, scraped, backline, declared, ago):
    scraped.health(last_check_at=ago(days=3))
    controls.pause(backline.database, declared["spotify"], "ada")
    assert "In order" in browser.get(PAGE).text


def test_schedule_of_the_operators_own_is_not_second_guessed(browser, scraped, ago, monkeypatch):
    scraped.health(last_check_at=ago(days=3))
    monkeypatch.setenv("BACKLINE_SPOTIFY_PAGES_CRON", "0 4 * * 1")
    assert "In order" in browser.get(PAGE).text


def test_hostile_words_of_health_are_shown_as_words(browser, scraped):
    evil = "<script>alert(1)</script>"
    scraped.health(
        status="error", metadata={"reason": evil, "cure": evil, "canary": evil, "outcomes": {evil: 2}}
    )
    text = browser.get(PAGE).text
    assert evil not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_provider_card_of_the_integrations_tells_of_the_pages(browser, scraped, backline, declared):
    home = "/admin/integrations/providers"
    assert "never visited" in browser.get(home).text
    scraped.health()
    assert "1 of 1 in order" in browser.get(home).text
    with backline.database.write() as connection:
        connection.execute(ScraperHealth.__table__.update().values(status="error"))
    controls.pause(backline.database, declared["spotify"], "ada")
    text = browser.get(home).text
    assert "1 of 1 needs a look" in text
    assert f'<a href="{PAGE}#scraper-spotify">Public pages</a>' in text
    assert "Paused" in text


def test_each_page_leads_to_the_other(browser):
    for path in (PAGE, "/admin/integrations/providers"):
        text = browser.get(path).text
        assert f'<a href="{path}" aria-current="page">' in text
        assert f'<a href="{PAGE}" ' in text


def test_only_this_page_runs_a_script_and_only_our_own(browser):
    policy = browser.get(PAGE).headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none';")
    assert "script-src 'none'" in browser.get(f"{PAGE}/spotify/start").headers["content-security-policy"]
