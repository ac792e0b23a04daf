"""Accounts and their synced streams, written as the sync's own writer leaves them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from resources.audience.daily import refresh_daily
from resources.audience.shards import Shard
from resources.bulk import upsert
from resources.database import Database, insert_into, utc_now
from resources.providers import PROVIDERS
from resources.streams import table_of
from resources.tables import AudienceDaily, ConnectedAccount, Org, StreamCursor, SyncResult

ALL = Shard()
LONG_AGO = utc_now() - timedelta(days=400)


def required(table: sa.Table) -> dict[str, Any]:
    """Return a value for each column of a stream table that must have one."""
    blank = {"TEXT": "", "BIGINT": 0, "BOOLEAN": False, "DOUBLE": 0.0, "DOUBLE PRECISION": 0.0}
    own = [c for c in table.columns if c.name not in {"account_id", "synced_at", "deleted_at"}]
    return {c.name: blank[str(c.type)] for c in own if not c.nullable and str(c.type) in blank}


@dataclass
class House:
    """A database that is filled by hand."""

    database: Database

    def org(self, slug: str) -> uuid.UUID:
        """Return the id of an org, made where it is new."""
        with self.database.write() as connection:
            found = connection.execute(sa.select(Org.id).where(Org.slug == slug)).scalar_one_or_none()
            if found is None:
                found = uuid.uuid4()
                values = {"id": found, "slug": slug, "name": slug, "created_at": LONG_AGO}
                connection.execute(sa.insert(Org).values(**values))
        return found

    def account(self, org: str = "north", provider: str = "spotify", shard_hash: int = 0, **more: Any):
        """Connect an account to an org, and return its id."""
        values = {
            "id": uuid.uuid4(),
            "org_id": self.org(org),
            "provider": provider,
            "external_id": uuid.uuid4().hex,
            "display_name": "Somebody",
            "shard_hash": shard_hash,
            "created_at": LONG_AGO,
        } | more
        with self.database.write() as connection:
            connection.execute(sa.insert(ConnectedAccount).values(**values))
        return values["id"]

    def change(self, account: uuid.UUID, **values: Any) -> None:
        """Change an account's row."""
        with self.database.write() as connection:
            update = sa.update(ConnectedAccount).where(ConnectedAccount.id == account)
            connection.execute(update.values(**values))

    def sync(self, account: uuid.UUID, stream: str, *rows: dict[str, Any], at: datetime | None = None):
        """Write what a pass over a stream brought; of a list, what it did not bring is gone."""
        provider = self.provider(account)
        declared, at = provider.stream(stream), at or utc_now()
        table = table_of(provider, declared)
        with self.database.write() as connection:
            for row in rows:
                values = {**required(table), **row, "account_id": account}
                same = {"synced_at": at, "deleted_at": None}
                upsert(connection, table, list(values), [tuple(values.values())], same=same)
            if not declared.is_history:
                gone = (table.c.account_id == account) & (table.c.synced_at < at)
                connection.execute(sa.update(table).where(gone).values(deleted_at=at))
            insert = insert_into(connection, StreamCursor)
            cursor = insert.values(account_id=account, stream=stream, cursor={}, updated_at=at)
            connection.execute(
                cursor.on_conflict_do_update(index_elements=["account_id", "stream"], set_={"updated_at": at})
            )
        self.result(account, stream, len(rows), at)

    def provider(self, account: uuid.UUID):
        """Return an account's provider."""
        with self.database.read() as connection:
            query = sa.select(ConnectedAccount.provider).where(ConnectedAccount.id == account)
            return PROVIDERS[connection.execute(query).scalar_one()]

    def result(self, account: uuid.UUID, stream: str, records: int, at: datetime, **more: Any) -> None:
        """Write how a pass over a stream went."""
        values = {
            "run_id": uuid.uuid4().hex,
            "asset": f"{self.provider(account).name}/{stream}",
            "account_id": account,
            "root_run_id": "root",
            "org_id": uuid.uuid4(),
            "status": "ok",
            "complete": True,
            "records": records,
            "requests": 1,
            "started_at": at,
            "finished_at": at,
        } | more
        with self.database.write() as connection:
            connection.execute(sa.insert(SyncResult).values(**values))

    def refresh(self, *, shard: Shard = ALL, full: bool = False) -> int:
        """Refresh the audience of all providers, and return how many rows were written or changed."""
        done = refresh_daily(self.database, list(PROVIDERS.values()), shard, full=full)
        assert [part.error for part in done.values() if part.error] == []
        return sum(sum(part.rows.values()) for part in done.values())

    def numbers(self, account: uuid.UUID, metric: str) -> dict:
        """Return an account's values of a metric by day."""
        row = AudienceDaily
        query = sa.select(row.day, row.value).where(row.account_id == account, row.metric == metric)
        with self.database.read() as connection:
            return {row.day: row.value for row in connection.execute(query)}

    def write_number(self, account: uuid.UUID, day, value: float, metric: str = "followers") -> None:
        """Write a row of ``audience_daily`` as if it had been refreshed just now."""
        with self.database.write() as connection:
            query = sa.select(ConnectedAccount.org_id, ConnectedAccount.provider)
            org_id, provider = connection.execute(query.where(ConnectedAccount.id == account)).one()
            insert = insert_into(connection, AudienceDaily).values(
                org_id=org_id, account_id=account, provider=provider, day=day, metric=metric, value=value,
                updated_at=utc_now(),
            )  # fmt: skip
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["account_id", "day", "metric"],
                    set_={"value": value, "updated_at": utc_now()},
                )
            )

    def all_rows(self, table: str) -> list[tuple]:
        """Return every row of a table."""
        with self.database.read() as connection:
            return sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {table}").all()))


@pytest.fixture
def house(database: Database) -> House:
    return House(database)
