"""The audience follows its streams."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from assets.audience import DAILY, GROUP, GROWTH, ORG_DAILY
from assets.audience_checks import DESCRIPTIONS
from pipelines.api import definitions
from pipelines.audience import FOLLOW_STREAMS, freshness_of
from resources.providers import PROVIDERS

PROFILE, CHANNELS = dg.AssetKey(["spotify", "profile"]), dg.AssetKey(["youtube", "channels"])
AUDIENCE = {DAILY, ORG_DAILY, GROWTH}
CHECKS = {dg.AssetCheckKey(DAILY, name) for name in DESCRIPTIONS}
START = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)


class Daemon:
    """Evaluates the conditions tick by tick, as Dagster's daemon does."""

    def __init__(self, defs, instance):
        self.defs, self.instance, self.cursor = defs, instance, None
        self.now = START
        self.tick()

    def tick(self, minutes=1):
        """Return what is requested, by key, after some minutes."""
        self.now += timedelta(minutes=minutes)
        result = dg.evaluate_automation_conditions(
            defs=self.defs,
            instance=self.instance,
            asset_selection=dg.AssetSelection.groups(GROUP),
            cursor=self.cursor,
            evaluation_time=self.now,
        )
        self.cursor = result.cursor
        return {one.key: one.true_subset for one in result.results if one.true_subset.size}

    def synced(self, key, shard="000"):
        """Report a stream of a shard as synced."""
        self.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=shard))


@pytest.fixture
def daemon(backline, instance):
    object.__setattr__(backline.settings, "shards", 2)
    return Daemon(definitions(backline), instance)


def test_nothing_is_requested_before_anything_was_synced(daemon):
    assert daemon.tick() == {}


def test_the_whole_audience_of_the_shard_follows_one_stream_without_waiting_for_other_providers(daemon):
    daemon.synced(PROFILE, "001")
    found = daemon.tick()
    assert set(found) == AUDIENCE
    for subset in found.values():
        assert subset.expensively_compute_partition_keys() == {"001"}


def test_what_was_requested_is_not_requested_again(daemon):
    daemon.synced(PROFILE)
    assert set(daemon.tick()) == AUDIENCE
    assert daemon.tick() == {}


def test_a_later_sync_requests_it_again(daemon):
    for key in (PROFILE, CHANNELS, PROFILE):
        daemon.synced(key)
        assert set(daemon.tick()) == AUDIENCE


def test_a_stream_that_no_metric_names_requests_nothing(daemon):
    daemon.synced(dg.AssetKey(["spotify", "top_tracks"]))
    assert daemon.tick() == {}


def started(daemon, job, shard="000"):
    """Start a run of a job's partition."""
    return daemon.instance.create_run_for_job(
        daemon.defs.resolve_job_def(job),
        status=dg.DagsterRunStatus.STARTED,
        tags={"dagster/partition": shard},
        asset_selection=None,
    )


def test_a_stream_that_is_being_synced_is_waited_for(daemon):
    run = started(daemon, "youtube_sync")
    daemon.synced(PROFILE)
    assert daemon.tick() == {}
    daemon.instance.report_run_failed(run)
    assert set(daemon.tick()) == AUDIENCE


def test_what_is_synced_while_a_refresh_is_at_work_starts_the_next_one(daemon):
    daemon.synced(PROFILE)
    assert daemon.tick()
    run = started(daemon, "audience_refresh")
    daemon.synced(PROFILE)
    assert daemon.tick() == {}
    daemon.instance.report_run_failed(run)
    assert set(daemon.tick()) == AUDIENCE


def test_the_checks_over_all_providers_run_by_the_clock(daemon):
    assert set(daemon.tick(minutes=20)) == set()
    assert set(daemon.tick(minutes=10)) == CHECKS
    assert set(daemon.tick(minutes=10)) == set()
    assert set(daemon.tick(minutes=60)) == CHECKS


def test_one_policy_governs_every_asset_of_the_audience(backline):
    graph = definitions(backline).resolve_asset_graph()
    keys = dg.AssetSelection.groups(GROUP).resolve(graph)
    assert keys == AUDIENCE
    assert {graph.get(key).freshness_policy for key in keys} == {freshness_of(list(PROVIDERS.values()))}
    assert [key for key in keys if graph.get(key).automation_condition != FOLLOW_STREAMS] == []


def test_the_audience_is_late_after_two_syncs_of_the_slowest_provider_and_too_late_after_four():
    policy = freshness_of([PROVIDERS["spotify"], PROVIDERS["youtube"]])
    windows = (policy.warn_window, policy.fail_window)
    assert [one.to_timedelta() for one in windows] == [timedelta(hours=12), timedelta(hours=24)]


def test_the_sensor_is_on_without_anybody_turning_it_on(backline):
    sensor = definitions(backline).get_repository_def().get_sensor_def("audience_automation")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert isinstance(sensor, dg.AutomationConditionSensorDefinition)


def test_the_job_refreshes_the_audience_of_a_shard(backline, instance):
    job = definitions(backline).resolve_job_def("audience_refresh")
    result = job.execute_in_process(instance=instance, partition_key="000")
    assert result.success
    done = {event.asset_key for event in result.all_events if event.is_step_materialization}
    assert done == AUDIENCE
