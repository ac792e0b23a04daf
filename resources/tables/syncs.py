"""Where syncs stand, how they went, and what they may still spend."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base, one_of


class StreamCursor(Base):
    """Where a stream of an account stands after its last committed pass."""

    __tablename__ = "stream_cursors"

    account_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("connected_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    stream: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[dict[str, Any]] = mapped_column(default=dict)
    updated_at: Mapped[datetime]


class SyncResult(Base):
    """How one stream of one account went in one run."""

    __tablename__ = "sync_results"
    __table_args__ = (
        sa.Index(None, "root_run_id", "org_id"),
        sa.Index(None, "account_id", "asset", "finished_at"),
        sa.Index(None, "finished_at"),
        one_of("status", "ok", "partial", "failed"),
    )

    run_id: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True, doc="`provider/stream`.")
    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    root_run_id: Mapped[str]
    org_id: Mapped[uuid.UUID]
    status: Mapped[str]
    complete: Mapped[bool | None] = mapped_column(doc="Whether all there was to read was read.")
    records: Mapped[int]
    rejected: Mapped[int] = mapped_column(default=0)
    deleted: Mapped[int] = mapped_column(default=0)
    requests: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    error_type: Mapped[str | None]
    error_message: Mapped[str | None]


class ProviderPark(Base):
    """A provider app that must not be called before ``until``."""

    __tablename__ = "provider_parks"

    provider: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    error_type: Mapped[str]
    reason: Mapped[str]
    parked_at: Mapped[datetime]


class QuotaUsage(Base):
    """Units of a provider app's quota that were spent, or are reserved, on one of its days."""

    __tablename__ = "quota_usage"

    provider: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, doc="In the provider's own zone.")
    units: Mapped[int] = mapped_column(default=0, server_default="0")


class SyncPosition(Base):
    """The account at which a provider's next sync of a shard begins, where the last one did not reach all."""

    __tablename__ = "sync_positions"

    provider: Mapped[str] = mapped_column(primary_key=True)
    shard: Mapped[str] = mapped_column(primary_key=True, doc="`shard/shards`.")
    org_id: Mapped[uuid.UUID]
    account_id: Mapped[uuid.UUID]
    updated_at: Mapped[datetime]
