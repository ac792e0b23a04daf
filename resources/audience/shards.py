"""A shard of the accounts, read in pieces so that memory does not grow with them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.database import Database
from resources.tables import ConnectedAccount

ACCOUNTS_AT_ONCE = 200
ORGS_AT_ONCE = 100


@dataclass(frozen=True)
class Shard:
    """The orgs whose hash leaves ``number`` when divided by ``of``; all of them where nothing is said."""

    number: int = 0
    of: int = 1

    @property
    def name(self) -> str:
        """The shard as positions name it."""
        return f"{self.number}/{self.of}"

    @property
    def holds(self) -> sa.ColumnElement[bool]:
        """Say whether an account is of this shard."""
        return ConnectedAccount.shard_hash % self.of == self.number


def account_chunks(database: Database, which: sa.ColumnElement[bool]) -> Iterator[list[uuid.UUID]]:
    """Yield the ids of the accounts that fit, a piece at a time."""
    yield from _chunks(database, ConnectedAccount.id, which, ACCOUNTS_AT_ONCE)


def org_chunks(database: Database, shard: Shard) -> Iterator[list[uuid.UUID]]:
    """Yield the ids of the orgs of a shard that ever connected an account, a piece at a time."""
    yield from _chunks(database, ConnectedAccount.org_id, shard.holds, ORGS_AT_ONCE)


def _chunks(
    database: Database, column: Any, which: sa.ColumnElement[bool], size: int
) -> Iterator[list[uuid.UUID]]:
    query = sa.select(column).distinct().where(which).order_by(column).limit(size)
    after: uuid.UUID | None = None
    while True:
        with database.read() as connection:
            further = query if after is None else query.where(column > after)
            ids = list(connection.execute(further).scalars())
        if ids:
            yield ids
        if len(ids) < size:
            return
        after = ids[-1]
