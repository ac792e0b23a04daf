"""Jobs on the page of scrapers: what runs, what waits and why, and how the last ones ended."""

from resources.database import utc_now
from resources.visiting import controls

PAGE = "/admin/integrations/scrapers"


def test_no_job_says_what_to_do(browser):
    assert "No scrape was asked for yet." in browser.get(PAGE).text


def test_running_job_shows_its_progress_and_its_run(browser, scraped, ago):
    scraped.job(
        "running",
        started_at=ago(seconds=95),
        heartbeat_at=utc_now(),
        run_id="run-9",
        requested_by="ada",
        config={"orgs": ["acme"], "pages": ["artist_page"]},
        results={"total": 1200, "done": 41, "outcomes": {"reading": 38, "blocked": 3}},
    )
    text = browser.get(PAGE).text
    assert '<progress max="1200" value="41"' in text
    for told in ("41 of 1,200 pages", "Artist page of acme", "by ada, by the schedule", "for 1 min 3"):
        assert told in text
    assert 'href="http://dagster.example:3000/runs/run-9" rel="noreferrer"' in text


def test_running_job_without_results_counts(browser, scraped, ago):
    scraped.job("running", started_at=ago(seconds=1), results="odd")
    assert "counting its pages" in browser.get(PAGE).text


def test_silent_job_is_told(browser, scraped, ago):
    scraped.job("running", started_at=ago(minutes=9), heartbeat_at=ago(minutes=4))
    text = browser.get(PAGE).text
    assert "Silent" in text
    assert "its run has died or hangs" in text


def test_stopping_job_has_no_second_stop(browser, scraped, ago):
    job = scraped.job(
        "running", started_at=ago(seconds=5), heartbeat_at=utc_now(), stop_requested_at=utc_now()
    )
    text = browser.get(PAGE).text
    assert "Stopping" in text
    assert f"/jobs/{job}/stop" not in text


def test_waiting_job_says_for_what(browser, scraped, backline, declared, ago):
    scraped.job()
    assert "Dagster begins it within seconds" in browser.get(PAGE).text
    scraped.job(created_at=ago(minutes=3))
    text = browser.get(PAGE).text
    assert "no run has begun it since" in text
    assert "waits for the job before it" in text
    controls.pause(backline.database, declared["spotify"], "ada")
    text = browser.get(PAGE).text
    assert "no run has begun it since" not in text
    assert text.count("waits until Spotify is resumed") == 2


def test_job_behind_one_that_runs_is_no_fault(browser, scraped, ago):
    scraped.job("running", started_at=ago(minutes=9), heartbeat_at=utc_now())
    scraped.job(created_at=ago(minutes=8))
    text = browser.get(PAGE).text
    assert "waits for the job before it" in text
    assert "no run has begun it since" not in text


def test_ended_jobs_stand_newest_first_with_their_end(browser, scraped, ago):
    results = {"total": 3, "done": 3, "outcomes": {"reading": 2, "gone": 1}}
    span = {"started_at": ago(hours=3), "completed_at": ago(hours=1)}
    scraped.job("completed", created_at=ago(hours=3), results=results, **span)
    scraped.job("failed", created_at=ago(hours=2), error_message="<b>No browser</b>")
    scraped.job("cancelled", created_at=ago(hours=1), job_type="n8n")
    scraped.job("completed", created_at=ago(hours=9), job_type="command", requested_by="command line")
    text = browser.get(PAGE).text
    assert text.index(">Cancelled<") < text.index(">Failed<") < text.index(">Completed<")
    assert "&lt;b&gt;No browser&lt;/b&gt;" in text
    assert "2 h 0 min" in text
    assert "by n8n" in text
    assert ">by the command line<" in text


def test_history_keeps_to_the_newest_fifty(browser, scraped, ago):
    for number in range(52):
        scraped.job("failed" if number % 2 else "completed", created_at=ago(minutes=number))
    text = browser.get(PAGE).text
    assert "The newest 50 that ended" in text
    assert "51 min ago" not in text


def test_job_of_a_provider_that_is_no_more_is_shown(browser, scraped):
    scraped.job("completed", provider="myspace")
    assert "myspace" in browser.get(PAGE).text
