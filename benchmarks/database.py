"""Databases of a benchmark: one with accounts, made once, and a fresh copy of it for each run.

They live on the PostgreSQL that ``BENCH_POSTGRESQL_URL`` names, and are dropped at the end.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import conninfo, sql

ADMIN_URL = os.environ.get("BENCH_POSTGRESQL_URL", "postgresql://backline:backline@127.0.0.1:5432/postgres")
PREFIX = "bench_main"


def url_of(name: str) -> str:
    """Return the address of one of the benchmark's databases."""
    parts = conninfo.conninfo_to_dict(ADMIN_URL)
    return f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"


def create(name: str, template: str = "template0") -> str:
    """Make a database, in place of an older one of the same name; return its address."""
    drop(name)
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return url_of(name)


def drop(name: str) -> None:
    """Forget a database, whoever is connected to it."""
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def fresh(template: str = "template0") -> Iterator[str]:
    """Lend a fresh database; the server's dirty pages are written first, so that no run pays another's."""
    name = f"{PREFIX}_{secrets.token_hex(4)}"
    url = create(name, template)
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    try:
        yield url
    finally:
        drop(name)
