"""The database: which addresses are taken, what is never shown, and its two transactions."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import traceback

import pytest
import sqlalchemy as sa

from resources.database import Database, database_of, open_database
from resources.errors import InputRefused
from resources.settings import Settings


@pytest.fixture
def database(tmp_path):
    """An SQLite database with one table."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    yield database
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@h/d",
        "postgres://u@h/d",
        "postgresql+psycopg://u@h/d",
    ],
)
def test_postgresql_is_spoken_by_psycopg_however_it_is_written(url):
    database = Database(url)
    assert (database.url.drivername, database.is_sqlite) == ("postgresql+psycopg", False)
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "backline.db",
        "/var/lib/backline.db",
        "mysql://u:canary@h/d",
        "oracle://u:canary@h/d",
        "postgresql+psycopg2://u:canary@h/d",
        "postgresql+asyncpg://u:canary@h/d",
        "sqlite+aiosqlite:///x.db",
        "postgresql://u:canary@h:port/d",
        "postgresql://u:b:canary@h:1:canary/d",
        "postgresql://u:canary@[::1/d",
        "canary",
    ],
)
def test_other_address_is_refused_by_the_settings_name_with_a_cure(url):
    with pytest.raises(
        InputRefused, match=r"^BACKLINE_DATABASE_URL: .+; use sqlite.+postgresql\+psycopg"
    ) as told:
        Database(url)
    assert "canary" not in "".join(traceback.format_exception_only(told.value))
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_password_is_not_shown():
    database = Database("postgresql://u:canary@h/d")
    assert repr(database) == "Database(postgresql+psycopg://u:***@h/d)"
    assert "canary" not in f"{database} {database.engine!r} {database.url!r}"
    database.close()


def test_values_are_not_shown_in_the_databases_errors(database):
    with pytest.raises(sa.exc.DBAPIError) as raised, database.write() as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (:n), (:n)"), {"n": 8_675_309})
    assert "8675309" not in str(raised.value)


def test_write_commits_at_its_end_and_rolls_back_where_it_raises(database):
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    with contextlib.suppress(RuntimeError), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (2)")
        raise RuntimeError
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT n FROM t").scalars().all() == [1]


def test_sqlite_lets_readers_read_while_one_writes(database):
    with database.write() as writing, database.read() as reading:
        writing.exec_driver_sql("INSERT INTO t VALUES (1)")
        assert reading.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
        assert reading.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert reading.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_sqlite_takes_the_write_lock_at_the_start_of_a_write(database):
    other = sqlite3.connect(str(database.url.database), timeout=0)
    with database.read():
        other.execute("BEGIN IMMEDIATE").connection.rollback()
    with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_embedded_database_is_made_in_home(tmp_path):
    home = tmp_path / "home"
    database = database_of(Settings(_env_file=None, home=home, database_url=""))
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    assert (home / "backline.db").exists()
    assert home.stat().st_mode & 0o777 == 0o700
    assert open_database(f"sqlite:///{home / 'backline.db'}") is database
    database.close()


def test_new_sqlite_file_that_another_process_writes_to_is_waited_for(tmp_path):
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE fresh (x)")
    ending = threading.Timer(0.3, other.execute, ["COMMIT"])
    ending.start()
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    ending.join()
    database.close()
    other.close()
