"""Events, the endpoints that want them, what was delivered where, and every attempt."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base, one_of

EVENT_SEQUENCE = sa.Sequence("webhook_events_sequence", metadata=Base.metadata)
PENDING, UNFINISHED = sa.text("status = 'pending'"), sa.text("status <> 'delivered'")


class WebhookEvent(Base):
    """An event, written with what it tells of; its state is the sum of its deliveries."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        sa.Index(None, "org_id", "created_at"),  # none on what changes: updates then touch no index
        sa.Index(None, "created_at", "event_type"),
        one_of("status", "pending", "delivered", "failed"),
        {"postgresql_with": {"fillfactor": 70, "toast_tuple_target": 128}},  # payloads lie apart, and stay
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(unique=True, doc="Grows with each event; gaps are usual.")
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
    created_at: Mapped[datetime]


class WebhookEndpoint(Base):
    """Where events go: one of n8n's own paths (no org, no URL), or an org's."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        sa.UniqueConstraint("org_id", "name"),
        one_of("breaker", "closed", "open", "half_open"),
        sa.CheckConstraint("(org_id IS NULL) = (url IS NULL)", name="builtin"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    org_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("orgs.id", ondelete="CASCADE"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    url: Mapped[str | None]
    event_types: Mapped[list[str]] = mapped_column(doc="Those it wants; empty means all.")
    providers: Mapped[list[str]] = mapped_column(doc="Those it wants to hear of; empty means all.")
    header_names: Mapped[list[str]] = mapped_column(doc="Its own headers, whose values are sealed.")
    sealed: Mapped[bytes | None] = mapped_column(doc="Its secrets, newest first, and its headers' values.")
    key_id: Mapped[str | None] = mapped_column(index=True)
    enabled: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    max_in_flight: Mapped[int | None] = mapped_column(doc="None means BACKLINE_DELIVERY_CONCURRENCY.")
    rate_limit: Mapped[str] = mapped_column(default="", server_default="", doc="`requests/seconds`.")
    breaker: Mapped[str] = mapped_column(default="closed", server_default="closed")
    failures: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="In a row, none delivered since."
    )
    trips: Mapped[int] = mapped_column(default=0, server_default="0", doc="Times it opened in a row.")
    opened_at: Mapped[datetime | None]
    probe_at: Mapped[datetime | None] = mapped_column(doc="When one event is tried again.")
    held_until: Mapped[datetime | None] = mapped_column(doc="The receiver asked to be left alone until then.")
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One event on its way to one endpoint: delivered at least once, or failed and replayable."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.Index(
            "ix_webhook_deliveries_due",
            *("endpoint_id", "next_attempt_at"),
            postgresql_where=PENDING,
            sqlite_where=PENDING,
        ),
        sa.Index(
            "ix_webhook_deliveries_unfinished",
            *("status", "created_at"),
            postgresql_where=UNFINISHED,
            sqlite_where=UNFINISHED,
        ),
        sa.Index(None, "endpoint_id", "created_at"),
        one_of("status", "pending", "delivered", "failed"),
        {"postgresql_with": {"fillfactor": 60}},
    )

    event_id: Mapped[str] = mapped_column(
        sa.ForeignKey("webhook_events.id", ondelete="CASCADE"), primary_key=True
    )
    endpoint_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), primary_key=True
    )
    status: Mapped[str] = mapped_column(default="pending", server_default="pending")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", doc="All that were ever made.")
    retries: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="Spent of the schedule since it last became due by hand."
    )
    last_attempt_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    success_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    created_at: Mapped[datetime]


class WebhookAttempt(Base):
    """One attempt to deliver an event to an endpoint; no foreign key, which would cost as much as the row."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        sa.Index("ix_webhook_attempts_health", "started_at", "endpoint_id", "duration_ms", "status_code"),
    )

    event_id: Mapped[str] = mapped_column(primary_key=True)
    endpoint_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str]
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status_code: Mapped[int | None]
    response_excerpt: Mapped[str | None]
    error_message: Mapped[str | None]
