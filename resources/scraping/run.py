"""A scrape from its job to its events: begun, visited, judged, ended, told."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass

from resources.backline import Backline
from resources.delivery.dispatcher import LONGEST_ROUND_SECONDS, Dispatcher
from resources.provider import Site
from resources.scraping import jobs
from resources.scraping.evidence import EvidenceStore
from resources.scraping.health import PageHealth, assess
from resources.scraping.record import Recorder
from resources.scraping.report import ScrapeReport
from resources.scraping.request import ScrapeRequest
from resources.scraping.scrape import Progress, Scrape, Visits
from resources.visiting.controls import controls_of
from resources.visiting.visitor import Visitor

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scraped:
    """What a scrape came to: its report, and the health of each kind of page after it."""

    report: ScrapeReport
    health: dict[str, PageHealth]


def open_job(backline: Backline, request: ScrapeRequest, asked: uuid.UUID | None, job_type: str) -> bool:
    """Begin the job that a run carries out; ``False`` where it was cancelled before.

    A run that nobody asked for by a job, or that repeats one whose job has ended, gets one of its own.
    """
    database = backline.database
    if asked is not None:
        if jobs.begin(database, asked, request.run_id):
            return True
        if request.root_run_id == request.run_id:
            return False
    actor = "Dagster" if job_type == "schedule" else job_type
    jobs.ask(database, request.provider, request.wish, job_type=job_type, actor=actor, job_id=request.job_id)
    return jobs.begin(database, request.job_id, request.run_id)


async def scrape_and_deliver(
    backline: Backline,
    request: ScrapeRequest,
    site: Site,
    *,
    on_progress: Progress = lambda _: None,
    visits: Visits | None = None,
) -> Scraped:
    """Carry out a running job, judge the pages' health, deliver the events; return what it came to."""
    try:
        report = await _scrape(backline, request, site, visits, on_progress)
    except asyncio.CancelledError:
        jobs.end(backline.database, request.job_id, "cancelled", error="The run was ended in Dagster.")
        raise
    except Exception as error:
        jobs.end(backline.database, request.job_id, "failed", error=str(error))
        raise
    health = await asyncio.to_thread(assess, backline, request, report)
    status, why = _ending(report)
    jobs.end(backline.database, request.job_id, status, results=report.results, error=why)
    await _deliver(backline)
    return Scraped(report, health)


async def _deliver(backline: Backline) -> None:
    try:
        await Dispatcher(backline, backline.transport).deliver_due(LONGEST_ROUND_SECONDS)
    except Exception:  # the scrape is committed whatever happens here, and the sensor delivers
        logger.exception("The run could not deliver its events; the sensor will.")


async def _scrape(
    backline: Backline,
    request: ScrapeRequest,
    site: Site,
    visits: Visits | None,
    on_progress: Progress,
) -> ScrapeReport:
    controls = controls_of(backline.database, request.provider, site)
    visitor = visits or Visitor(
        backline, request.provider, controls, by_hand=request.by_hand, transport=backline.transport
    )
    recorder = Recorder(backline.database, request, EvidenceStore(backline.settings))
    return await Scrape(backline, request, visitor, recorder, on_progress=on_progress).run()


def _ending(report: ScrapeReport) -> tuple[str, str | None]:
    """Return what a job ends as, and why where that is not ``completed``."""
    if report.cancelled:
        return "cancelled", f"Stopped by a person after {report.outcomes.total()} of {report.total} pages."
    stopped = report.stopped
    if report.failed_share == 1 and report.total:
        return "failed", stopped or "No page gave a reading; the newest evidence says why."
    return "completed", stopped or None
