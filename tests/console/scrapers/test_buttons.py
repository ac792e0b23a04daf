"""The buttons of the page of scrapers: start, stop, pause, resume, configure."""

import uuid

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.tables import AuditEntry, ScraperControl, ScraperJob

PAGE = "/admin/integrations/scrapers"


def test_start_asks_for_all_of_a_provider_once(browser, scraped):
    replies = [browser.post(f"{PAGE}/spotify/start") for _ in range(2)]
    job = scraped.one(ScraperJob)
    assert {reply.headers["location"] for reply in replies} == {f"{PAGE}?asked={job.id}"}
    assert (job.status, job.job_type, job.requested_by) == ("pending", "console", "ada")
    assert job.config == {"orgs": [], "accounts": [], "pages": []}
    assert "Spotify, all pages:</strong>" in browser.get(replies[0].headers["location"]).text


def test_start_of_one_kind_and_one_org(browser, scraped, stored):
    stored("a", org="acme")
    assert browser.post(f"{PAGE}/youtube/start", kind="feed_page").status_code == 303
    assert browser.post(f"{PAGE}/youtube/start", kind="feed_page", org=" acme ").status_code == 303
    with scraped.backline.database.read() as connection:
        configs = connection.execute(sa.select(ScraperJob.config)).scalars().all()
    assert [(one["orgs"], one["pages"]) for one in configs] == [
        ([], ["feed_page"]),
        (["acme"], ["feed_page"]),
    ]


def test_start_page_offers_what_there_is(browser, stored):
    stored("a", org="acme")
    text = browser.get(f"{PAGE}/youtube/start", params={"org": "acme", "kind": "feed_page"}).text
    assert '<option value="feed_page" selected>' in text
    assert 'value="acme"' in text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"org": "nobody"}, "Nobody is unknown"),
        ({"kind": "song_page"}, "&#39;song_page&#39; is unknown; use some of artist_page."),
        ({"org": "<script>x</script>"}, "&lt;script&gt;x&lt;/script&gt; is unknown"),
    ],
)
def test_refused_start_says_why_at_its_field(browser, form, told):
    reply = browser.post(f"{PAGE}/spotify/start", **form)
    assert reply.status_code == 422
    assert told in reply.text
    assert 'aria-invalid="true" aria-describedby="problem"' in reply.text
    assert "<script>x" not in reply.text


def test_waiting_job_is_cancelled_at_once(browser, scraped):
    job = scraped.job()
    reply = browser.post(f"{PAGE}/jobs/{job}/stop")
    assert scraped.one(ScraperJob).status == "cancelled"
    assert "stopped; what was read before stays" in browser.get(reply.headers["location"]).text


def test_running_job_is_asked_to_stop(browser, scraped, ago):
    job = scraped.job("running", started_at=ago(seconds=9), heartbeat_at=utc_now())
    reply = browser.post(f"{PAGE}/jobs/{job}/stop")
    assert scraped.one(ScraperJob).stop_requested_at is not None
    assert "asked to stop; it ends within five seconds" in browser.get(reply.headers["location"]).text


def test_job_that_had_ended_is_told(browser, scraped):
    job = scraped.job("completed")
    reply = browser.post(f"{PAGE}/jobs/{job}/stop")
    assert "it had ended by itself: completed" in browser.get(reply.headers["location"]).text


def test_pause_is_unmistakable_and_resume_takes_it_back(browser, scraped):
    assert browser.post(f"{PAGE}/spotify/pause").headers["location"] == f"{PAGE}#scraper-spotify"
    control = scraped.one(ScraperControl)
    assert control.paused_by == "ada"
    text = browser.get(PAGE).text
    assert f"({control.paused_at:%Y-%m-%d %H:%M:%S} UTC)" in text
    assert "by ada</strong>" in text
    assert "press Resume to let them" in text
    assert f'action="{PAGE}/spotify/start"' not in text
    assert browser.post(f"{PAGE}/spotify/resume").status_code == 303
    assert "press Resume" not in browser.get(PAGE).text


def test_settings_are_stored_shown_and_taken_back(browser, scraped):
    form = {"pause_seconds": "8.5", "concurrency": "", "daily_pages": "1000000"}
    reply = browser.post(f"{PAGE}/youtube/configure", **form)
    assert reply.headers["location"] == f"{PAGE}?configured=youtube#scraper-youtube"
    text = browser.get(PAGE, params={"configured": "youtube"}).text
    assert "YouTube is configured." in text
    assert "A pause of 8.5 s between pages" in text
    assert "at most 1,000,000 pages a day; set by hand" in text
    text = browser.get(f"{PAGE}/youtube/configure").text
    assert 'value="8.5" placeholder="3"' in text
    assert 'value="" placeholder="2"' in text
    assert 'value="1000000" placeholder="2000"' in text
    browser.post(f"{PAGE}/youtube/configure")
    assert scraped.one(ScraperControl).config == {}


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("pause_seconds", "soon", "&#39;soon&#39; is no number; give a number from 0 to 3600."),
        ("pause_seconds", "nan", "out of range"),
        ("concurrency", "17", "17 is out of range; give a number from 1 to 16."),
        ("daily_pages", "1.5", "is no number"),
        ("daily_pages", '"><script>x</script>', "is no number"),
    ],
)
def test_refused_setting_says_why_at_its_field(browser, scraped, name, typed, told):
    reply = browser.post(f"{PAGE}/spotify/configure", **{name: typed})
    assert reply.status_code == 422
    assert told in reply.text
    assert f'aria-describedby="{name}-hint {name}-problem"' in reply.text
    assert "<script>x" not in reply.text
    with scraped.backline.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(ScraperControl)).scalar() == 0


def test_every_order_is_in_the_audit_log(browser, scraped):
    job = browser.post(f"{PAGE}/spotify/start").headers["location"].rpartition("=")[2]
    for path in (f"jobs/{job}/stop", "spotify/pause", "spotify/resume", "spotify/configure"):
        browser.post(f"{PAGE}/{path}")
    with scraped.backline.database.read() as connection:
        rows = connection.execute(
            sa.select(AuditEntry.action, AuditEntry.actor)
            .where(AuditEntry.action.startswith("scraper."))
            .order_by(AuditEntry.at)
        ).all()
    words = ("asked", "stopped", "paused", "resumed", "configured")
    assert rows == [(f"scraper.{word}", "ada") for word in words]


ORDERS = ("start", "pause", "resume", "configure")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("provider", ["instagram", "myspace"])
def test_provider_without_pages_is_not_there(browser, provider, order):
    assert browser.post(f"{PAGE}/{provider}/{order}").status_code == 404


def test_unknown_job_is_not_there(browser):
    assert browser.post(f"{PAGE}/jobs/{uuid.uuid4()}/stop").status_code == 404
    assert browser.post(f"{PAGE}/jobs/7/stop").status_code == 422


@pytest.mark.parametrize("order", ORDERS)
def test_orders_of_another_site_are_refused(browser, order):
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert browser.send("POST", f"{PAGE}/spotify/{order}", headers=foreign).status_code == 403
