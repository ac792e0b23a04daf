"""Who may use the console: people, their roles, sessions and links, and the tokens of programs.

No secret is stored: of a password there is its Argon2id hash, of all else the SHA-256 of 256 random bits.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base, one_of


class User(Base):
    """A person; one that is disabled is kept, because the audit log names it."""

    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(unique=True, doc="What the person logs in with; lower case.")
    password_hash: Mapped[str | None] = mapped_column(doc="None until a password is set.")
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class UserRole(Base):
    """What a person may do in an org, or over all."""

    __tablename__ = "user_roles"
    __table_args__ = (sa.UniqueConstraint("user_id", "org_id"), one_of("role", "viewer", "operator", "admin"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    org_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.ForeignKey("orgs.id", ondelete="CASCADE"), doc="None is over all orgs."
    )
    role: Mapped[str]


class Session(Base):
    """A browser that is logged in."""

    __tablename__ = "sessions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(doc="When the person last opened or sent something.")
    ends_at: Mapped[datetime] = mapped_column(doc="The absolute end.")
    address: Mapped[str] = mapped_column(doc="Where it was begun from.")
    browser: Mapped[str] = mapped_column(doc="What the browser called itself then.")


class LoginLink(Base):
    """A link that lets one person in once, and set a password."""

    __tablename__ = "login_links"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ApiToken(Base):
    """A program that acts for a person, with no more rights than the person has."""

    __tablename__ = "api_tokens"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(doc="What it is for.")
    scopes: Mapped[list[str]] = mapped_column(doc="Some of `read`, `operate`, `admin`, `metrics`.")
    ending: Mapped[str] = mapped_column(doc="Its last four characters, to tell it from others.")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
