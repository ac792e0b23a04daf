"""The one way to the database: SQLite in WAL mode or PostgreSQL, behind the same two transactions."""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError

from resources.errors import InputRefused
from resources.settings import Settings

AnyRow = sa.Row[*tuple[Any, ...]]
Clock = Callable[[], datetime]
SQLITE_BUSY_TIMEOUT_MS = 30_000
URL_CURE = "use sqlite:///path or postgresql+psycopg://user:password@host/name"
DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    **dict.fromkeys(("postgres", "postgresql", "postgresql+psycopg"), "postgresql+psycopg"),
}


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def insert_into(connection: sa.Connection, table: Any) -> postgresql.Insert | sqlite.Insert:
    """Return the insert of the connection's own dialect, which knows ``ON CONFLICT``."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


class Database:
    """An engine with two kinds of transaction: :meth:`read` and :meth:`write`.

    On SQLite a write takes the write lock at its start, so that two writers queue instead of one of
    them failing half-way when it turns from reading to writing.
    """

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _engine(self.url)
        self._writing = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)})"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that commits at the end of the block and rolls back when it raises."""
        with self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):  # the latter names what it took for the port, maybe a password
        raise InputRefused("BACKLINE_DATABASE_URL", "is not a SQLAlchemy URL", URL_CURE) from None
    if parsed.drivername not in DRIVERS:
        raise InputRefused("BACKLINE_DATABASE_URL", f"names {parsed.drivername}", URL_CURE)
    return parsed.set(drivername=DRIVERS[parsed.drivername])


def _as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


SAME: dict[str, Any] = {
    "hide_parameters": True,
    "json_serializer": _as_json,
    "json_deserializer": msgspec.json.decode,  # a third of the time that the standard library takes
}


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=24, **SAME)
    engine = sa.create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_MS / 1000}, **SAME)
    sa.event.listen(engine, "connect", _on_sqlite_connect)
    sa.event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    _enter_wal(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _enter_wal(connection: Any) -> None:
    """Put the file in WAL mode, where it stays; while another process writes to a new file, wait for it.

    SQLite does not wait by itself here: changing the mode asks for a lock outside the busy timeout
    (https://www.sqlite.org/c3ref/busy_timeout.html).
    """
    deadline = time.monotonic() + SQLITE_BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _on_sqlite_begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


@functools.cache
def open_database(url: str) -> Database:
    """Return this process's database at ``url``; one engine a URL."""
    return Database(url)


def database_of(settings: Settings) -> Database:
    """Return the database that the settings name, with its folder made where it is embedded."""
    if not settings.database_url:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_database(settings.resolved_database_url)
