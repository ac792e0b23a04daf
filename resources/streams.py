"""Stream tables: made from the providers' declarations, grown as they grow, never shrunk.

One table a stream, ``<provider>_<stream>``: ``account_id``, the record's columns, ``synced_at`` and
``deleted_at`` (set when a complete pass no longer met the row). One table a kind
of page likewise. See ``docs/decisions/0002``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from resources.errors import InputRefused
from resources.provider import Page, Provider, Stream
from resources.records import RecordReader
from resources.tables import Base, Json, UtcDateTime

COLUMN_TYPES: dict[Any, Any] = {
    str: sa.Text,
    int: sa.BigInteger,
    float: sa.Double,
    bool: sa.Boolean,
    date: sa.Date,
    datetime: UtcDateTime,
}
STREAM_METADATA = sa.MetaData(naming_convention=Base.metadata.naming_convention)


def page_table_of(provider: Provider, page: Page) -> sa.Table:
    """Return the table of a kind of page, ``<provider>_<page>``: a row a day, the day's last reading."""
    name = f"{provider.name}_{page.name}"
    if name in STREAM_METADATA.tables:
        return STREAM_METADATA.tables[name]
    return sa.Table(
        name,
        STREAM_METADATA,
        sa.Column("account_id", sa.Uuid, primary_key=True),
        *_columns(page.reader, page.key),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("layout", sa.Text, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        comment=page.doc,
    )


def table_name(provider: Provider, stream: Stream) -> str:
    """Return ``<provider>_<stream>``."""
    return f"{provider.name}_{stream.name}"


def table_of(provider: Provider, stream: Stream) -> sa.Table:
    """Return the stream's table."""
    name = table_name(provider, stream)
    return STREAM_METADATA.tables[name] if name in STREAM_METADATA.tables else _declare(name, stream)


def _declare(name: str, stream: Stream) -> sa.Table:
    return sa.Table(
        name,
        STREAM_METADATA,
        sa.Column("account_id", sa.Uuid, primary_key=True),
        *_columns(stream.reader, stream.key),
        sa.Column("synced_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        comment=stream.doc,
    )


def _columns(reader: RecordReader, key: Collection[str]) -> list[sa.Column[Any]]:
    return [
        sa.Column(
            column.name,
            Json if column.is_json else COLUMN_TYPES[column.type],
            primary_key=column.name in key,
            nullable=column.nullable and column.name not in key,
            autoincrement=False,
        )
        for column in reader.columns
    ]


def grow_tables(connection: sa.Connection, providers: Iterable[Provider]) -> list[str]:
    """Make the stream tables and columns that are missing; return what was made.

    A column that a declaration no longer names stays, with its history; one whose type changed needs
    a migration written by hand.
    """
    made = []
    for table, column in missing_parts(connection, providers):
        if column is None:
            table.create(connection)
        else:
            _add_column(connection, table, column)
        made.append(table.name if column is None else f"{table.name}.{column.name}")
    return made


def missing_parts(
    connection: sa.Connection, providers: Iterable[Provider]
) -> list[tuple[sa.Table, sa.Column[Any] | None]]:
    """Return the stream tables that the database lacks, and the columns that its tables lack."""
    tables = [table for provider in providers for table in tables_of(provider)]
    found = sa.inspect(connection).get_multi_columns(filter_names=[table.name for table in tables])
    have = {name: {column["name"] for column in columns} for (_, name), columns in found.items()}
    missing: list[tuple[sa.Table, sa.Column[Any] | None]] = []
    for table in tables:
        if table.name not in have:
            missing.append((table, None))
        else:
            missing += [(table, column) for column in table.columns if column.name not in have[table.name]]
    return missing


def tables_of(provider: Provider) -> list[sa.Table]:
    """Return the tables of a provider's streams and pages."""
    streams = [table_of(provider, stream) for stream in provider.streams]
    return [*streams, *(page_table_of(provider, page) for page in provider.pages)]


def _add_column(connection: sa.Connection, table: sa.Table, column: sa.Column[Any]) -> None:
    if column.primary_key:
        problem = f"{table.name} has rows that were kept without its new key column {column.name}"
        raise InputRefused("stream key", problem, "write an Alembic migration that rebuilds the table")
    quote = connection.dialect.identifier_preparer.quote
    kind = column.type.compile(connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}")
