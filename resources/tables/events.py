"""Events on their way to n8n, and the attempts to deliver them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base, one_of


class WebhookEvent(Base):
    """An event on its way to n8n: written with what it tells of, delivered at least once."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        sa.Index(None, "status", "next_attempt_at"),
        sa.Index(None, "org_id", "created_at"),
        one_of("status", "pending", "delivered", "failed"),
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
