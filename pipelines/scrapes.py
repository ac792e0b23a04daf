"""Jobs and schedules of the providers' public pages, made from their declarations."""

from __future__ import annotations

import dagster as dg

from assets.pages import page_key
from resources.backline import Backline
from resources.provider import Provider, Site
from resources.scraping import jobs
from resources.visiting.controls import controls_of


def scrape_job_name(provider: Provider) -> str:
    """Return ``<provider>_scrape``."""
    return f"{provider.name}_scrape"


def scrape_job(provider: Provider) -> dg.UnresolvedAssetJobDefinition:
    """Return the job that visits all of a provider's kinds of pages."""
    return dg.define_asset_job(
        scrape_job_name(provider),
        selection=dg.AssetSelection.assets(*(page_key(provider, page) for page in provider.pages)),
        description=f"Visits the public {provider.title} pages of every account. Set `orgs` or `accounts` in "
        "the config to visit fewer. How gently, and whether at all, is set in the console.",
        tags={"backline/provider": provider.name},
    )


def scrape_schedule(
    provider: Provider, site: Site, job: dg.UnresolvedAssetJobDefinition, cron: str
) -> dg.ScheduleDefinition:
    """Return the schedule that starts the job, unless the provider is paused or being scraped."""

    @dg.schedule(
        name=f"{provider.name}_scrape_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Visits {provider.title}'s public pages; skips while they are paused or being visited.",
    )
    def tick(
        context: dg.ScheduleEvaluationContext, backline: dg.ResourceParam[Backline]
    ) -> dg.RunRequest | dg.SkipReason:
        controls = controls_of(backline.database, provider, site)
        if controls.paused_at is not None:
            since = f"{controls.paused_at:%Y-%m-%d %H:%M} UTC"
            return dg.SkipReason(f"{controls.paused_by} paused {provider.title}'s pages at {since}.")
        if (job := jobs.live(backline.database, provider)) is not None:
            return dg.SkipReason(f"Job {job.id} is still visiting {provider.title}'s pages.")
        return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat())

    return tick
