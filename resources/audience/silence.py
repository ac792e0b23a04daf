"""Which providers, or parts of them, have been silent: accounts that no sync read with success for a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from resources.database import Database
from resources.provider import Provider
from resources.tables import ConnectedAccount

QUIET = timedelta(days=1)
HIGHEST_SHARE = 0.05


@dataclass(frozen=True)
class Silence:
    """One provider's connected accounts, and how many of them no sync read for a day.

    ``oldest`` is when the account that waits the longest was last read, or was connected.
    """

    provider: str
    accounts: int
    silent: int
    oldest: datetime

    @property
    def is_whole(self) -> bool:
        """Whether nothing at all comes from the provider."""
        return self.silent == self.accounts

    @property
    def is_finding(self) -> bool:
        """Whether the provider is silent, or more of its accounts than now and then happens."""
        return self.is_whole or self.silent > HIGHEST_SHARE * self.accounts


def silences(database: Database, providers: Iterable[Provider], now: datetime) -> list[Silence]:
    """Return each provider that has connected accounts, and how silent it is."""
    account = ConnectedAccount
    heard = sa.func.coalesce(account.last_sync_at, account.created_at, type_=account.created_at.type)
    silent = sa.func.sum(sa.case((heard < now - QUIET, 1), else_=0))
    query = (
        sa.select(
            account.provider, sa.func.count(), silent, sa.func.min(heard, type_=account.created_at.type)
        )
        .where(account.status == "connected", account.provider.in_([one.name for one in providers]))
        .group_by(account.provider)
        .order_by(account.provider)
    )
    with database.read() as connection:
        return [
            Silence(name, count, int(quiet), oldest)
            for name, count, quiet, oldest in connection.execute(query)
        ]
