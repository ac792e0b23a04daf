"""Set-based writes: many rows into one table at once, the same on both databases.

PostgreSQL takes them by ``COPY`` into a temporary table and one upsert, SQLite by one prepared upsert.
Rows are tuples of the columns' plain values; JSON is text already.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from resources.records import Row
from resources.tables import UtcDateTime

ROWS_AT_ONCE = 200


@dataclass(frozen=True)
class _Target:
    """Where rows go: ``same`` is what all of them hold, ``differing`` what must differ to overwrite one."""

    table: sa.Table
    columns: Sequence[str]
    same: Mapping[str, Any]
    differing: Sequence[str] = ()

    def names(self, unlike: str) -> tuple[str, str, str]:
        """Return the quoted columns, the quoted key, and what an upsert does to a row that is there."""
        key, columns = [column.name for column in self.table.primary_key], [*self.columns, *self.same]
        updates = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
        mine = f'"{self.table.name}"'
        changed = " OR ".join(f'{mine}."{name}" {unlike} excluded."{name}"' for name in self.differing)
        action = f"UPDATE SET {updates}" + (f" WHERE {changed}" if changed else "") if updates else "NOTHING"
        return _quoted(columns), _quoted(key), action


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    rows: Iterable[Row],
    same: Mapping[str, Any] | None = None,
) -> None:
    """Insert rows, or overwrite those that have the same primary key; one row a key and statement.

    ``same`` are columns that hold one value in all rows, which then do not carry it. Raise
    ``DBAPIError`` where the database refuses them, as SQLAlchemy's own statements do.
    """
    _write(connection, _Target(table, columns, same or {}), rows)


def upsert_differing(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    rows: Iterable[Row],
    same: Mapping[str, Any],
) -> None:
    """Insert or overwrite likewise, but leave a row alone where it differs in ``same`` at most."""
    differing = [name for name in columns if name not in table.primary_key.columns]
    _write(connection, _Target(table, columns, same, differing), rows)


def _write(connection: sa.Connection, target: _Target, rows: Iterable[Row]) -> None:
    write = _upsert_sqlite if connection.dialect.name == "sqlite" else _upsert_postgresql
    driver_error: Any = connection.dialect.loaded_dbapi.Error
    try:
        write(connection, target, rows)
    except driver_error as error:
        raise _refusal(connection, error, driver_error) from error


def _refusal(connection: sa.Connection, error: Exception, driver_error: Any) -> BaseException:
    """Return the driver's own error as SQLAlchemy would raise it."""
    dialect, link = connection.dialect, connection.connection.dbapi_connection
    lost = dialect.is_disconnect(error, link, None)  # type: ignore[arg-type]  # the driver's error, whichever
    return DBAPIError.instance(
        None, None, error, driver_error, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _upsert_postgresql(connection: sa.Connection, target: _Target, rows: Iterable[Row]) -> None:
    table, columns, same = target.table, target.columns, target.same
    names, key, action = target.names("IS DISTINCT FROM")
    staged = _quoted(columns)
    stage = f"stage_{table.name}"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS AS "  # noqa: S608
            f'SELECT {staged} FROM "{table.name}" WITH NO DATA'
        )
        with cursor.copy(f"COPY {stage} ({staged}) FROM STDIN") as copy:
            for row in _with_moments_as_text(rows, table, columns):
                copy.write_row(row)
        kinds = [table.c[name].type.compile(connection.dialect) for name in same]
        values = "".join(f", CAST(%s AS {kind})" for kind in kinds)
        cursor.execute(
            f'INSERT INTO "{table.name}" ({names}) SELECT DISTINCT ON ({key}) {staged}{values} '  # noqa: S608
            f"FROM {stage} ON CONFLICT ({key}) DO {action}",
            tuple(same.values()),
        )
        cursor.execute(f"DELETE FROM {stage}")  # noqa: S608  # another upsert may follow in this transaction


def _with_moments_as_text(rows: Iterable[Row], table: sa.Table, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows with their moments in ISO 8601, which costs half of what the driver takes for it."""
    moments = [place for place, name in enumerate(columns) if isinstance(table.c[name].type, UtcDateTime)]
    source = iter(rows)
    while chunk := list(itertools.islice(source, ROWS_AT_ONCE)):
        values: list[Sequence[Any]] = list(zip(*chunk, strict=True))
        for place in moments:
            values[place] = [None if moment is None else moment.isoformat() for moment in values[place]]
        yield from zip(*values, strict=True)


def _upsert_sqlite(connection: sa.Connection, target: _Target, rows: Iterable[Row]) -> None:
    names, key, action = target.names("IS NOT")
    marks, rest = ", ".join("?" * (len(target.columns) + len(target.same))), tuple(target.same.values())
    driver: Any = connection.connection.driver_connection
    driver.executemany(
        f'INSERT INTO "{target.table.name}" ({names}) VALUES ({marks}) ON CONFLICT ({key}) DO {action}',  # noqa: S608
        (tuple(map(_sqlite_value, (*row, *rest))) for row in rows),
    )


def _sqlite_value(value: Any) -> Any:
    """Return a value as SQLAlchemy's own types store it on SQLite."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return value.hex if isinstance(value, uuid.UUID) else value


def among(connection: sa.Connection, column: Any, values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Say whether a text is one of many, which travel as one parameter: databases bound their number."""
    if connection.dialect.name == "sqlite":
        listed = sa.func.json_each(msgspec.json.encode(list(values)).decode()).table_valued("value")
        return sa.type_coerce(column, sa.Text).in_(sa.select(listed.c.value))
    return sa.type_coerce(column, sa.Text) == sa.any_(sa.literal(list(values), postgresql.ARRAY(sa.Text)))


def listed(connection: sa.Connection, rows: Iterable[Row], columns: Mapping[str, Any]) -> sa.Subquery:
    """Return rows as a table of a statement; they travel as one parameter, whatever their number."""
    sqlite = connection.dialect.name == "sqlite"
    plain = [tuple(map(_sqlite_value, row)) for row in rows] if sqlite else list(rows)
    text = msgspec.json.encode(plain).decode()
    if sqlite:
        source = sa.func.json_each(text).table_valued("value")
        cells = [
            sa.type_coerce(source.c.value.op("->>")(place), kind).label(name)
            for place, (name, kind) in enumerate(columns.items())
        ]
        return sa.select(*cells).subquery()
    value = sa.func.jsonb_array_elements(sa.cast(sa.literal(text), postgresql.JSONB)).column_valued("value")
    cells = [
        sa.cast(value.op("->>")(place), kind).label(name)
        for place, (name, kind) in enumerate(columns.items())
    ]
    return sa.select(*cells).subquery()
