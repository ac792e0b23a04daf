"""What the page of scrapers asks of a database, asked of SQLite and of PostgreSQL."""

import pytest

PAGE = "/admin/integrations/scrapers"


@pytest.fixture
def console_database_url(database_url):
    """One of each kind."""
    return database_url


def test_page_shows_health_jobs_and_failures(browser, scraped, ago):
    scraped.health(status="error", metadata={"outcomes": {"blocked": 7}})
    scraped.job()
    scraped.job("failed", created_at=ago(hours=1))
    visit = scraped.visit(missing=["followers"])
    scraped.evidence(visit, "<p>")
    text = browser.get(PAGE, params={"provider": "spotify", "outcome": "blocked"}).text
    for told in ("Failing", ">Waiting<", ">Failed<", "<code>followers</code>"):
        assert told in text
    assert browser.get(f"{PAGE}/evidence/{visit}").status_code == 200
    assert len(browser.get("/api/v1/scrapers/jobs").json()["ended"]) == 1


def test_orders_are_carried_out(browser, scraped):
    job = browser.post(f"{PAGE}/spotify/start").headers["location"].rpartition("=")[2]
    assert browser.post(f"{PAGE}/spotify/start").headers["location"].endswith(job)
    for path in (f"jobs/{job}/stop", "spotify/pause", "spotify/resume", "spotify/configure"):
        assert browser.post(f"{PAGE}/{path}").status_code == 303
