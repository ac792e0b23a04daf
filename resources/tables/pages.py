"""Scrapes of public pages, and their health."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

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
    job_type: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[str] = mapped_column(default="pending", server_default="pending")
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    results: Mapped[dict[str, Any] | None]
    error_message: Mapped[str | None]
    created_at: Mapped[datetime]


class ScraperHealth(Base):
    """The last known health of one provider's pages."""

    __tablename__ = "scraper_health"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    provider: Mapped[str] = mapped_column(index=True)
    status: Mapped[str]
    last_check_at: Mapped[datetime]
    response_time_ms: Mapped[int | None]
    error_count: Mapped[int] = mapped_column(default=0, server_default="0")
    success_rate: Mapped[float | None]
    page_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
