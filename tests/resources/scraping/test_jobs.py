"""Scraper jobs move forward only, whoever tries what at once."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from resources.database import Database, utc_now
from resources.errors import InputRefused
from resources.migrations import upgrade
from resources.providers import PROVIDERS
from resources.scraping import jobs
from resources.tables import AuditEntry, ScraperJob

pytestmark = pytest.mark.scrapers

SPOTIFY = PROVIDERS["spotify"]
ENDED = ("completed", "failed", "cancelled")


def asked(database, **wish) -> uuid.UUID:
    return jobs.ask(database, SPOTIFY, jobs.Wish(**wish), job_type="console", actor="ann")


def test_a_job_waits_begins_and_ends(database):
    job = asked(database)
    assert [row.id for row in jobs.pending(database)] == [job]
    assert jobs.begin(database, job, "run")
    assert jobs.pending(database) == []
    assert jobs.live(database, SPOTIFY).id == job
    assert not jobs.note_progress(database, job, {"total": 2, "done": 1, "outcomes": {}})
    assert jobs.end(database, job, "completed", results={"total": 2, "done": 2, "outcomes": {}})
    row = jobs.find(database, job)
    assert (row.status, row.run_id, row.requested_by) == ("completed", "run", "ann")
    assert row.results["done"] == 2
    assert row.started_at <= row.completed_at
    assert jobs.live(database, SPOTIFY) is None


def test_only_one_run_begins_a_job(database):
    job = asked(database)
    assert [jobs.begin(database, job, run) for run in ("one", "two")] == [True, False]
    assert jobs.find(database, job).run_id == "one"


def test_a_waiting_job_is_cancelled_at_once_and_never_begins(database):
    job = asked(database)
    assert jobs.stop(database, job, "bob") == "pending"
    assert not jobs.begin(database, job, "run")
    row = jobs.find(database, job)
    assert row.status == "cancelled"
    assert "bob" in row.error_message


def test_a_running_job_is_asked_to_stop_and_hears_it_with_its_next_heartbeat(database):
    job = asked(database)
    jobs.begin(database, job, "run")
    assert jobs.stop(database, job, "bob") == "running"
    assert jobs.note_progress(database, job, {})
    assert jobs.end(database, job, "cancelled")


@pytest.mark.parametrize("status", ENDED)
def test_a_job_that_ended_can_neither_be_stopped_nor_ended_again(database, status):
    job = asked(database)
    jobs.begin(database, job, "run")
    jobs.end(database, job, status)
    with pytest.raises(InputRefused, match=f"it is {status} already; choose one"):
        jobs.stop(database, job, "bob")
    assert not jobs.end(database, job, "failed", error="late")
    assert jobs.find(database, job).error_message is None


def test_a_job_that_does_not_exist_cannot_be_stopped(database):
    with pytest.raises(InputRefused, match="there is no such job"):
        jobs.stop(database, uuid.uuid4(), "bob")


def test_the_same_id_is_the_same_job(database):
    job = uuid.uuid4()
    for actor in ("ann", "bob"):
        jobs.ask(database, SPOTIFY, jobs.Wish(), job_type="n8n", actor=actor, job_id=job)
    assert jobs.find(database, job).requested_by == "ann"
    with database.read() as connection:
        audit = connection.execute(sa.select(AuditEntry).where(AuditEntry.action == "scraper.asked")).all()
    assert len(audit) == 1


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        ({"orgs": ("nobody",)}, "org: nobody is unknown; see `backline accounts list`"),
        ({"pages": ("x_page",)}, "pages: 'x_page' is unknown"),
        ({"accounts": ("x",)}, "accounts: 'x' is no account's id"),
    ],
)
def test_what_does_not_exist_is_refused_and_no_job_is_written(database, wish, problem):
    with pytest.raises(InputRefused, match=problem):
        asked(database, **wish)
    assert jobs.pending(database) == []


def test_a_run_that_says_nothing_for_two_minutes_is_silent(database):
    job = asked(database)
    jobs.begin(database, job, "run")
    assert jobs.silent(database) == []
    with database.write() as connection:
        long_ago = utc_now() - jobs.SILENT_AFTER - timedelta(seconds=1)
        connection.execute(sa.update(ScraperJob).values(heartbeat_at=long_ago))
    assert [row.id for row in jobs.silent(database)] == [job]
    assert jobs.live(database, SPOTIFY) is None


class _Life(RuleBasedStateMachine):
    """One job, to whom everything happens in any order; the model is its word of status."""

    def __init__(self):
        super().__init__()
        self.database = Database("sqlite://")
        upgrade(self.database)
        self.job, self.status, self.stop_asked = asked(self.database), "pending", False

    @rule(run=st.sampled_from(["one", "two"]))
    def begins(self, run):
        assert jobs.begin(self.database, self.job, run) == (self.status == "pending")
        self.status = "running" if self.status == "pending" else self.status

    @rule(status=st.sampled_from(ENDED))
    def ends(self, status):
        assert jobs.end(self.database, self.job, status) == (self.status == "running")
        self.status = status if self.status == "running" else self.status

    @precondition(lambda self: self.status in jobs.LIVE)
    @rule()
    def is_stopped(self):
        assert jobs.stop(self.database, self.job, "bob") == self.status
        self.stop_asked = True
        self.status = "cancelled" if self.status == "pending" else self.status

    @rule()
    def says_how_far_it_is(self):
        assert jobs.note_progress(self.database, self.job, {"done": 1}) == self.stop_asked

    @invariant()
    def is_what_it_should_be(self):
        row = jobs.find(self.database, self.job)
        assert row.status == self.status
        assert (row.completed_at is not None) == (self.status in ENDED)

    def teardown(self):
        self.database.close()


_Life.TestCase.settings = settings(
    max_examples=30, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLife = _Life.TestCase
