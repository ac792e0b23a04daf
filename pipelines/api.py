"""The code location of the API pipelines: this file only gathers what Dagster loads."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from assets.streams import provider_assets, shards_of
from pipelines.audience import audience_automation, audience_refresh, governed_audience
from pipelines.delivery import delivery_health, delivery_health_schedule, governed_delivery
from pipelines.jobs import sync_job, sync_schedule
from pipelines.retention import retention_job, retention_schedule
from resources.backline import Backline
from resources.providers import PROVIDERS
from resources.sync.engine import Progress
from sensors.delivery import event_delivery
from sensors.grants import grants_ending, grants_renewal
from sensors.pushes import push_sensor, push_subscriptions
from sensors.requests import request_sensor
from sensors.runs import run_failures


def definitions(backline: Backline, on_commit: Progress | None = None) -> dg.Definitions:
    """Return the definitions for these settings; ``on_commit`` hears how a sync gets on."""
    shards = backline.settings.shards
    jobs = {provider.name: sync_job(provider) for provider in PROVIDERS.values()}
    return dg.Definitions(
        assets=[
            *(provider_assets(provider, shards, on_commit) for provider in PROVIDERS.values()),
            *governed_audience(list(PROVIDERS.values()), shards),
            governed_delivery,
        ],
        jobs=[*jobs.values(), audience_refresh, delivery_health, retention_job],
        schedules=[*_sync_schedules(backline, jobs), delivery_health_schedule, retention_schedule],
        sensors=[
            *(event_delivery, grants_ending, grants_renewal, run_failures),
            *(push_sensor(jobs), push_subscriptions, request_sensor(jobs), audience_automation),
        ],
        resources={"backline": backline},
        executor=dg.in_process_executor,
    )


def _sync_schedules(
    backline: Backline, jobs: Mapping[str, dg.UnresolvedAssetJobDefinition]
) -> list[dg.ScheduleDefinition]:
    keys = shards_of(backline.settings.shards).get_partition_keys()
    return [
        sync_schedule(provider, jobs[name], keys, backline.cron(provider))
        for name, provider in PROVIDERS.items()
    ]


@dg.definitions
def defs() -> dg.Definitions:
    """Return what Dagster loads; the settings are read when it does, not when the command line starts."""
    return definitions(Backline())
