"""The code location of the browsers: this file only gathers what Dagster loads."""

from __future__ import annotations

import dagster as dg

from assets.pages import page_assets
from pipelines.scrapes import scrape_job, scrape_schedule
from resources.backline import Backline
from resources.providers import PROVIDERS
from resources.scraping.scrape import Progress
from sensors.scrapers import scraper_sensor


def definitions(backline: Backline, on_progress: Progress | None = None) -> dg.Definitions:
    """Return the definitions for these settings; ``on_progress`` hears how a scrape gets on."""
    sites = [(provider, provider.site) for provider in PROVIDERS.values() if provider.site is not None]
    jobs = {provider.name: scrape_job(provider) for provider, _ in sites}
    return dg.Definitions(
        assets=[page_assets(provider, site, on_progress) for provider, site in sites],
        jobs=list(jobs.values()),
        schedules=[
            scrape_schedule(provider, site, jobs[provider.name], backline.pages_cron(site, provider))
            for provider, site in sites
        ],
        sensors=[scraper_sensor(jobs)],
        resources={"backline": backline},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return what Dagster loads; the settings are read when it does, not when the command line starts."""
    return definitions(Backline())
