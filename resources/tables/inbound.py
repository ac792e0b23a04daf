"""Calls that came in from n8n."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base, one_of


class InboundCall(Base):
    """A signed call that was taken; what it asked for has the same id."""

    __tablename__ = "inbound_calls"
    __table_args__ = (
        sa.Index(None, "status", "received_at"),
        one_of("status", "accepted", "running", "completed", "failed", "refused"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    webhook_id: Mapped[str] = mapped_column(unique=True, doc="As the caller chose it.")
    type: Mapped[str] = mapped_column(doc="`sync.requested`, `scrape.requested` or `replay.requested`.")
    data: Mapped[dict[str, Any]] = mapped_column(doc="What was asked for.")
    asked_hash: Mapped[str] = mapped_column(
        doc="SHA-256 of type and data; by it a repeat is told from another call."
    )
    source_address: Mapped[str] = mapped_column(doc="Where it came from.")
    status: Mapped[str] = mapped_column(default="accepted", server_default="accepted")
    results: Mapped[dict[str, Any] | None] = mapped_column(doc="What came of it.")
    error_message: Mapped[str | None]
    received_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
