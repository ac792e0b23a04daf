"""The sensor of requested syncs: each becomes one run a shard, started once, whatever is killed.

Nothing is marked before a run is there: a run is asked for at every tick until Dagster has one of its key,
and Dagster starts one run a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster import DagsterRun, DagsterRunStatus, RunsFilter

from assets.streams import SOURCE_TAG, stream_key
from resources import parking
from resources.backline import Backline
from resources.database import AnyRow
from resources.inbound.calls import refresh_open
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.sync import requests
from sensors.runs import IN_PROGRESS, RETRIED_BY_TAG, RUN_KEY_TAG, busy_shards


def run_key(row: AnyRow) -> str:
    """Return the key by which Dagster starts a shard's run of a request once."""
    return f"sync/{row.id}/{row.shard}"


def settle(backline: Backline, instance: dg.DagsterInstance) -> None:
    """Note which of the runs that were asked for are there, and which have ended."""
    for status in requests.OPEN_RUNS:
        for row in requests.open_runs(backline.database, status):
            is_lost = status == "started" or int(row.shard) >= backline.settings.shards
            if not _noted(backline, instance, row) and is_lost:  # deleted, or the shards were renumbered
                requests.note_run(backline.database, row.id, row.shard, "failed", row.run_id)


def _noted(backline: Backline, instance: dg.DagsterInstance, row: AnyRow) -> bool:
    """Note how the run of a request's shard is; say whether there is one."""
    run = _run_of(instance, row)
    if run is not None:
        requests.note_run(backline.database, row.id, row.shard, _status(run), run.run_id)
    return run is not None


def _run_of(instance: dg.DagsterInstance, row: AnyRow) -> DagsterRun | None:
    """Return the run of a request's shard, or the last that retried it; ``None`` where there is none yet."""
    found = instance.get_runs(RunsFilter(tags={RUN_KEY_TAG: run_key(row)}), limit=1)
    run = next(iter(found), None)
    while run is not None and RETRIED_BY_TAG in run.tags:
        retry = instance.get_run_by_id(run.tags[RETRIED_BY_TAG])
        if retry is None:
            break
        run = retry
    return run


def _status(run: DagsterRun) -> str:
    if run.status in IN_PROGRESS or run.is_complete_and_waiting_to_retry:
        return "started"
    return "completed" if run.status is DagsterRunStatus.SUCCESS else "failed"


def requests_for_syncs(backline: Backline, instance: dg.DagsterInstance) -> Iterator[dg.RunRequest]:
    """Yield a run for each shard that waits, unless its provider is parked or the shard is being synced."""
    database = backline.database
    for provider in PROVIDERS.values():
        is_wanted = requests.open_runs(database, "waiting", provider)
        if not is_wanted or parking.current(database, provider) is not None:
            continue
        busy = busy_shards(instance, provider)
        for row in requests.open_runs(database, "waiting", provider, busy):
            if row.shard not in busy and not _noted(backline, instance, row):
                busy.add(row.shard)
                yield _request(provider, row)


def _request(provider: Provider, row: AnyRow) -> dg.RunRequest:
    names = ("orgs", "accounts", "only_failed", "full")
    config: dict[str, Any] = {name: getattr(row, name) for name in names}
    if row.first_day is not None:
        config |= {"first_day": row.first_day.isoformat(), "last_day": row.last_day.isoformat()}
    return dg.RunRequest(
        run_key=run_key(row),
        job_name=f"{provider.name}_sync",
        partition_key=row.shard,
        asset_selection=[stream_key(provider, name) for name in row.streams] or None,
        run_config={"ops": {f"{provider.name}_streams": {"config": config}}},
        tags={SOURCE_TAG: row.source},
    )


def request_sensor(jobs: Mapping[str, Any]) -> dg.SensorDefinition:
    """Return the sensor that starts runs of the providers' sync ``jobs``, by provider."""

    @dg.sensor(
        jobs=list(jobs.values()),
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts the syncs that n8n or a person asked for, one run a shard. If one stays waiting: "
        "the provider is parked, or the shard is still syncing.",
    )
    def requested_syncs(
        context: dg.SensorEvaluationContext, backline: dg.ResourceParam[Backline]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        requests.plan_pending(backline.database, backline.settings.shards)
        settle(backline, context.instance)
        refresh_open(backline.database)
        requested = list(requests_for_syncs(backline, context.instance))
        yield from requested
        if not requested:
            yield dg.SkipReason("No sync that was asked for can begin.")

    return requested_syncs
