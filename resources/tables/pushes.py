"""What providers push, and what is subscribed to it."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base, one_of


class ProviderPush(Base):
    """News that a provider pushed about one account; it makes a sync of that account."""

    __tablename__ = "provider_pushes"
    __table_args__ = (
        sa.UniqueConstraint("provider", "external_id", "kind", "subject", "mark"),
        sa.Index(None, "status", "received_at"),
        one_of("status", "pending", "requested"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    provider: Mapped[str]
    external_id: Mapped[str] = mapped_column(doc="The account, as the provider names it.")
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(doc="What the news is about: a video, a comment.")
    mark: Mapped[str] = mapped_column(doc="What tells a repeat of the same news from news.")
    status: Mapped[str] = mapped_column(default="pending", server_default="pending")
    run_key: Mapped[str | None] = mapped_column(doc="The run that was asked for because of it.")
    received_at: Mapped[datetime]
    requested_at: Mapped[datetime | None]


class PushSubscription(Base):
    """An account's subscription to its provider's pushes."""

    __tablename__ = "push_subscriptions"
    __table_args__ = (one_of("status", "asked", "verified", "failed"),)

    account_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("connected_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    provider: Mapped[str] = mapped_column(index=True)
    topic: Mapped[str]
    status: Mapped[str] = mapped_column(default="asked", server_default="asked")
    asked_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    error_message: Mapped[str | None]
