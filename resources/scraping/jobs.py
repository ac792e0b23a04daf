"""Scraper jobs: asked for, carried out by a Dagster run, stopped. A job moves forward only.

``pending`` → ``running`` → ``completed``, ``failed`` or ``cancelled``; a pending one may be cancelled too.
Each step is one guarded update, so that two who try it at once do not both succeed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.database import AnyRow, Database, insert_into, utc_now
from resources.errors import InputRefused
from resources.provider import Provider
from resources.tables import Org, ScraperJob

LIVE = ("pending", "running")
HEARTBEAT_SECONDS = 1.0
SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Wish:
    """What a scrape is asked to visit; everything of the provider where nothing is said."""

    orgs: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()

    @property
    def config(self) -> dict[str, Any]:
        """The same as the job's ``config`` and the run's."""
        named = {"orgs": self.orgs, "accounts": self.accounts, "pages": self.pages}
        return {name: list(value) for name, value in named.items()}


def ask(  # noqa: PLR0913  # who asks whom for what
    database: Database,
    provider: Provider,
    wish: Wish,
    *,
    job_type: str,
    actor: str,
    job_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Write a pending job in a transaction of its own; see :func:`write`."""
    with database.write() as connection:
        return write(connection, provider, wish, job_type=job_type, actor=actor, job_id=job_id)


def write(  # noqa: PLR0913  # who asks whom for what
    connection: sa.Connection,
    provider: Provider,
    wish: Wish,
    *,
    job_type: str,
    actor: str,
    job_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Write a pending job and return its id; asked for again under the same id, it is the same job.

    Raise ``InputRefused`` for a page, org or account that does not exist.
    """
    known = [page.name for page in provider.pages]
    for name in wish.pages:
        if name not in known:
            raise InputRefused("pages", f"{name!r} is unknown", f"use some of {', '.join(known) or 'none'}")
    for account in wish.accounts:
        _refuse_what_is_no_id(account)
    job_id = job_id or uuid.uuid4()
    org_ids = _org_ids(connection, wish.orgs)
    values = {
        "id": job_id,
        "org_id": org_ids[0] if len(org_ids) == 1 else None,
        "provider": provider.name,
        "job_type": job_type,
        "config": wish.config,
        "status": "pending",
        "created_at": utc_now(),
        "requested_by": actor,
    }
    insert = insert_into(connection, ScraperJob).values(**values).on_conflict_do_nothing()
    if connection.execute(insert.returning(ScraperJob.id)).first() is not None:
        audit.record(connection, actor, "scraper.asked", f"{provider.name}/{job_id}", **wish.config)
    return job_id


def _refuse_what_is_no_id(account: str) -> None:
    try:
        uuid.UUID(account)
    except ValueError:
        problem = f"{account!r} is no account's id"
        raise InputRefused("accounts", problem, "see `backline accounts list`") from None


def _org_ids(connection: sa.Connection, slugs: Sequence[str]) -> list[uuid.UUID]:
    found = {
        row.slug: row.id for row in connection.execute(sa.select(Org.slug, Org.id).where(Org.slug.in_(slugs)))
    }
    if missing := set(slugs) - set(found):
        names = ", ".join(sorted(missing))
        raise InputRefused("org", f"{names} is unknown", "see `backline accounts list`")
    return [found[slug] for slug in slugs]


def begin(database: Database, job_id: uuid.UUID, run_id: str) -> bool:
    """Let a run carry out a pending job; ``False`` where it is no longer pending, or another's."""
    now = utc_now()
    values = {"status": "running", "run_id": run_id, "started_at": now, "heartbeat_at": now}
    return _move(database, job_id, ScraperJob.status == "pending", values)


def note_progress(database: Database, job_id: uuid.UUID, results: dict[str, Any]) -> bool:
    """Store how far a running job is, and that its run is alive; say whether it was asked to stop."""
    _move(database, job_id, ScraperJob.status == "running", {"results": results, "heartbeat_at": utc_now()})
    with database.read() as connection:
        query = sa.select(ScraperJob.stop_requested_at).where(ScraperJob.id == job_id)
        return connection.execute(query).scalar_one_or_none() is not None


def end(
    database: Database,
    job_id: uuid.UUID,
    status: str,
    *,
    results: dict[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """End a running job as ``completed``, ``failed`` or ``cancelled``; ``False`` where it has ended."""
    values: dict[str, Any] = {"status": status, "completed_at": utc_now(), "error_message": error}
    if results is not None:
        values["results"] = results
    return _move(database, job_id, ScraperJob.status == "running", values)


def stop(database: Database, job_id: uuid.UUID, actor: str) -> str:
    """Cancel a pending job at once, ask a running one to stop; return what its status was.

    Raise ``InputRefused`` where there is no such job or it has ended.
    """
    now = utc_now()
    cancelled = {"status": "cancelled", "completed_at": now, "stop_requested_at": now}
    cancelled["error_message"] = f"Cancelled by {actor} before it began."
    if _move(database, job_id, ScraperJob.status == "pending", cancelled):
        status = "pending"
    elif _move(database, job_id, ScraperJob.status == "running", {"stop_requested_at": now}):
        status = "running"
    else:
        row = find(database, job_id)
        problem = "there is no such job" if row is None else f"it is {row.status} already"
        raise InputRefused("job", problem, "choose one that is pending or running")
    with database.write() as connection:
        audit.record(connection, actor, "scraper.stopped", str(job_id), was=status)
    return status


def find(database: Database, job_id: uuid.UUID) -> AnyRow | None:
    """Return a job's row, ``None`` where there is none."""
    with database.read() as connection:
        return connection.execute(sa.select(ScraperJob).where(ScraperJob.id == job_id)).one_or_none()


def pending(database: Database, limit: int = 50) -> list[AnyRow]:
    """Return the jobs that wait for a run, the oldest first."""
    query = sa.select(ScraperJob).where(ScraperJob.status == "pending").order_by(ScraperJob.created_at)
    with database.read() as connection:
        return list(connection.execute(query.limit(limit)).all())


def live(database: Database, provider: Provider) -> AnyRow | None:
    """Return the provider's job that is being carried out, ``None`` where none is."""
    heard = ScraperJob.heartbeat_at >= utc_now() - SILENT_AFTER
    query = sa.select(ScraperJob).where(ScraperJob.provider == provider.name, ScraperJob.status == "running")
    with database.read() as connection:
        return connection.execute(query.where(heard).limit(1)).one_or_none()


def silent(database: Database) -> list[AnyRow]:
    """Return the running jobs whose run has not been heard of for two minutes."""
    heard = ScraperJob.heartbeat_at < utc_now() - SILENT_AFTER
    query = sa.select(ScraperJob).where(ScraperJob.status == "running", heard)
    with database.read() as connection:
        return list(connection.execute(query).all())


def _move(
    database: Database, job_id: uuid.UUID, guard: sa.ColumnElement[bool], values: dict[str, Any]
) -> bool:
    with database.write() as connection:
        update = sa.update(ScraperJob).where(ScraperJob.id == job_id, guard).values(**values)
        return bool(connection.execute(update).rowcount)
