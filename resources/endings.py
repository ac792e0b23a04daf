"""When a grant ends for good, whatever is refreshed: as the provider said, by its rule, or with its token."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from resources.provider import Provider
from resources.tables import Grant


class Times(Protocol):
    """The times of a grant."""

    @property
    def authorized_at(self) -> datetime | None:
        """When a person last consented."""

    @property
    def ends_at(self) -> datetime | None:
        """When the provider said that the consent ends."""

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends."""


def end_of(provider: Provider, grant: Times) -> datetime | None:
    """Return when a person must have consented again; ``None`` where that is never."""
    oauth = provider.oauth
    if grant.ends_at is not None:
        return grant.ends_at
    if oauth.lifetime is not None and grant.authorized_at is not None:
        return grant.authorized_at + oauth.lifetime
    return grant.expires_at if oauth.renewal else None


def ends_before(provider: Provider, moment: datetime) -> sa.ColumnElement[bool]:
    """Return the same as a condition on grants of a provider."""
    oauth, unsaid = provider.oauth, Grant.ends_at.is_(None)
    ends = [Grant.ends_at <= moment]
    if oauth.lifetime is not None:
        ends.append(unsaid & (Grant.authorized_at <= moment - oauth.lifetime))
    elif oauth.renewal is not None:
        ends.append(unsaid & (Grant.expires_at <= moment))
    return sa.func.coalesce(sa.or_(*ends), sa.false())


def cure_of(provider: Provider, grant: Times) -> str:
    """Return what else can be done where the provider itself named the end of the consent."""
    return provider.oauth.ending if grant.ends_at is not None else ""
