"""Syncs that were asked for, and the runs that they became."""

from __future__ import annotations

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base, one_of


class RequestedSync(Base):
    """A sync that a person or n8n asked for; the sensor ``requested_syncs`` turns it into runs."""

    __tablename__ = "sync_requests"
    __table_args__ = (
        sa.Index(None, "status", "created_at"),
        one_of("source", "api", "manual"),
        one_of("status", "pending", "running", "completed", "failed"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    provider: Mapped[str]
    orgs: Mapped[list[str]] = mapped_column(default=list, doc="Slugs; empty is all.")
    accounts: Mapped[list[str]] = mapped_column(default=list, doc="Ids; empty is all.")
    streams: Mapped[list[str]] = mapped_column(default=list, doc="Names; empty is all.")
    full: Mapped[bool] = mapped_column(default=False, doc="Whether to forget where the last sync stopped.")
    only_failed: Mapped[bool] = mapped_column(default=False)
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]
    source: Mapped[str] = mapped_column(doc="As events say it.")
    requested_by: Mapped[str] = mapped_column(doc="The person or program that asked.")
    status: Mapped[str] = mapped_column(default="pending", server_default="pending")
    error_message: Mapped[str | None]
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class RequestedRun(Base):
    """One shard's part of a requested sync: one Dagster run, started once."""

    __tablename__ = "sync_request_runs"
    __table_args__ = (
        sa.Index(None, "status"),
        one_of("status", "waiting", "started", "completed", "failed"),
    )

    request_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("sync_requests.id", ondelete="CASCADE"), primary_key=True
    )
    shard: Mapped[str] = mapped_column(primary_key=True, doc="The partition: `000` and on.")
    status: Mapped[str] = mapped_column(default="waiting", server_default="waiting")
    run_id: Mapped[str | None] = mapped_column(doc="The newest run of the chain.")
    ended_at: Mapped[datetime | None]
