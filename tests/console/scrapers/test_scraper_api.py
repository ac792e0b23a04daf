"""The JSON API of scrapers: the same as the page shows, and the same orders."""

import uuid

from resources.tables import ScraperJob
from resources.visiting import controls

API = "/api/v1/scrapers"


def test_health_and_controls_are_told(browser, scraped, backline, declared):
    scraped.health(status="error", error_count=4, success_rate=0.5, metadata={"reason": "blocked grew."})
    controls.pause(backline.database, declared["youtube"], "ada")
    spotify, youtube = browser.get(API).json()["scrapers"]
    assert (spotify["provider"], spotify["paused_at"], spotify["daily_pages"]) == ("spotify", None, 2000)
    assert (youtube["paused_by"], youtube["pages"][0]["status"]) == ("ada", "never")
    (page,) = spotify["pages"]
    assert (page["page"], page["status"], page["success_rate"], page["error_count"]) == (
        *("artist_page", "error", 0.5),
        4,
    )
    assert page["reason"] == "blocked grew."


def test_job_is_asked_for_followed_and_stopped(browser, scraped):
    order = {"provider": "spotify", "pages": ["artist_page"]}
    reply = browser.send("POST", f"{API}/jobs", json=order)
    accepted = reply.json()
    assert (reply.status_code, reply.headers["location"]) == (202, accepted["job"])
    job = browser.get(accepted["job"]).json()
    assert (job["status"], job["pages"], job["requested_by"]) == ("pending", ["artist_page"], "ada")
    assert browser.get(accepted["page"]).status_code == 200
    stopped = browser.send("POST", f"{accepted['job']}/stop")
    assert (stopped.status_code, stopped.json()["status"]) == (202, "cancelled")
    again = browser.send("POST", f"{accepted['job']}/stop")
    assert (again.status_code, again.json()["error"]["detail"]) == (409, "It is cancelled already.")


def test_order_sent_again_under_its_id_is_the_same_job(browser, scraped):
    order = {"provider": "spotify", "id": str(uuid.uuid4())}
    for _ in range(2):
        assert browser.send("POST", f"{API}/jobs", json=order).json()["id"] == order["id"]
    assert str(scraped.one(ScraperJob).id) == order["id"]


def test_jobs_are_listed_by_provider_and_status(browser, scraped, ago):
    results = {"total": 3, "done": 3, "outcomes": {"reading": 3}}
    scraped.job("completed", results=results, run_id="run-1", completed_at=ago(seconds=1))
    scraped.job(provider="youtube")
    listed = browser.get(f"{API}/jobs").json()
    assert [len(listed[part]) for part in ("live", "ended")] == [1, 1]
    (job,) = listed["ended"]
    assert (job["total"], job["outcomes"]) == (3, {"reading": 3})
    assert job["run_url"] == "http://dagster.example:3000/runs/run-1"
    assert browser.get(f"{API}/jobs?provider=spotify").json()["live"] == []
    assert browser.get(f"{API}/jobs?status=pending").json()["ended"] == []


def test_bad_orders_are_refused_with_the_field(browser):
    for order, told in (
        ({"provider": "instagram"}, "provider: 'instagram' has no public pages."),
        ({"provider": "spotify", "pages": ["x"]}, "pages: 'x' is unknown."),
        ({"provider": "spotify", "orgs": ["x"]}, "org: x is unknown."),
    ):
        reply = browser.send("POST", f"{API}/jobs", json=order)
        assert (reply.status_code, reply.json()["error"]["detail"]) == (422, told)
    assert browser.send("POST", f"{API}/jobs", json={"provider": 7}).status_code == 422
    assert browser.send("POST", f"{API}/jobs", content="{").status_code == 422


def test_unknown_job_is_not_there(browser):
    unknown = f"{API}/jobs/{uuid.uuid4()}"
    assert browser.get(unknown).status_code == 404
    assert browser.send("POST", f"{unknown}/stop").status_code == 404


def test_order_of_another_site_is_refused(browser):
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    reply = browser.send("POST", f"{API}/jobs", json={"provider": "spotify"}, headers=foreign)
    assert reply.status_code == 403
