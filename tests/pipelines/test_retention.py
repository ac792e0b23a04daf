"""Retention: what is old is deleted, what is due or new stays."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster import DagsterRunStatus

from pipelines import retention
from pipelines.retention import prune, prune_runs, retention_job
from resources.database import utc_now
from resources.tables import (
    OAuthState,
    SyncResult,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

OLD, NEW = timedelta(days=31), timedelta(days=29)


def write(backline, row):
    with backline.database.write() as connection:
        connection.execute(sa.insert(type(row)).values({k: v for k, v in vars(row).items() if k[0] != "_"}))


NUMBERS = itertools.count(1)


def event(name, status, age):
    then = utc_now() - age
    return WebhookEvent(
        id=name,
        sequence=next(NUMBERS),
        org_id=uuid.uuid4(),
        event_type="data.synced",
        provider="spotify",
        payload={},
        event_metadata={},
        status=status,
        attempts=1,
        created_at=then,
    )


def ids(backline, column):
    with backline.database.read() as connection:
        return set(connection.execute(sa.select(column)).scalars())


@pytest.mark.parametrize(
    ("status", "age", "stays"),
    [
        ("delivered", OLD, False),
        ("failed", OLD, False),
        ("pending", OLD, True),
        ("delivered", NEW, True),
        ("failed", NEW, True),
        ("pending", NEW, True),
    ],
)
def test_only_old_events_that_are_done_with_are_deleted(backline, instance, status, age, stays):
    write(backline, event("evt", status, age))
    write(backline, event("newest", "delivered", age))
    counts = prune(backline, instance)
    assert ids(backline, WebhookEvent.id) == ({"evt", "newest"} if stays else {"newest"})
    assert counts["webhook_events"] == (0 if stays else 1)


def test_the_attempts_go_with_their_event(backline, instance):
    endpoint = min(ids(backline, WebhookEndpoint.id))
    for name, status in (("gone", "delivered"), ("kept", "pending")):
        write(backline, event(name, status, OLD))
        write(
            backline,
            WebhookDelivery(event_id=name, endpoint_id=endpoint, status=status, created_at=utc_now() - OLD),
        )
        write(
            backline,
            WebhookAttempt(
                event_id=name, endpoint_id=endpoint, attempt=1, url="", started_at=utc_now(), duration_ms=1
            ),
        )
    prune(backline, instance)
    assert ids(backline, WebhookAttempt.event_id) == {"kept"}


@pytest.mark.parametrize(("age", "stays"), [(OLD, False), (NEW, True)])
def test_old_results_are_deleted(backline, instance, age, stays):
    then = utc_now() - age
    result = SyncResult(
        run_id="run",
        asset="spotify/profile",
        account_id=uuid.uuid4(),
        root_run_id="run",
        org_id=uuid.uuid4(),
        status="ok",
        records=1,
        rejected=0,
        deleted=0,
        requests=1,
        started_at=then,
        finished_at=then,
    )
    write(backline, result)
    prune(backline, instance)
    assert (ids(backline, SyncResult.run_id) == {"run"}) is stays


def test_abandoned_connections_are_deleted_and_those_under_way_kept(backline, instance):
    for name, age in (("abandoned", timedelta(minutes=1)), ("under way", timedelta(minutes=-1))):
        write(
            backline,
            OAuthState(
                state_hash=name,
                provider="spotify",
                org_slug="north",
                sealed=b"",
                key_id="",
                created_at=utc_now(),
                expires_at=utc_now() - age,
            ),
        )
    prune(backline, instance)
    assert ids(backline, OAuthState.state_hash) == {"under way"}


@pytest.fixture
def runs(instance):
    """A run in each state."""
    job = dg.JobDefinition(name="a_job", graph_def=dg.GraphDefinition("g"))
    made = {status: instance.create_run_for_job(job) for status in (*FINISHED, DagsterRunStatus.NOT_STARTED)}
    instance.report_run_failed(made[DagsterRunStatus.FAILURE])
    instance.report_run_canceled(made[DagsterRunStatus.CANCELED])
    success = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_SUCCESS.value, "a_job", message="")
    instance.report_dagster_event(success, made[DagsterRunStatus.SUCCESS].run_id)
    return {status: run.run_id for status, run in made.items()}


FINISHED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def test_old_finished_runs_are_deleted_with_their_logs_and_unfinished_ones_kept(instance, runs):
    assert prune_runs(instance, utc_now() + timedelta(seconds=1)) == 3
    assert [run.run_id for run in instance.get_runs()] == [runs[DagsterRunStatus.NOT_STARTED]]
    for status in FINISHED:
        assert instance.all_logs(runs[status]) == []


def test_new_runs_are_kept(backline, instance, runs):
    assert prune(backline, instance)["dagster_runs"] == 0
    assert len(instance.get_runs()) == len(runs)


def test_more_runs_than_are_deleted_at_once_are_all_deleted(instance, monkeypatch):
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 2)
    job = dg.JobDefinition(name="a_job", graph_def=dg.GraphDefinition("g"))
    for _ in range(5):
        instance.report_run_failed(instance.create_run_for_job(job))
    assert prune_runs(instance, utc_now() + timedelta(seconds=1)) == 5


def test_the_job_prunes_and_says_how_much(backline, instance):
    write(backline, event("evt", "delivered", OLD))
    write(backline, event("newest", "delivered", OLD))
    result = retention_job.execute_in_process(instance=instance, resources={"backline": backline})
    [output] = [one for one in result.all_node_events if one.is_successful_output]
    numbers = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert numbers == {
        "dagster_runs": 0,
        "sync_results": 0,
        "webhook_events": 1,
        "oauth_states": 0,
        "provider_pushes": 0,
        "quota_usage": 0,
        "scraper_visits": 0,
        "scraper_jobs": 0,
        "evidence": 0,
    }
