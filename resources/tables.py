"""The tables that are the same for every provider; stream tables follow from ``resources.streams``."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = sa.JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A moment in UTC, aware on the way in and out; SQLite stores it without its zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: D102
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a zone was given to the database.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The declarative base; its metadata is what the migrations make."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy reads it from the class
        uuid.UUID: sa.Uuid(),
        datetime: UtcDateTime(),
        date: sa.Date(),
        int: sa.BigInteger(),
        str: sa.Text(),
        dict[str, Any]: Json,
        list[str]: Json,
    }


def _one_of(column: str, *values: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=column)


class Org(Base):
    """An organisation whose accounts are connected."""

    __tablename__ = "orgs"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class ConnectedAccount(Base):
    """One account of an org at a provider."""

    __tablename__ = "connected_accounts"
    __table_args__ = (
        sa.UniqueConstraint("org_id", "provider", "external_id"),
        sa.Index(None, "provider", "shard_hash", "org_id", "id"),
        _one_of("status", "connected", "needs_reconnect", "disconnected"),
        _one_of("sync_status", "never", "running", "ok", "partial", "failed"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    org_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("orgs.id"))
    provider: Mapped[str]
    external_id: Mapped[str]
    display_name: Mapped[str]
    status: Mapped[str] = mapped_column(default="connected", server_default="connected")
    provider_config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    shard_hash: Mapped[int] = mapped_column(doc="CRC-32 of the org's id; its remainder names the shard.")
    last_sync_at: Mapped[datetime | None]
    sync_status: Mapped[str] = mapped_column(default="never", server_default="never")
    error_type: Mapped[str | None]
    error_message: Mapped[str | None]
    created_at: Mapped[datetime]


class Grant(Base):
    """An account's sealed tokens; ``lease_until`` lets one process at a time refresh them."""

    __tablename__ = "grants"

    account_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("connected_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    sealed: Mapped[bytes]
    key_id: Mapped[str] = mapped_column(index=True)
    scopes: Mapped[list[str]] = mapped_column(default=list)
    expires_at: Mapped[datetime | None] = mapped_column(doc="When the access token ends.")
    authorized_at: Mapped[datetime] = mapped_column(doc="When a person last consented.")
    generation: Mapped[int] = mapped_column(default=1, doc="Grows with each new consent or refresh.")
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class AppCredential(Base):
    """A provider app's client id and sealed secret, as stored in the console."""

    __tablename__ = "app_credentials"

    provider: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[str]
    sealed: Mapped[bytes]
    key_id: Mapped[str] = mapped_column(index=True)
    updated_at: Mapped[datetime]


class OAuthState(Base):
    """A connection under way: the single-use state of one authorize request, by its hash."""

    __tablename__ = "oauth_states"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str]
    org_slug: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(doc="The PKCE verifier.")
    key_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


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
        _one_of("status", "ok", "partial", "failed"),
    )

    run_id: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True, doc="`provider/stream`.")
    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    root_run_id: Mapped[str]
    org_id: Mapped[uuid.UUID]
    status: Mapped[str]
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


class WebhookEvent(Base):
    """An event on its way to n8n: written with what it tells of, delivered at least once."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        sa.Index(None, "status", "next_attempt_at"),
        sa.Index(None, "org_id", "created_at"),
        _one_of("status", "pending", "delivered", "failed"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    org_id: Mapped[uuid.UUID]
    event_type: Mapped[str]
    provider: Mapped[str]
    payload: Mapped[dict[str, Any]]
    event_metadata: Mapped[dict[str, Any]]
    run_id: Mapped[str | None] = mapped_column(index=True, doc="The first run of a chain of re-executions.")
    n8n_webhook_url: Mapped[str | None] = mapped_column(doc="Where it was last sent.")
    status: Mapped[str] = mapped_column(default="pending", server_default="pending")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    last_attempt_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    success_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class WebhookAttempt(Base):
    """One attempt to deliver an event."""

    __tablename__ = "webhook_attempts"

    event_id: Mapped[str] = mapped_column(
        sa.ForeignKey("webhook_events.id", ondelete="CASCADE"), primary_key=True
    )
    attempt: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    duration_ms: Mapped[int]
    status_code: Mapped[int | None]
    response_excerpt: Mapped[str | None]
    error_message: Mapped[str | None]


class ScraperJob(Base):
    """A scrape that was asked for, and how it went."""

    __tablename__ = "scraper_jobs"
    __table_args__ = (
        sa.Index(None, "status", "created_at"),
        _one_of("status", "pending", "running", "completed", "failed", "cancelled"),
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


class AuditEntry(Base):
    """Who did what to which thing."""

    __tablename__ = "audit_log"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AudienceDaily(Base):
    """One audience number of one account on one day, in one shape for every provider."""

    __tablename__ = "audience_daily"

    org_id: Mapped[uuid.UUID] = mapped_column(index=True)
    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    day: Mapped[date] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
