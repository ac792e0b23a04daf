"""Scrapes of public pages: what was asked for, what every visit came to, and what is kept of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.reading.verdict import Outcome
from resources.tables.base import Base, one_of


class ScraperJob(Base):
    """A scrape that was asked for, and how it went."""

    __tablename__ = "scraper_jobs"
    __table_args__ = (
        sa.Index(None, "status", "created_at"),
        one_of("status", "pending", "running", "completed", "failed", "cancelled"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    org_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("orgs.id"))
    provider: Mapped[str]
    job_type: Mapped[str] = mapped_column(doc="Who asked: `schedule`, `console`, `n8n` or `command`.")
    config: Mapped[dict[str, Any]] = mapped_column(default=dict, doc="`orgs`, `accounts`, `pages`: what.")
    status: Mapped[str] = mapped_column(default="pending", server_default="pending")
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    results: Mapped[dict[str, Any] | None] = mapped_column(
        doc="`total`, `done` and `outcomes`, from its start on."
    )
    error_message: Mapped[str | None]
    created_at: Mapped[datetime]
    run_id: Mapped[str | None] = mapped_column(index=True, doc="The Dagster run that carries it out.")
    requested_by: Mapped[str | None] = mapped_column(doc="The person or program that asked.")
    stop_requested_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None] = mapped_column(doc="When the run last said that it is alive.")


class ScraperHealth(Base):
    """The last known health of one kind of page."""

    __tablename__ = "scraper_health"
    __table_args__ = (sa.Index(None, "provider", "page", unique=True),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    provider: Mapped[str]
    page: Mapped[str]
    status: Mapped[str] = mapped_column(doc="`ok`, `warn`, `error` or `unknown`.")
    last_check_at: Mapped[datetime]
    last_success_at: Mapped[datetime | None]
    response_time_ms: Mapped[int | None]
    error_count: Mapped[int] = mapped_column(default=0, server_default="0")
    success_rate: Mapped[float | None]
    page_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)


class ScraperVisit(Base):
    """What one visit to one page came to; one without an account was to the page's canary."""

    __tablename__ = "scraper_visits"
    __table_args__ = (
        sa.Index(None, "root_run_id", "org_id"),
        sa.Index(None, "provider", "page", "at"),
        sa.Index(None, "account_id", "at"),
        sa.Index(None, "at"),
        one_of("outcome", *Outcome),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    run_id: Mapped[str]
    root_run_id: Mapped[str]
    job_id: Mapped[uuid.UUID] = mapped_column(index=True)
    org_id: Mapped[uuid.UUID | None]
    account_id: Mapped[uuid.UUID | None]
    provider: Mapped[str]
    page: Mapped[str]
    subject: Mapped[str]
    outcome: Mapped[str]
    way: Mapped[str | None] = mapped_column(doc="`light` or `browser`; none where nothing was asked.")
    layout: Mapped[str | None]
    detail: Mapped[str]
    missing: Mapped[list[str]] = mapped_column(default=list, doc="Fields that a changed layout lacks.")
    status: Mapped[int | None] = mapped_column(doc="HTTP status of the document.")
    duration_ms: Mapped[int]
    size: Mapped[int] = mapped_column(doc="Bytes of the document.")
    proxy: Mapped[str | None] = mapped_column(doc="Name of the proxy, without its password.")
    at: Mapped[datetime]


class ScraperEvidence(Base):
    """What is kept of a visit that gave no reading: files in the evidence folder, and where from."""

    __tablename__ = "scraper_evidence"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    visit_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("scraper_visits.id", ondelete="CASCADE"), unique=True
    )
    url: Mapped[str]
    html_file: Mapped[str | None] = mapped_column(doc="In the evidence folder; gzip.")
    screenshot_file: Mapped[str | None] = mapped_column(doc="In the evidence folder; PNG.")
    size: Mapped[int] = mapped_column(doc="Bytes on disk.")
    taken_at: Mapped[datetime] = mapped_column(index=True)


class ScraperControl(Base):
    """What a person set for a provider's scrapes; without a row the declaration and settings hold."""

    __tablename__ = "scraper_controls"

    provider: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    config: Mapped[dict[str, Any]] = mapped_column(
        default=dict, doc="`pause_seconds`, `concurrency`, `daily_pages`: those that were changed."
    )
    updated_at: Mapped[datetime]


class BrowserProfile(Base):
    """One browser identity of a provider's visits, and the cookies it holds, sealed."""

    __tablename__ = "browser_profiles"

    name: Mapped[str] = mapped_column(primary_key=True, doc="`provider/number`.")
    identity: Mapped[dict[str, Any]] = mapped_column(doc="Locale, time zone, viewport: what stays.")
    sealed: Mapped[bytes | None] = mapped_column(doc="The cookies.")
    key_id: Mapped[str | None] = mapped_column(index=True)
    updated_at: Mapped[datetime]


class ProxyHealth(Base):
    """How a proxy does, over all runs."""

    __tablename__ = "proxy_health"

    name: Mapped[str] = mapped_column(primary_key=True, doc="Its host and port.")
    failures: Mapped[int] = mapped_column(default=0, server_default="0", doc="In a row.")
    resting_until: Mapped[datetime | None]
    last_outcome: Mapped[str | None]
    updated_at: Mapped[datetime]
