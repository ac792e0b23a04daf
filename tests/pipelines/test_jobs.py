"""The jobs and schedules of the providers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterRunStatus

from pipelines.api import definitions
from resources import parking
from resources.database import utc_now
from resources.errors import RateLimited
from resources.providers import PROVIDERS

SPOTIFY = PROVIDERS["spotify"]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHARDS = ("000", "001", "002")


@pytest.fixture
def instance(tmp_path):
    """An instance on disk: a schedule opens it by its reference, as in the code server."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        yield instance


@pytest.fixture
def tick(backline, instance):
    """Return a function that evaluates Spotify's schedule as the daemon does."""
    object.__setattr__(backline.settings, "shards", len(SHARDS))
    repository = definitions(backline).get_repository_def()
    schedule = repository.get_schedule_def("spotify_sync_schedule")

    def evaluate(moment=NOON):
        with dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=moment,
            repository_def=repository,
            resources={"backline": backline},
        ) as context:
            return schedule.evaluate_tick(context)

    return evaluate


@pytest.fixture
def start(instance):
    """Return a function that adds a run of a shard in some state."""
    kinds = {
        DagsterRunStatus.STARTING: DagsterEventType.PIPELINE_STARTING,
        DagsterRunStatus.STARTED: DagsterEventType.PIPELINE_START,
        DagsterRunStatus.CANCELING: DagsterEventType.PIPELINE_CANCELING,
        DagsterRunStatus.SUCCESS: DagsterEventType.PIPELINE_SUCCESS,
        DagsterRunStatus.FAILURE: DagsterEventType.PIPELINE_FAILURE,
    }

    def start(shard, status, name="spotify_sync"):
        job = dg.JobDefinition(name=name, graph_def=dg.GraphDefinition("g"))
        run = instance.create_run_for_job(job, tags={"dagster/partition": shard})
        if status in kinds:
            instance.report_dagster_event(DagsterEvent(kinds[status].value, name, message=""), run.run_id)

    return start


def test_a_tick_requests_one_run_a_shard(tick):
    requests = tick().run_requests
    assert [request.partition_key for request in requests] == list(SHARDS)


def test_a_tick_that_is_repeated_asks_for_the_same_runs_and_a_later_one_for_others(tick):
    keys = [{request.run_key for request in tick(moment).run_requests} for moment in (NOON, NOON)]
    later = {request.run_key for request in tick(NOON + timedelta(hours=1)).run_requests}
    assert keys[0] == keys[1]
    assert len(keys[0] | later) == 2 * len(SHARDS)


@pytest.mark.parametrize(
    "status",
    [
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.CANCELING,
    ],
)
def test_a_busy_shard_is_left_out_and_the_others_are_synced(tick, start, status):
    start("001", status)
    assert [request.partition_key for request in tick().run_requests] == ["000", "002"]


def test_a_tick_with_every_shard_busy_skips(tick, start):
    for shard in SHARDS:
        start(shard, DagsterRunStatus.STARTED)
    outcome = tick()
    assert outcome.run_requests == []
    assert outcome.skip_message == "Every shard is still syncing: 000, 001, 002."


@pytest.mark.parametrize("status", [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE])
def test_a_finished_run_keeps_no_shard_busy(tick, start, status):
    start("000", status)
    assert len(tick().run_requests) == len(SHARDS)


def test_another_jobs_run_keeps_no_shard_busy(tick, start):
    start("000", DagsterRunStatus.STARTED, name="another_job")
    assert len(tick().run_requests) == len(SHARDS)


def test_a_parked_provider_is_left_alone_until_its_time(tick, backline):
    until = utc_now() + timedelta(hours=2)
    parking.park(backline.database, SPOTIFY, RateLimited("spotify", "too many requests", retry_at=until))
    outcome = tick()
    assert outcome.run_requests == []
    assert f"{until:%Y-%m-%d %H:%M}" in outcome.skip_message


def test_a_provider_whose_time_has_come_is_synced_again(tick, backline):
    until = utc_now() - timedelta(seconds=1)
    parking.park(backline.database, SPOTIFY, RateLimited("spotify", "too many requests", retry_at=until))
    assert len(tick().run_requests) == len(SHARDS)


def test_the_schedule_may_be_set(backline, monkeypatch):
    monkeypatch.setenv("BACKLINE_SPOTIFY_CRON", "5 4 * * *")
    schedule = definitions(backline).get_repository_def().get_schedule_def("spotify_sync_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("5 4 * * *", "UTC")
