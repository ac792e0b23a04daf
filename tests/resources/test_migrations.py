"""The schema's history: from nothing to the newest, there and back, and no two ways about it."""

import subprocess
import sys
import uuid

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from resources import migrations
from resources.database import Database, utc_now
from resources.providers import PROVIDERS
from resources.streams import STREAM_METADATA, tables_of
from resources.tables import Base, ConnectedAccount, WebhookAttempt, WebhookDelivery, WebhookEvent

TABLES = {table.name for provider in PROVIDERS.values() for table in tables_of(provider)} | set(
    Base.metadata.tables
)


@pytest.fixture
def empty(empty_database_url):
    database = Database(empty_database_url)
    yield database
    database.close()


def names_in(database):
    with database.read() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_an_empty_database_gets_every_table(empty):
    assert not migrations.is_current(empty)
    changed = migrations.upgrade(empty)
    assert changed[0].startswith("revision ")
    assert names_in(empty) == TABLES | {"alembic_version"}
    assert migrations.is_current(empty)


def test_upgrading_twice_changes_nothing(empty):
    migrations.upgrade(empty)
    assert migrations.upgrade(empty) == []


def test_the_models_are_the_migrated_schema(empty):
    migrations.upgrade(empty)
    declared = sa.MetaData(naming_convention=STREAM_METADATA.naming_convention)
    for provider in PROVIDERS.values():
        for table in tables_of(provider):  # other tests may have declared tables of their own
            table.to_metadata(declared)
    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, [Base.metadata, declared]) == []


def test_downgrading_and_upgrading_again_ends_where_it_began(empty):
    migrations.upgrade(empty)
    config = migrations._config()
    with empty.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert names_in(empty) & set(Base.metadata.tables) == set()
    assert migrations.upgrade(empty)[0].startswith("revision ")
    assert names_in(empty) == TABLES | {"alembic_version"}


def test_a_table_and_a_column_that_are_missing_are_made_and_rows_kept(empty):
    migrations.upgrade(empty)
    with empty.write() as connection:
        connection.exec_driver_sql("DROP TABLE spotify_saved_albums")
        connection.exec_driver_sql("ALTER TABLE spotify_profile DROP COLUMN uri")
        connection.exec_driver_sql(
            "INSERT INTO spotify_profile (account_id, user_id, synced_at) VALUES "
            "('00000000000000000000000000000001', 'u', '2026-01-01 00:00:00')"
        )
    assert migrations.upgrade(empty) == ["spotify_profile.uri", "spotify_saved_albums"]
    with empty.read() as connection:
        assert connection.exec_driver_sql("SELECT user_id, uri FROM spotify_profile").all() == [("u", None)]


def test_a_database_that_lacks_a_stream_column_is_not_current(empty):
    migrations.upgrade(empty)
    with empty.write() as connection:
        connection.exec_driver_sql("ALTER TABLE spotify_profile DROP COLUMN uri")
    assert not migrations.is_current(empty)


def test_an_upgrade_that_fails_leaves_nothing(empty):
    with empty.write() as connection:
        connection.exec_driver_sql("CREATE TABLE webhook_events (id text)")
    with pytest.raises(sa.exc.DBAPIError):
        migrations.upgrade(empty)
    assert names_in(empty) == {"webhook_events"}


def test_foreign_keys_hold(database):
    account = {"org_id": uuid.uuid4(), "provider": "spotify", "external_id": "x", "display_name": "x"}
    account |= {"shard_hash": 0, "created_at": utc_now()}
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.execute(sa.insert(ConnectedAccount).values(**account))


UPGRADE = """
import sys
from resources.database import Database
from resources.migrations import upgrade
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(len(upgrade(database)), flush=True)
"""


@pytest.mark.integration
def test_processes_that_upgrade_at_once_take_turns(empty):
    url, pipe = empty.url.render_as_string(hide_password=False), subprocess.PIPE
    programs = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, url], stdin=pipe, stdout=pipe, text=True)
        for _ in range(3)
    ]
    try:
        assert [program.stdout.readline().strip() for program in programs] == ["ready"] * 3
        for program in programs:
            program.stdin.write("go\n")
            program.stdin.flush()
    finally:
        printed = [program.communicate(timeout=60)[0] for program in programs]
    counts = sorted(int(text) for text in printed)
    assert counts[:2] == [0, 0]
    assert counts[2] > 0
    assert names_in(empty) == TABLES | {"alembic_version"}


def test_events_that_wait_and_their_attempts_outlive_the_coming_of_endpoints(empty):
    config, now = migrations._config(), utc_now()
    with empty.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    event = sa.text(
        "INSERT INTO webhook_events (id, org_id, event_type, provider, payload, event_metadata, status,"
        " attempts, next_attempt_at, created_at)"
        " VALUES (:id, :org, 'data.synced', 'spotify', '{}', '{}', :status, 1, :now, :now)"
    ).bindparams(
        sa.bindparam("org", uuid.uuid4(), sa.Uuid()), sa.bindparam("now", now, WebhookEvent.created_at.type)
    )
    attempt = sa.text(
        "INSERT INTO webhook_attempts (event_id, attempt, started_at, duration_ms) VALUES (:id, 2, :now, 7)"
    ).bindparams(sa.bindparam("now", now, WebhookEvent.created_at.type))
    with empty.write() as connection:
        for name, status in (("evt_1", "pending"), ("evt_2", "failed")):
            connection.execute(event, {"id": name, "status": status})
            connection.execute(attempt, {"id": name})
    migrations.upgrade(empty)
    delivery, event, attempt = WebhookDelivery, WebhookEvent, WebhookAttempt
    with empty.read() as connection:
        found = connection.execute(
            sa.select(event.id, event.sequence, delivery.status, delivery.attempts, delivery.retries)
            .join(delivery, delivery.event_id == event.id)
            .order_by(event.sequence)
        ).all()
        assert found == [("evt_1", 1, "pending", 2, 1), ("evt_2", 2, "failed", 2, 1)]
        assert connection.execute(sa.select(attempt.attempt, attempt.duration_ms)).all() == [(2, 7)] * 2
