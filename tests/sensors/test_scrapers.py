"""Scraper jobs become runs one by one, and none stays running or pending for ever."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from assets.pages import pages_op
from resources.database import utc_now
from resources.provider import Site
from resources.providers import PROVIDERS
from resources.scraping import jobs
from resources.tables import ScraperJob
from resources.visiting.controls import pause, resume
from sensors.runs import RUN_KEY_TAG
from sensors.scrapers import end_lost_jobs, requests_for_jobs

pytestmark = pytest.mark.scrapers
SPOTIFY, YOUTUBE = PROVIDERS["spotify"], PROVIDERS["youtube"]


@pytest.fixture(autouse=True)
def providers_with_pages(monkeypatch, dagster):
    """Let both providers have public pages, whatever they declare."""
    for name in ("spotify", "youtube"):
        provider = PROVIDERS[name]
        if provider.site is None:
            monkeypatch.setitem(PROVIDERS, name, replace(provider, site=Site("https://pages.example", ())))


@dg.op(name=pages_op(SPOTIFY), config_schema=dg.Field(dg.Permissive(), is_required=False))
def nothing() -> None:
    """Do nothing: the sensor looks at how a run ended."""


def asked(dagster, provider=SPOTIFY, **wish):
    wanted = jobs.Wish(**wish)
    return jobs.ask(dagster.backline.database, provider, wanted, job_type="console", actor="ann")


def requested(dagster):
    found = list(requests_for_jobs(dagster.backline, dagster.instance))
    return [
        (one.job_name, one.run_config["ops"][f"{one.job_name.split('_')[0]}_pages"]["config"])
        for one in found
    ]


def run_of(dagster, job, status):
    """Add a run that carries out a job, in some state."""
    return dagster.run(status, tags={RUN_KEY_TAG: f"scrape/{job}"})


def silence(dagster, job, **ago):
    values = {"heartbeat_at": utc_now() - timedelta(**ago)}
    with dagster.backline.database.write() as connection:
        connection.execute(sa.update(ScraperJob).where(ScraperJob.id == job).values(**values))


def status_of(dagster, job):
    return jobs.find(dagster.backline.database, job).status


def test_a_waiting_job_becomes_a_run_that_knows_it(dagster, simulated):
    account = simulated.connect("acme", 1)
    job = asked(dagster, orgs=("acme",), accounts=(str(account),))
    config = {"job_id": str(job), "orgs": ["acme"], "accounts": [str(account)]}
    assert requested(dagster) == [("spotify_scrape", config)]


def test_one_job_of_a_provider_at_a_time_the_oldest_first(dagster):
    first, _second, other = asked(dagster), asked(dagster), asked(dagster, YOUTUBE)
    assert [config["job_id"] for _, config in requested(dagster)] == [str(first), str(other)]
    jobs.begin(dagster.backline.database, first, "run")
    assert [name for name, _ in requested(dagster)] == ["youtube_scrape"]


def test_a_paused_provider_waits_until_it_is_resumed(dagster):
    asked(dagster)
    pause(dagster.backline.database, SPOTIFY, "ann")
    assert requested(dagster) == []
    resume(dagster.backline.database, SPOTIFY, "ann")
    assert len(requested(dagster)) == 1


def test_a_job_whose_run_is_on_its_way_gets_no_second_one(dagster):
    job = asked(dagster)
    run_of(dagster, job, dg.DagsterRunStatus.STARTING)
    assert requested(dagster) == []
    assert end_lost_jobs(dagster.backline, dagster.instance) == 0
    assert status_of(dagster, job) == "pending"


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
def test_a_job_whose_run_ended_before_it_began_fails_and_says_so(dagster, status):
    job = asked(dagster)
    run_of(dagster, job, status)
    assert end_lost_jobs(dagster.backline, dagster.instance) == 1
    row = jobs.find(dagster.backline.database, job)
    assert row.status == "failed"
    assert f"ended as {status.value}" in row.error_message


def test_a_running_job_whose_run_is_gone_fails_once_and_its_orgs_are_told_once(dagster, simulated):
    simulated.connect("acme", 1)
    simulated.connect("labels", 2)
    job = asked(dagster, orgs=("acme",))
    jobs.begin(dagster.backline.database, job, uuid.uuid4().hex)
    silence(dagster, job, minutes=3)
    assert [end_lost_jobs(dagster.backline, dagster.instance) for _ in range(2)] == [1, 0]
    assert status_of(dagster, job) == "failed"
    events = simulated.rows(sa.text("SELECT event_type, payload FROM webhook_events"))
    assert [event["event_type"] for event in events] == ["error.occurred"]


def test_a_running_job_that_was_heard_of_just_now_is_left_alone(dagster):
    job = asked(dagster)
    jobs.begin(dagster.backline.database, job, uuid.uuid4().hex)
    assert end_lost_jobs(dagster.backline, dagster.instance) == 0


@pytest.mark.parametrize(("minutes", "ended"), [(3, 0), (11, 1)])
def test_a_silent_job_whose_run_dagster_believes_in_is_given_ten_minutes(dagster, minutes, ended):
    job = asked(dagster)
    run = dagster.run(dg.DagsterRunStatus.STARTED)
    jobs.begin(dagster.backline.database, job, run.run_id)
    silence(dagster, job, minutes=minutes)
    assert end_lost_jobs(dagster.backline, dagster.instance) == ended
