"""The database's history: Alembic revisions of the common tables; stream tables grow by themselves."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from resources.database import Database
from resources.providers import PROVIDERS
from resources.streams import grow_tables, missing_parts

UPGRADE_LOCK = 0x6261636B6C696E65  # "backline": one process upgrades at a time on PostgreSQL


def upgrade(database: Database) -> list[str]:
    """Bring the database to the newest revision and make missing stream tables; return what changed."""
    config, scripts = _config(), ScriptDirectory.from_config(_config())
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
        before = MigrationContext.configure(connection).get_current_revision()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        made = grow_tables(connection, PROVIDERS.values())
    head = scripts.get_current_head()
    return ([] if before == head else [f"revision {head}"]) + made


def is_current(database: Database) -> bool:
    """Say whether the database is at the newest revision and has every stream's table and columns."""
    with database.read() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision != ScriptDirectory.from_config(_config()).get_current_head():
            return False
        return not missing_parts(connection, PROVIDERS.values())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
