"""Delivery's health by the clock: its asset, how fresh it must be, its job and its schedule."""

from datetime import timedelta

import dagster as dg

from assets.delivery import GROUP, webhook_events

FRESHNESS = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(minutes=60), warn_window=timedelta(minutes=15)
)

governed_delivery = webhook_events.map_asset_specs(
    lambda spec: spec.replace_attributes(freshness_policy=FRESHNESS)
)

delivery_health = dg.define_asset_job(
    "delivery_health",
    selection=dg.AssetSelection.groups(GROUP),
    description="Reads what became of a day's events, and judges it: rate, waiting, breakers.",
)

delivery_health_schedule = dg.ScheduleDefinition(
    name="delivery_health_schedule",
    job=delivery_health,
    cron_schedule="*/5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Judges the delivery of events every five minutes.",
)
