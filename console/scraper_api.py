"""The JSON API of scrapers: their health, what is set for them, and their jobs."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from console.actors import ActorPart
from console.pages import SCRAPERS, Message, PageError
from console.parts import ConsolePart
from console.scrape_jobs import ScrapeJob, ended_jobs, live_jobs
from console.scraped_kinds import PageKind, Scraper, scrapers
from console.scrapers import allow, found_job, stop_unless_ended
from resources.errors import InputRefused
from resources.people.roles import Role
from resources.scraping import jobs
from resources.scraping.jobs import Wish

router = APIRouter(prefix="/api/v1/scrapers", tags=["scrapers"])


class ApiPageKind(BaseModel):
    """One kind of page; ``status`` is ``never`` where it was not visited yet. Times are UTC."""

    page: str
    status: str
    reason: str
    cure: str
    success_rate: float | None
    error_count: int
    p95_ms: int | None
    outcomes: dict[str, int]
    canary: str | None
    evidence: list[uuid.UUID]
    last_check_at: datetime | None
    last_success_at: datetime | None
    overdue_since: datetime | None


class ApiScraper(BaseModel):
    """A provider's public pages, and what holds for their visits now."""

    provider: str
    paused_at: datetime | None
    paused_by: str | None
    pause_seconds: float
    concurrency: int
    daily_pages: int
    pages: list[ApiPageKind]


class ScraperList(BaseModel):
    """Every provider that has public pages."""

    scrapers: list[ApiScraper]


class ApiJob(BaseModel):
    """One job; ``total``, ``done`` and ``deferred`` (left for the next scrape) count pages. Times are UTC."""

    id: uuid.UUID
    provider: str
    status: str
    job_type: str
    requested_by: str | None
    orgs: list[str]
    accounts: list[str]
    pages: list[str]
    total: int
    done: int
    deferred: int
    outcomes: dict[str, int]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    stop_requested_at: datetime | None
    error_message: str | None
    run_id: str | None
    run_url: str | None


class JobList(BaseModel):
    """The jobs that run or wait, and the newest that ended."""

    live: list[ApiJob]
    ended: list[ApiJob]


class ScrapeOrder(BaseModel):
    """What to scrape; everything of the provider where nothing more is said.

    Sent again under the same ``id``, it is the same job.
    """

    provider: str
    orgs: list[str] = Field([], max_length=100)
    accounts: list[str] = Field([], max_length=1_000)
    pages: list[str] = Field([], max_length=100)
    id: uuid.UUID | None = None


class Accepted(BaseModel):
    """A job was written; ``job`` is where to ask how it goes, ``page`` where a person sees it."""

    id: uuid.UUID
    job: str
    page: str


class JobFilter(BaseModel):
    """Which jobs; empty means all."""

    provider: str = ""
    status: str = ""


@router.get("")
def list_scrapers(console: ConsolePart) -> ScraperList:
    """List the health of every kind of public page, and what is set."""
    return ScraperList(scrapers=[_api_scraper(scraper) for scraper in scrapers(console)])


@router.get("/jobs")
def list_jobs(console: ConsolePart, actor: ActorPart, wanted: Annotated[JobFilter, Query()]) -> JobList:
    """List the jobs that run or wait, and the newest that ended."""
    live, ended = (
        [
            _api_job(job)
            for job in found
            if wanted.provider in {"", job.row.provider} and wanted.status in {"", job.row.status}
        ]
        for found in (live_jobs(console, actor.orgs), ended_jobs(console, actor.orgs))
    )
    return JobList(live=live, ended=ended)


@router.post("/jobs", status_code=HTTPStatus.ACCEPTED)
def create_job(console: ConsolePart, actor: ActorPart, order: ScrapeOrder, response: Response) -> Accepted:
    """Ask for a scrape; a Dagster run carries it out."""
    provider = console.providers.get(order.provider)
    if provider is None or not provider.pages:
        known = ", ".join(name for name, one in console.providers.items() if one.pages)
        raise InputRefused(
            "provider", f"{order.provider!r} has no public pages", f"use one of {known or 'none'}"
        )
    wish = Wish(tuple(order.orgs), tuple(order.accounts), tuple(order.pages))
    allow(actor, wish)
    job_id = jobs.ask(
        console.backline.database, provider, wish, job_type="console", actor=actor.name, job_id=order.id
    )
    accepted = Accepted(id=job_id, job=f"{router.prefix}/jobs/{job_id}", page=f"{SCRAPERS}?asked={job_id}")
    response.headers["location"] = accepted.job
    return accepted


@router.get("/jobs/{job_id}")
def show_job(console: ConsolePart, actor: ActorPart, job_id: uuid.UUID) -> ApiJob:
    """Show one job."""
    return _api_job(found_job(console, actor, job_id, Role.VIEWER))


@router.post("/jobs/{job_id}/stop", status_code=HTTPStatus.ACCEPTED)
def stop_job(console: ConsolePart, actor: ActorPart, job_id: uuid.UUID) -> ApiJob:
    """Stop a job: one that waits at once, one that runs within seconds; 409 where it has ended."""
    found_job(console, actor, job_id)
    if refused := stop_unless_ended(console, job_id, actor.name):
        message = Message("It cannot be stopped", f"{refused.problem[:1].upper()}{refused.problem[1:]}.")
        raise PageError(HTTPStatus.CONFLICT, message)
    return _api_job(found_job(console, actor, job_id))


def _api_scraper(scraper: Scraper) -> ApiScraper:
    held = scraper.controls
    names = ("paused_at", "paused_by", "pause_seconds", "concurrency", "daily_pages")
    return ApiScraper(
        provider=scraper.provider.name,
        **{name: getattr(held, name) for name in names},
        pages=[_api_kind(kind) for kind in scraper.kinds],
    )


def _api_kind(kind: PageKind) -> ApiPageKind:
    stored = ("success_rate", "last_check_at", "last_success_at")
    told = ("reason", "cure", "outcomes", "canary", "evidence")
    return ApiPageKind(
        page=kind.page.name,
        status=kind.status,
        error_count=kind.row.error_count if kind.row else 0,
        p95_ms=kind.response_ms,
        overdue_since=kind.overdue_since,
        **{name: getattr(kind.row, name, None) for name in stored},
        **{name: getattr(kind.detail, name) for name in told},
    )


def _api_job(job: ScrapeJob) -> ApiJob:
    same = (
        *("id", "provider", "status", "job_type", "requested_by", "created_at", "started_at"),
        *("completed_at", "stop_requested_at", "error_message", "run_id"),
    )
    config: dict[str, Any] = job.row.config or {}
    return ApiJob(
        **{name: getattr(job.row, name) for name in same},
        **{name: config.get(name) or [] for name in ("orgs", "accounts", "pages")},
        **{name: getattr(job.progress, name) for name in ("total", "done", "deferred", "outcomes")},
        run_url=job.run_url or None,
    )
