"""The statement that writes one metric of some accounts: the database sums, nothing passes through us."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from resources.database import insert_into
from resources.provider import Metric, Provider
from resources.streams import table_of
from resources.tables import AudienceDaily, ConnectedAccount, StreamCursor, UtcDateTime

COLUMNS = ("org_id", "account_id", "provider", "day", "metric", "value", "updated_at")


class UtcDay(FunctionElement[date]):
    """The UTC date of a moment."""

    type = sa.Date()
    inherit_cache = True


@compiles(UtcDay)
def _utc_day(element: UtcDay, compiler: sa.Compiled, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(({moment}) AT TIME ZONE 'UTC' AS DATE)"


@compiles(UtcDay, "sqlite")
def _utc_day_sqlite(element: UtcDay, compiler: sa.Compiled, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)})"


@dataclass(frozen=True)
class MetricWrite:
    """One metric of one provider, as far as it was synced ``since`` a moment; all of it without one."""

    provider: Provider
    metric: Metric
    since: datetime | None
    now: datetime

    @property
    def stream(self) -> str:
        """The stream as ``sync_results`` names it."""
        return f"{self.provider.name}/{self.metric.stream}"

    def statement(
        self, connection: sa.Connection, account_ids: Sequence[uuid.UUID]
    ) -> postgresql.Insert | sqlite.Insert:
        """Return what writes the metric of these accounts, and leaves a row alone whose value is the same."""
        rows = self._snapshot(account_ids) if self.metric.is_snapshot else self._by_day(account_ids)
        insert = insert_into(connection, AudienceDaily)
        insert = insert.from_select(list(COLUMNS), rows)
        return insert.on_conflict_do_update(
            index_elements=["account_id", "day", "metric"],
            set_={"value": insert.excluded.value, "updated_at": insert.excluded.updated_at},
            where=AudienceDaily.value.is_distinct_from(insert.excluded.value),
        )

    @property
    def _table(self) -> sa.Table:
        return table_of(self.provider, self.provider.stream(self.metric.stream))

    def _counted(self, account_ids: Sequence[uuid.UUID]) -> sa.ColumnElement[bool]:
        """Say whether a row counts."""
        table = self._table
        marks = [table.c[name] == value for name, value in self.metric.where.items()]
        return sa.and_(table.c.account_id.in_(account_ids), *marks)

    def _value(self) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[bool]]:
        """Return the sum, or the count, and whether it is known: a sum with a null in it is not."""
        if self.metric.column is None:
            return sa.func.count(), sa.true()
        column = self._table.c[self.metric.column]
        return sa.func.sum(column), sa.func.count(column) == sa.func.count()

    def _row(self, day: sa.ColumnElement[Any], value: sa.ColumnElement[Any]) -> list[Any]:
        return [
            ConnectedAccount.org_id,
            ConnectedAccount.id.label("account_id"),
            sa.literal(self.provider.name, sa.Text).label("provider"),
            day.label("day"),
            sa.literal(self.metric.name, sa.Text).label("metric"),
            sa.cast(value, sa.Double).label("value"),
            sa.literal(self.now, UtcDateTime()).label("updated_at"),
        ]

    def _by_day(self, account_ids: Sequence[uuid.UUID]) -> sa.Select[Any]:
        """Select every day of which a row was synced, each summed over all its rows."""
        table = self._table
        column = table.c[self.metric.day or ""]
        day = UtcDay(column) if isinstance(column.type, UtcDateTime) else column
        value, is_known = self._value()
        query = (
            sa.select(*self._row(day, value))
            .join_from(table, ConnectedAccount, ConnectedAccount.id == table.c.account_id)
            .where(self._counted(account_ids), column.is_not(None))
            .group_by(ConnectedAccount.org_id, ConnectedAccount.id, day)
            .having(is_known)
        )
        return query if self.since is None else query.having(sa.func.max(table.c.synced_at) >= self.since)

    def _snapshot(self, account_ids: Sequence[uuid.UUID]) -> sa.Select[Any]:
        """Select what the stream says now, for the day on which it was last synced."""
        table = self._table
        value, is_known = self._value()
        met = (
            sa.select(
                table.c.account_id,
                value.label("value"),
                sa.func.max(table.c.synced_at).label("synced_at"),
            )
            .where(self._counted(account_ids), table.c.deleted_at.is_(None))
            .group_by(table.c.account_id)
            .having(is_known)
            .subquery()
        )
        if self.metric.column is None:
            return self._count(met, account_ids)
        query = sa.select(*self._row(UtcDay(met.c.synced_at), met.c.value))
        query = query.join_from(met, ConnectedAccount, ConnectedAccount.id == met.c.account_id)
        return query.where(*self._is_lately(met.c.synced_at))

    def _count(self, met: sa.Subquery, account_ids: Sequence[uuid.UUID]) -> sa.Select[Any]:
        """Select the number of rows, which is 0 where a list was read and nothing was in it."""
        read = StreamCursor.updated_at
        moment = sa.case((met.c.synced_at > read, met.c.synced_at), else_=read)
        query = (
            sa.select(*self._row(UtcDay(moment), sa.func.coalesce(met.c.value, 0)))
            .join_from(StreamCursor, ConnectedAccount, ConnectedAccount.id == StreamCursor.account_id)
            .outerjoin(met, met.c.account_id == StreamCursor.account_id)
        )
        mine = StreamCursor.account_id.in_(account_ids) & (StreamCursor.stream == self.metric.stream)
        return query.where(mine, *self._is_lately(moment))

    def _is_lately(self, moment: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        return [sa.true()] if self.since is None else [moment >= self.since]
