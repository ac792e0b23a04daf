"""What a commit does where the database, or memory, is in the way."""

# ruff: noqa: D102  # a test's name states the fact

import json
import random
import string

import pytest
import sqlalchemy as sa

from resources.sync.passes import AccountPass, ParentsRead, StreamPass
from resources.sync.rows import RowBuffer
from resources.sync.writer import Writer
from resources.tables import Base

pytestmark = pytest.mark.providers


def huge(body):
    """Make the first id longer than PostgreSQL's indexes take; SQLite is refused by a trigger instead."""
    letters = random.Random(0).choices(string.ascii_letters + string.digits, k=20_000)
    body["items"][0]["album"]["id"] = "".join(letters)  # as random as can be: PostgreSQL compresses


@pytest.fixture
def picky(simulated):
    """A database that refuses overlong album ids, whichever it is."""
    if simulated.database.is_sqlite:
        with simulated.database.write() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER overlong BEFORE INSERT ON spotify_saved_albums "
                "WHEN length(NEW.album_id) > 2700 "
                "BEGIN SELECT RAISE(ABORT, 'too long'); END"
            )
    return simulated


class TestRefusedRows:
    """The database refuses the rows of one account."""

    @pytest.fixture
    def accounts(self, picky, syncing):
        return [picky.connect("acme", number) for number in (1, 5, 9)]

    def spoil(self, simulated, number):
        """Let the answers to one account hold an album that no database takes."""
        seen = {}

        def change(body):
            if body["total"] == seen["total"]:
                huge(body)

        token = simulated.grant(number)["access_token"]
        reply = simulated.ask("GET", "/spotify/v1/me/albums", headers={"authorization": f"Bearer {token}"})
        seen["total"] = reply["total"]
        simulated.spoil("/v1/me/albums", change)

    def test_make_that_account_fail_alone(self, picky, syncing, accounts):
        self.spoil(picky, 5)
        report = syncing.sync("profile", "saved_albums")
        assert report.accounts == {"ok": 2, "failed": 1}
        assert [syncing.account(one)["sync_status"] for one in accounts] == ["ok", "failed", "ok"]
        assert {row["error_type"] for row in syncing.results(account_id=accounts[1])} == {"internal"}
        assert syncing.stored("profile", accounts[1]) == []
        assert syncing.stored("saved_albums", accounts[0])
        (event,) = syncing.events()
        assert event["payload"]["accounts"] == {"synced": 2, "failed": 1, "skipped": 0}

    def test_leave_what_was_there_and_count_nothing(self, picky, syncing, accounts):
        syncing.sync("saved_tracks", "saved_albums")
        before = syncing.everything("synced_at")
        cursors = picky.rows("SELECT count(*) AS n FROM stream_cursors")
        picky.control("edit", account=5, saved_tracks={"remove": [0, 1]})
        self.spoil(picky, 5)
        syncing.sync("saved_tracks", "saved_albums", run="second", accounts=(accounts[1],))
        assert syncing.everything("synced_at") == before
        assert picky.rows("SELECT count(*) AS n FROM stream_cursors") == cursors
        for result in syncing.results(run_id="second"):
            assert (result["status"], result["records"], result["deleted"]) == ("failed", 0, 0)

    def test_are_told_of_without_what_they_held(self, picky, syncing, accounts):
        self.spoil(picky, 5)
        syncing.sync("saved_albums")
        (result,) = syncing.results(status="failed")
        assert "the database refused the rows" in result["error_message"]
        assert len(result["error_message"]) < 300


def test_a_commit_is_whole_or_nothing(simulated, syncing, spotify):
    simulated.connect("acme", 9)
    syncing.sync("profile", "saved_albums")
    with simulated.database.write() as connection:
        for name in ("spotify_saved_albums", "sync_results", "stream_cursors", "webhook_events"):
            connection.exec_driver_sql(f"DELETE FROM {name}")
        connection.exec_driver_sql("ALTER TABLE webhook_events RENAME TO hidden_events")
    with pytest.raises(sa.exc.DBAPIError):
        syncing.sync("saved_albums")
    for name in ("spotify_saved_albums", "sync_results", "stream_cursors"):
        assert simulated.rows(f"SELECT * FROM {name}") == []


def test_rows_beyond_the_bound_of_memory_are_all_written(simulated, syncing, spotify):
    account_id = simulated.connect("acme", 9)
    syncing.sync("saved_tracks")
    table = Base.metadata.tables["connected_accounts"]
    rows = [tuple(row.values())[1:-2] for row in syncing.stored("saved_tracks", account_id)]
    (org,) = simulated.rows(sa.select(table.c.org_id))
    with simulated.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM spotify_saved_tracks")
    stream, request = spotify.stream("saved_tracks"), syncing.request("saved_tracks")
    part = StreamPass(stream, rows=RowBuffer(rows_in_memory=7))
    for row in rows:
        part.rows.append(encoded(stream, row))
    account = Known(account_id, org["org_id"])
    Writer(simulated.database, request).commit([(AccountPass(account, [part]), True)])
    assert [tuple(row.values())[1:-2] for row in syncing.stored("saved_tracks", account_id)] == rows
    part.rows.close()


def test_more_parents_than_a_statement_takes_parameters_are_looked_for(simulated, syncing, spotify):
    account_id = simulated.connect("acme", 1)
    syncing.sync("playlists", "playlist_items")
    table = Base.metadata.tables["connected_accounts"]
    (org,) = simulated.rows(sa.select(table.c.org_id))
    ids = sorted({row["playlist_id"] for row in syncing.stored("playlist_items", account_id)})
    many = [f"p{number}" for number in range(70_000)]
    part = StreamPass(spotify.stream("playlist_items"))
    part.parents = ParentsRead(current=[*many, *ids[:-1]], whole=[*many, ids[0]])
    request, account = syncing.request("playlist_items"), Known(account_id, org["org_id"])
    Writer(simulated.database, request).commit([(AccountPass(account, [part]), True)])
    left = {row["playlist_id"] for row in syncing.stored("playlist_items", account_id)}
    assert left == set(ids[1:-1]), "the first was read and had nothing, the last is no playlist any more"


class Known:
    """As much of an account as a commit asks for."""

    def __init__(self, account_id, org_id):
        self.id, self.org_id = account_id, org_id


def encoded(stream, row):
    """Return a row as the reader hands it over: JSON is text."""
    places = stream.reader.json_positions
    return tuple(
        json.dumps(value) if place in places and value is not None else value
        for place, value in enumerate(row)
    )
