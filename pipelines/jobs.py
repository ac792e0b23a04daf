"""Jobs and schedules of the providers, made from their declarations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from resources import parking
from resources.backline import Backline
from resources.budget import balances
from resources.database import utc_now
from resources.provider import MAIN_BUCKET, Provider
from sensors.runs import busy_shards


def job_name(provider: Provider) -> str:
    """Return ``<provider>_sync``."""
    return f"{provider.name}_sync"


def sync_job(provider: Provider) -> dg.UnresolvedAssetJobDefinition:
    """Return the job that syncs all of a provider's streams."""
    return dg.define_asset_job(
        job_name(provider),
        selection=dg.AssetSelection.groups(provider.name),
        description=f"Reads every stream of every connected {provider.title} account of a shard. "
        "Set `orgs` or `accounts` in the config to read less, `only_failed` to repeat what failed, "
        "`full` to forget where the last sync stopped.",
        tags={"backline/provider": provider.name},
    )


def sync_schedule(
    provider: Provider, job: dg.UnresolvedAssetJobDefinition, shards: Sequence[str], cron: str
) -> dg.ScheduleDefinition:
    """Return the schedule that starts the job for each shard that is not under way."""

    @dg.schedule(
        name=f"{provider.name}_sync_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Syncs {provider.title}; skips shards that are still syncing, "
        f"and everything while {provider.title} asks us to wait.",
    )
    def tick(
        context: dg.ScheduleEvaluationContext, backline: dg.ResourceParam[Backline]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        parked = parking.current(backline.database, provider)
        if parked is not None:
            yield dg.SkipReason(str(parked))
            return
        if (spent := _spent(backline, provider)) is not None:
            yield dg.SkipReason(spent)
            return
        busy = busy_shards(context.instance, provider)
        moment = context.scheduled_execution_time.isoformat()
        idle = [shard for shard in shards if shard not in busy]
        if not idle:  # a tick either skips or requests: Dagster refuses both at once
            yield dg.SkipReason(f"Every shard is still syncing: {', '.join(shards)}.")
        for shard in idle:
            yield dg.RunRequest(run_key=f"{moment}/{shard}", partition_key=shard)

    return tick


def _spent(backline: Backline, provider: Provider) -> str | None:
    """Return why nothing can be paid for today, or ``None``."""
    quota = backline.quota(provider)
    if quota is None:
        return None
    main = next(one for one in balances(backline.database, provider, quota) if one.bucket == MAIN_BUCKET)
    if main.left_for_schedules:
        return None
    reset = quota.reset(utc_now())
    return (
        f"{main.spent:,} of {provider.title}'s {main.limit:,} units of today are spent and {main.left:,} are "
        f"kept for people; schedules go on at {reset:%Y-%m-%d %H:%M} UTC."
    )
