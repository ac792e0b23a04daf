"""The sensor of scraper jobs: those that wait become runs, those whose run is gone are ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster import DagsterRun, RunsFilter

from assets.pages import page_key, pages_op
from assets.streams import SOURCE_TAG
from resources.backline import Backline
from resources.database import AnyRow, utc_now
from resources.events import Event, event_id, write_events
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.scraping import jobs
from resources.tables import ConnectedAccount, Org
from resources.visiting.controls import controls_of
from sensors.runs import IN_PROGRESS, RUN_KEY_TAG

GIVEN_UP_AFTER = timedelta(minutes=10)  # a run that says nothing so long is dead, whatever Dagster thinks


def run_key(job: AnyRow) -> str:
    """Return the key by which Dagster starts a job's run once."""
    return f"scrape/{job.id}"


def requests_for_jobs(backline: Backline, instance: dg.DagsterInstance) -> Iterator[dg.RunRequest]:
    """Yield a run for the oldest waiting job of each provider that is neither paused nor being scraped."""
    taken: set[str] = set()
    for job in jobs.pending(backline.database):
        provider = PROVIDERS.get(job.provider)
        if provider is None or provider.site is None or job.provider in taken:
            continue
        taken.add(job.provider)
        is_paused = controls_of(backline.database, provider, provider.site).paused_at is not None
        if is_paused or jobs.live(backline.database, provider) or _run_of(instance, job) is not None:
            continue
        yield _request(provider, job)


def _request(provider: Provider, job: AnyRow) -> dg.RunRequest:
    wanted = job.config.get("pages") or [page.name for page in provider.pages]
    config = {"job_id": str(job.id), **{name: job.config.get(name, []) for name in ("orgs", "accounts")}}
    return dg.RunRequest(
        run_key=run_key(job),
        job_name=f"{provider.name}_scrape",
        asset_selection=[page_key(provider, page) for page in provider.pages if page.name in wanted],
        run_config={"ops": {pages_op(provider): {"config": config}}},
        tags={SOURCE_TAG: "manual" if job.job_type == "console" else job.job_type},
    )


def _run_of(instance: dg.DagsterInstance, job: AnyRow) -> DagsterRun | None:
    found = instance.get_runs(RunsFilter(tags={RUN_KEY_TAG: run_key(job)}), limit=1)
    return next(iter(found), None)


def end_lost_jobs(backline: Backline, instance: dg.DagsterInstance) -> int:
    """Fail the jobs whose run ended without ending them, and tell their orgs; return how many."""
    ended = 0
    for job in jobs.silent(backline.database):
        run = instance.get_run_by_id(job.run_id)
        is_mute = job.heartbeat_at < utc_now() - GIVEN_UP_AFTER
        if run is None or run.status not in IN_PROGRESS or is_mute:
            ended += _lost(backline, job, run)
    for job in jobs.pending(backline.database):
        run = _run_of(instance, job)
        if run is not None and run.status not in IN_PROGRESS:
            jobs.begin(backline.database, job.id, run.run_id)
            ended += _lost(backline, job, run)
    return ended


def _lost(backline: Backline, job: AnyRow, run: DagsterRun | None) -> bool:
    state = "is gone" if run is None else f"ended as {run.status.value}"
    problem = f"The run that carried it out {state} before the job was done; what was read is kept."
    if not jobs.end(backline.database, job.id, "failed", error=problem):
        return False
    with backline.database.write() as connection:
        org_ids = connection.execute(_orgs(job)).scalars().all()
        write_events(connection, [_event(job, run, org_id, problem) for org_id in org_ids])
    return True


def _orgs(job: AnyRow) -> sa.Select[Any]:
    account, config = ConnectedAccount, job.config
    query = sa.select(account.org_id).distinct().join(Org, Org.id == account.org_id)
    query = query.where(account.provider == job.provider, account.status != "disconnected")
    return query.where(Org.slug.in_(config["orgs"])) if config.get("orgs") else query


def _event(job: AnyRow, run: DagsterRun | None, org_id: Any, problem: str) -> Event:
    return Event(
        id=event_id("scraper job", job.id, org_id, "error.occurred"),
        type="error.occurred",
        provider=job.provider,
        org_id=org_id,
        payload={
            "error": "run_failed",
            "message": problem,
            "cure": "Open the run in Dagster and re-execute it; what was read is not repeated.",
            "accountId": None,
            "runId": run.run_id if run else str(job.id),
        },
        created_at=utc_now(),
        source="scraper",
        run_id=run.run_id if run else None,
    )


def scraper_sensor(scrape_jobs: Mapping[str, Any]) -> dg.SensorDefinition:
    """Return the sensor that starts runs of the providers' ``scrape_jobs``, by provider."""

    @dg.sensor(
        jobs=list(scrape_jobs.values()),
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a run for each scraper job that waits, one a provider at a time, and ends jobs "
        "whose run is gone. If a job stays pending: its provider is paused, or another job is at work.",
    )
    def scraper_jobs(
        context: dg.SensorEvaluationContext, backline: dg.ResourceParam[Backline]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        lost = end_lost_jobs(backline, context.instance)
        requested = list(requests_for_jobs(backline, context.instance))
        yield from requested
        if not requested:
            yield dg.SkipReason(f"No job can begin. Ended {lost} whose run is gone.")

    return scraper_jobs
