"""Orgs, their connected accounts, and what lets Backline speak for them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base, one_of


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
        one_of("status", "connected", "needs_reconnect", "disconnected"),
        one_of("sync_status", "never", "running", "ok", "partial", "failed"),
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
    retry_at: Mapped[datetime | None] = mapped_column(doc="The provider takes no request for it before.")
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
    ends_at: Mapped[datetime | None] = mapped_column(doc="When the consent ends, where the provider said so.")
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
