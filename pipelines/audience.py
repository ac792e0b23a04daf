"""The audience's policies: when it follows its streams, how fresh it must be; and its job."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from assets.audience import DAILY, GROUP, audience_assets
from assets.audience_checks import DESCRIPTIONS, audience_checks
from assets.streams import PERIODS
from resources.provider import Provider

CHECKS_CRON = "30 * * * *"

# Dagster's `since_last_handled` forgets a stream that was synced while a refresh was requested or at work;
# here it starts the next one. That all streams exist is not asked: a provider that nobody ever synced must
# not hold up the others.
SYNCED = dg.AutomationCondition.any_deps_updated()
REQUESTED = dg.AutomationCondition.newly_requested() & ~SYNCED
FOLLOW_STREAMS = (
    SYNCED.since(REQUESTED | dg.AutomationCondition.initial_evaluation())
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("follow_streams")
BY_THE_CLOCK: dg.AutomationCondition[dg.AssetCheckKey] = dg.AutomationCondition.cron_tick_passed(CHECKS_CRON)


def freshness_of(providers: Sequence[Provider]) -> dg.FreshnessPolicy:
    """Return how fresh the audience must be: the slowest provider's syncs alone keep it so."""
    period = max(PERIODS[provider.every] for provider in providers if provider.audience)
    return dg.FreshnessPolicy.time_window(fail_window=4 * period, warn_window=2 * period)


def governed_audience(providers: Sequence[Provider], shards: int) -> list[dg.AssetsDefinition]:
    """Return the audience's assets and checks under their policies."""
    freshness = freshness_of(providers)

    def governed(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(freshness_policy=freshness, automation_condition=FOLLOW_STREAMS)

    assets = [asset.map_asset_specs(governed) for asset in audience_assets(providers, shards)]
    return [*assets, audience_checks(providers, BY_THE_CLOCK)]


audience_refresh = dg.define_asset_job(
    "audience_refresh",
    # the checks are of all shards, and run by the clock
    selection=dg.AssetSelection.groups(GROUP)
    - dg.AssetSelection.checks(*(dg.AssetCheckKey(DAILY, name) for name in DESCRIPTIONS)),
    description="Writes the audience of a shard's accounts and orgs from what was synced since the last "
    "time; set `full` in the config to read all there is.",
)

audience_automation = dg.AutomationConditionSensorDefinition(
    "audience_automation",
    target=dg.AssetSelection.groups(GROUP),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    emit_backfills=False,  # a run a shard, as the schedules start them
    description="Refreshes the audience once streams it is made from were synced and none of them is being "
    "synced, and evaluates the checks over all providers once an hour.",
)
