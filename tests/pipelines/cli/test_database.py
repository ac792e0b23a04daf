"""`backline db`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from resources.database import Database
from resources.tables import ConnectedAccount, Grant, WebhookEvent


def test_an_empty_folder_gets_a_database(installation, monkeypatch):
    home = installation.folder / "empty"
    monkeypatch.setenv("BACKLINE_HOME", str(home))
    changed = installation.json("db", "upgrade")["changed"]
    assert any(one.startswith("revision ") for one in changed)
    assert "spotify_profile" in changed
    assert (home / "backline.db").exists()
    assert installation.json("db", "upgrade") == {"changed": []}
    assert installation.run("db", "upgrade").stdout == "Nothing to change.\n"


def test_every_command_brings_the_embedded_database_up_to_date(installation, monkeypatch):
    monkeypatch.setenv("BACKLINE_HOME", str(installation.folder / "empty"))
    assert installation.json("events", "list") == []


def test_old_events_are_pruned_and_pending_ones_kept(installation):
    installation.write_event("old", status="delivered", age=timedelta(days=31))
    kept = installation.write_event("waiting", age=timedelta(days=31))
    counts = installation.json("db", "prune")
    assert {name: count for name, count in counts.items() if count} == {"webhook_events": 1}
    assert [row.id for row in installation.rows(sa.select(WebhookEvent.id))] == [kept]
    assert installation.run("db", "prune").stdout.startswith("Deleted 0 dagster_runs, ")


def test_the_time_that_is_kept_may_be_set(installation, monkeypatch):
    installation.write_event("two days", status="delivered", age=timedelta(days=2))
    installation.write_event("newest")
    monkeypatch.setenv("BACKLINE_RETENTION_DAYS", "1")
    assert installation.json("db", "prune")["webhook_events"] == 1


def all_rows(database):
    with database.read() as connection:
        return {
            table: sorted(map(repr, connection.execute(sa.text(f'SELECT * FROM "{table}"'))))
            for table in sa.inspect(connection).get_table_names()
        }


def test_a_backup_opens_and_holds_the_same_rows(installation):
    installation.connect()
    installation.write_event("one")
    target = installation.folder / "copy.db"
    said = installation.json("db", "backup", target)
    assert said == {"target": str(target), "bytes": target.stat().st_size}
    copy = Database(f"sqlite:///{target}")
    rows = all_rows(copy)
    assert rows == all_rows(installation.backline.database)
    assert rows["connected_accounts"]
    copy.close()


def test_a_backup_is_taken_while_the_database_is_written_to(installation):
    installation.connect()
    with installation.backline.database.write() as connection:
        connection.execute(sa.delete(Grant))
        installation.json("db", "backup", "copy.db")
    copy = Database(f"sqlite:///{installation.folder}/copy.db")
    with copy.read() as connection:
        assert len(connection.execute(sa.select(Grant.account_id)).all()) == 1
        assert len(connection.execute(sa.select(ConnectedAccount.id)).all()) == 1
    copy.close()


def test_a_backup_is_for_its_owner_alone(installation):
    installation.run("db", "backup", "copy.db")
    assert Path("copy.db").stat().st_mode & 0o077 == 0


def test_a_target_with_brackets_is_shown_as_it_is(installation):
    (installation.folder / "[").mkdir()
    result = installation.run("db", "backup", "[/red].db")
    assert (result.exit_code, "[/red].db" in result.stdout) == (0, True)
