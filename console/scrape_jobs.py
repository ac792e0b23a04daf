"""Scrapes that were asked for: those that wait or run, and how the last ones ended."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ValidationError

from console.outcomes import by_number
from console.pages import Tone
from console.parts import Console
from console.scraped_kinds import title_of
from resources.database import AnyRow, Database, utc_now
from resources.people.roles import within
from resources.provider import Provider
from resources.scraping import jobs
from resources.scraping.jobs import LIVE, SILENT_AFTER, Wish
from resources.tables import ScraperJob

NEWEST = 50
LONGEST_WAIT = timedelta(minutes=1)
ENDED = ("completed", "failed", "cancelled")
LABELS: Mapping[str, tuple[Tone | Literal["run"], str]] = {
    "pending": ("plain", "Waiting"),
    "running": ("run", "Running"),
    "completed": ("ok", "Completed"),
    "failed": ("bad", "Failed"),
    "cancelled": ("plain", "Cancelled"),
}
ASKERS = {"schedule": "the schedule", "n8n": "n8n", "command": "the command line", "console": "the console"}


class Progress(BaseModel):
    """How far a job is, as its run tells: pages in all, done, and left for the next scrape."""

    total: int = 0
    done: int = 0
    deferred: int = 0
    outcomes: dict[str, int] = {}

    @classmethod
    def of(cls, stored: Any) -> "Progress":
        """Read what was stored; what is not understood is not shown."""
        try:
            return cls.model_validate(stored or {})
        except ValidationError:
            return cls()


@dataclass(frozen=True)
class ScrapeJob:
    """One job as the console shows it.

    ``run_url`` is its run in Dagster, where it has one. ``is_behind`` says that another of its provider is
    carried out first.
    """

    row: AnyRow
    provider: str
    progress: Progress
    run_url: str
    now: datetime
    is_behind: bool = False

    @property
    def label(self) -> str:
        """Its state in words."""
        if self.is_silent:
            return "Silent"
        return "Stopping" if self.is_stopping else LABELS[self.row.status][1]

    @property
    def tone(self) -> Tone | Literal["run"]:
        """Its colour."""
        return "warn" if self.is_stopping or self.is_silent else LABELS[self.row.status][0]

    @property
    def is_live(self) -> bool:
        """Whether it waits or runs."""
        return self.row.status in LIVE

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop and has not yet."""
        return self.row.status == "running" and self.row.stop_requested_at is not None

    @property
    def is_silent(self) -> bool:
        """Whether its run has not been heard of for long."""
        heard = self.row.heartbeat_at
        return bool(self.row.status == "running" and heard and self.now - heard > SILENT_AFTER)

    @property
    def waits_long(self) -> bool:
        """Whether no run has begun it, though one should have."""
        return bool(self.row.status == "pending" and self.now - self.row.created_at > LONGEST_WAIT)

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """How its visits ended, the readings first."""
        return by_number(self.progress.outcomes)

    @property
    def seconds(self) -> int | None:
        """How long it took, or has taken until now; ``None`` where it never began."""
        if self.row.started_at is None:
            return None
        took: timedelta = (self.row.completed_at or self.now) - self.row.started_at
        return max(round(took.total_seconds()), 0)

    @property
    def asked_by(self) -> str:
        """Who asked for it."""
        kind = ASKERS.get(self.row.job_type, self.row.job_type)
        person = self.row.requested_by
        return f"{person}, by {kind}" if person and person not in kind else kind

    @property
    def scope(self) -> str:
        """What it visits, in words."""
        config = self.row.config or {}
        pages = ", ".join(title_of(name) for name in config.get("pages") or ()) or "All pages"
        orgs, accounts = config.get("orgs") or (), config.get("accounts") or ()
        of_orgs = f" of {', '.join(orgs)}" if orgs else ""
        return f"{pages}{of_orgs}" + (f", {len(accounts)} chosen accounts" if accounts else "")


def live_jobs(console: Console, orgs: frozenset[str] | None = None) -> list[ScrapeJob]:
    """Return the jobs that run, then those that wait, the oldest first."""
    query = sa.select(ScraperJob).where(ScraperJob.status.in_(LIVE), within(ScraperJob.org_id, orgs))
    order = (ScraperJob.status != "running", ScraperJob.created_at, ScraperJob.id)
    found, first = _jobs(console, query.order_by(*order).limit(NEWEST)), dict[str, ScrapeJob]()
    return [replace(job, is_behind=first.setdefault(job.row.provider, job) is not job) for job in found]


def ended_jobs(console: Console, orgs: frozenset[str] | None = None) -> list[ScrapeJob]:
    """Return the newest jobs that have ended."""
    newest = [_newest(status, orgs) for status in ENDED]
    query = sa.select(ScraperJob).where(ScraperJob.id.in_(sa.union_all(*newest)))
    return _jobs(console, query.order_by(ScraperJob.created_at.desc(), ScraperJob.id).limit(NEWEST))


def _newest(status: str, orgs: frozenset[str] | None) -> sa.Select[Any]:
    """Return the newest jobs of one status, which an index gives without sorting all that there ever were."""
    query = sa.select(ScraperJob.id).where(ScraperJob.status == status, within(ScraperJob.org_id, orgs))
    return sa.select(query.order_by(ScraperJob.created_at.desc()).limit(NEWEST).subquery().c.id)


def find_job(console: Console, job_id: uuid.UUID, orgs: frozenset[str] | None = None) -> ScrapeJob | None:
    """Return one job, or ``None`` where there is none of that id to be seen."""
    row = jobs.find(console.backline.database, job_id)
    if row is None or (orgs is not None and not is_of(row, orgs)):
        return None
    return _shown(console, row)


def is_of(row: AnyRow, orgs: frozenset[str]) -> bool:
    """Say whether all that a job visits is of some orgs."""
    asked = (row.config or {}).get("orgs") or ()
    return bool(asked) and set(asked) <= orgs


def _jobs(console: Console, query: sa.Select[Any]) -> list[ScrapeJob]:
    with console.backline.database.read() as connection:
        return [_shown(console, row) for row in connection.execute(query)]


def _shown(console: Console, row: AnyRow) -> ScrapeJob:
    provider = console.providers.get(row.provider)
    dagster = console.backline.settings.dagster_url.rstrip("/")
    run_url = f"{dagster}/runs/{row.run_id}" if dagster and row.run_id else ""
    title = provider.title if provider else row.provider
    return ScrapeJob(row, title, Progress.of(row.results), run_url, utc_now())


def ask_once(database: Database, provider: Provider, wish: Wish, actor: str) -> uuid.UUID:
    """Ask for a scrape; where an equal one waits already, as after a second press, return that one."""
    for waiting in jobs.pending(database):
        if waiting.provider == provider.name and waiting.config == wish.config:
            job_id: uuid.UUID = waiting.id
            return job_id
    return jobs.ask(database, provider, wish, job_type="console", actor=actor)
