"""Whole syncs against the simulator, on both databases."""

# ruff: noqa: D102  # a test's name states the fact

import asyncio

import pytest
import sqlalchemy as sa

from resources.sync.engine import SyncEngine
from resources.tables import Base

pytestmark = pytest.mark.providers


def totals(simulated, account):
    """Return what the simulator itself says an account has."""
    token = simulated.grant(account)["access_token"]

    def ask(path):
        return simulated.ask("GET", f"/spotify/v1{path}", headers={"authorization": f"Bearer {token}"})

    def count(path):
        return ask(path)["total"]

    owner = ask("/me")["id"]
    listed = ask("/me/playlists?limit=50")["items"]
    return {
        "profile": 1,
        "followed_artists": ask("/me/following?type=artist")["artists"]["total"],
        "top_artists": 3 * count("/me/top/artists"),
        "top_tracks": 3 * count("/me/top/tracks"),
        "saved_tracks": count("/me/tracks"),
        "playlists": len(listed),
        "playlist_items": sum(one["tracks"]["total"] for one in listed if one["owner"]["id"] == owner),
        "recently_played": len(ask("/me/player/recently-played?limit=50")["items"]),
    }


def test_every_record_of_an_account_lands_in_its_stream(simulated, syncing):
    artist = simulated.ask(
        "GET",
        "/spotify/v1/me/following?type=artist&limit=1",
        headers={"authorization": f"Bearer {simulated.grant(3)['access_token']}"},
    )["artists"]["items"][0]["id"]
    account = simulated.connect("acme", 3, {"artist_ids": [artist]})
    report = syncing.sync()
    stored = {name: len(syncing.stored(name, account)) for name in report.streams}
    expected = totals(simulated, 3)
    assert {name: stored[name] for name in expected} == expected
    assert report.accounts == {"ok": 1}
    assert stored["artists"] == 1
    assert stored["album_tracks"] == sum(row["total_tracks"] for row in syncing.stored("artist_albums"))


def test_a_second_sync_changes_nothing_but_the_time(simulated, syncing):
    simulated.connect("acme", 3)
    syncing.sync()
    before, dated = syncing.everything("synced_at"), syncing.everything()
    report = syncing.sync()
    assert syncing.everything("synced_at") == before
    assert syncing.everything() != dated
    assert sum(stream.deleted for stream in report.streams.values()) == 0


def test_a_full_sync_changes_nothing_but_the_time_either(simulated, syncing):
    simulated.connect("acme", 3)
    syncing.sync()
    before = syncing.everything("synced_at")
    simulated.requests()
    assert syncing.sync(full=True).accounts == {"ok": 1}
    assert syncing.everything("synced_at") == before
    assert any("/items" in address for address in simulated.requests())
    assert "after=" not in "".join(simulated.requests())


class TestDeletion:
    """A row goes only where a whole pass did not meet it."""

    @pytest.fixture
    def account(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        assert syncing.sync("saved_tracks").accounts == {"ok": 1}
        return account

    def test_marks_rows_that_a_whole_pass_did_not_meet(self, simulated, syncing, account):
        before = {row["track_id"] for row in syncing.stored("saved_tracks", account)}
        simulated.control("edit", account=1, saved_tracks={"remove": [0, 60, 119], "add": 2})
        report = syncing.sync("saved_tracks")
        gone = syncing.stored("saved_tracks", account, gone=True)
        assert len(gone) == report.streams["saved_tracks"].deleted == 3
        assert {row["track_id"] for row in gone} < before
        assert len(syncing.stored("saved_tracks", account)) == len(before) - 3 + 2
        assert syncing.results()[-1]["deleted"] + syncing.results()[0]["deleted"] == 3

    def test_leaves_other_accounts_alone(self, simulated, syncing, account):
        other = simulated.connect("acme", 5)
        syncing.sync("saved_tracks")
        simulated.control("edit", account=1, saved_tracks={"remove": [0]})
        syncing.sync("saved_tracks")
        assert len(syncing.stored("saved_tracks", account, gone=True)) == 1
        assert syncing.stored("saved_tracks", other, gone=True) == []

    def test_needs_the_last_page(self, simulated, syncing, account):
        before = syncing.stored("saved_tracks", account)
        simulated.control("edit", account=1, saved_tracks={"remove": [0]})

        def refuse(request, body):
            return b"{" if request.url.params.get("offset") == "200" else body

        simulated.wire.rewrite = refuse
        assert syncing.sync("saved_tracks").accounts == {"failed": 1}
        assert syncing.stored("saved_tracks", account) == before
        assert syncing.stored("saved_tracks", account, gone=True) == []

    def test_needs_as_many_rows_as_were_promised(self, simulated, syncing, account):
        simulated.spoil("/v1/me/tracks", lambda body: body.update(next=None))
        report = syncing.sync("saved_tracks")
        assert report.streams["saved_tracks"].incomplete == 1
        assert syncing.stored("saved_tracks", account, gone=True) == []

    def test_needs_pages_that_advance(self, simulated, syncing, account):
        simulated.fault("repeat_page", "/v1/me/tracks", times=None)
        assert syncing.sync("saved_tracks").accounts == {"partial": 1}
        assert syncing.stored("saved_tracks", account, gone=True) == []

    def test_is_undone_where_the_row_comes_back(self, simulated, syncing):
        account = simulated.connect("acme", 9)
        syncing.sync("saved_albums")
        before = syncing.everything("synced_at")["saved_albums"]

        def without_first(body):
            del body["items"][0]
            body["total"] -= 1

        simulated.spoil("/v1/me/albums", without_first)
        syncing.sync("saved_albums")
        assert len(syncing.stored("saved_albums", account, gone=True)) == 1
        simulated.spoil("/none", without_first)
        syncing.sync("saved_albums")
        assert syncing.everything("synced_at")["saved_albums"] == before

    def test_follows_a_playlist_that_is_gone(self, simulated, syncing):
        account = simulated.connect("acme", 4)
        syncing.sync("playlists", "playlist_items")
        gone = syncing.stored("playlists", account)[0]["playlist_id"]
        kept = [row for row in syncing.stored("playlist_items", account) if row["playlist_id"] != gone]

        def without_it(body):
            shown = [one for one in body["items"] if one["id"] != gone]
            body["total"] -= len(body["items"]) - len(shown)
            body["items"] = shown

        simulated.spoil("/v1/me/playlists", without_it)
        syncing.sync("playlists", "playlist_items")
        names = {row["playlist_id"] for row in syncing.stored("playlist_items", account)}
        assert gone not in names
        assert len(syncing.stored("playlist_items", account)) == len(kept)


class TestPlaylists:
    """A playlist is read again where its snapshot changed, and only there."""

    STREAMS = ("playlists", "playlist_items")

    def test_unchanged_ones_are_not_read_again(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        syncing.sync(*self.STREAMS)
        before = syncing.stored("playlist_items", account)
        simulated.requests()
        report = syncing.sync(*self.STREAMS)
        assert [one for one in simulated.requests() if "/items" in one] == []
        read = {row["playlist_id"] for row in before}
        assert report.streams["playlist_items"].unchanged >= len(read) > 0
        assert syncing.stored("playlist_items", account) == before

    def test_the_changed_one_alone_is_read_again(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        syncing.sync(*self.STREAMS)
        before = len(syncing.stored("playlist_items", account))
        simulated.control("edit", account=1, playlist_touch=[2])
        simulated.requests()
        syncing.sync(*self.STREAMS)
        asked = {one.partition("/playlists/")[2].partition("/")[0] for one in simulated.requests("/items")}
        assert len(asked) == 1
        assert len(syncing.stored("playlist_items", account)) == before + 1
        assert syncing.stored("playlist_items", account, gone=True) == []

    def test_what_somebody_else_owns_is_no_failure(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        assert syncing.sync(*self.STREAMS).accounts == {"ok": 1}
        refused = [entry for entry in simulated.world.journal.entries if entry.status == 403]
        assert len(refused) == 2
        assert syncing.results(asset="spotify/playlist_items")[0]["error_type"] is None
        assert syncing.account(account)["error_type"] is None

    def test_one_that_fails_keeps_the_progress_of_the_others(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        syncing.sync("playlists")
        last = syncing.stored("playlists", account)
        names = [row["playlist_id"] for row in last]
        simulated.fault("malformed_json", f"/v1/playlists/{names[3]}/items", times=None)
        assert syncing.sync(*self.STREAMS).accounts == {"partial": 1}
        stored = {row["playlist_id"] for row in syncing.stored("playlist_items", account)}
        assert names[3] not in stored
        simulated.mend()
        simulated.requests()
        assert syncing.sync(*self.STREAMS).accounts == {"ok": 1}
        again = {one.partition("/playlists/")[2].partition("/")[0] for one in simulated.requests("/items")}
        assert names[3] in again
        assert not stored & again

    def test_items_alone_are_read_by_the_stored_playlists(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        syncing.sync("playlists")
        assert syncing.sync("playlist_items").accounts == {"ok": 1}
        assert len({row["playlist_id"] for row in syncing.stored("playlist_items", account)}) == 6


class TestRecentlyPlayed:
    """Plays are a history: collected, never deleted."""

    def test_none_is_lost_and_none_is_asked_for_twice(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        syncing.sync("recently_played")
        seen = {row["played_at"] for row in syncing.stored("recently_played", account)}
        assert len(seen) == 50
        for plays in (3, 0, 49, 1, 50):
            simulated.control("clock", advance_seconds=plays * 200)
            simulated.control("edit", account=1, plays=plays)
            simulated.requests()
            syncing.sync("recently_played")
            asked = simulated.requests()
            now = {row["played_at"] for row in syncing.stored("recently_played", account)}
            assert len(now) == len(seen) + plays
            assert seen < now or not plays
            assert not any("before=" in one and "after=" in one for one in asked)
            assert "after=" in asked[0]
            seen = now
        assert syncing.stored("recently_played", account, gone=True) == []

    def test_a_failed_pass_moves_no_cursor(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        simulated.fault("malformed_json", "/v1/me/player", times=None)
        syncing.sync("recently_played")
        assert simulated.rows("SELECT * FROM stream_cursors") == []
        simulated.mend()
        syncing.sync("recently_played")
        assert len(syncing.stored("recently_played", account)) == 50


class TestOrgs:
    """Each org is told of once, whatever its size and wherever its accounts stand."""

    def test_each_gets_exactly_one_completion_with_the_right_counts(self, simulated, syncing):
        for number in range(24):
            simulated.connect(f"org-{number % 5}", number)
        report = syncing.sync("profile", "saved_albums")
        events = syncing.events()
        assert len({event["org_id"] for event in events}) == len(events) == report.events == 5
        for event in events:
            mine = simulated.rows(
                "SELECT count(*) AS n FROM spotify_saved_albums s JOIN connected_accounts a "
                "ON a.id = s.account_id WHERE CAST(a.org_id AS text) IN (:plain, :hex)",
                plain=str(event["org_id"]),
                hex=event["org_id"].hex,
            )
            assert event["payload"]["streams"]["saved_albums"]["records"] == mine[0]["n"]
            total = 5 if event["payload"]["accounts"]["synced"] == 5 else 4
            assert event["payload"]["accounts"] == {"synced": total, "failed": 0, "skipped": 0}

    def test_the_same_person_may_stand_in_two_orgs(self, simulated, syncing):
        one, other = simulated.connect("acme", 1), simulated.connect("zeta", 1)
        syncing.sync("saved_albums")
        assert len(syncing.events()) == 2
        first, second = syncing.stored("saved_albums", one), syncing.stored("saved_albums", other)
        assert [row["album_id"] for row in first] == [row["album_id"] for row in second] != []

    def test_more_accounts_than_one_chunk_are_all_synced(self, simulated, syncing):
        simulated.world.accounts = 10_000
        grants = simulated.control("grants", provider="spotify", account=0, count=520)["grants"]
        simulated.import_grants([("big", grants[:505]), ("small", grants[505:])])
        report = syncing.sync("profile")
        assert report.accounts == {"ok": 520}
        counts = sorted(event["payload"]["accounts"]["synced"] for event in syncing.events())
        assert counts == [15, 505]

    def test_only_the_named_are_synced(self, simulated, syncing):
        accounts = [simulated.connect(f"org-{number}", number) for number in range(4)]
        assert syncing.sync("profile", orgs=("org-1", "org-2")).accounts == {"ok": 2}
        assert syncing.sync("profile", accounts=(accounts[3],)).accounts == {"ok": 1}
        assert len(syncing.events()) == 3

    def test_every_shard_syncs_its_own(self, simulated, syncing):
        for number in range(12):
            simulated.connect(f"org-{number}", number)
        done = [syncing.sync("profile", shard=shard, shards=3).accounts["ok"] for shard in range(3)]
        assert sum(done) == 12
        assert len(syncing.events()) == 12

    def test_without_accounts_there_is_nothing_to_tell(self, syncing):
        assert syncing.sync("profile").accounts == {}
        assert syncing.events() == []


class TestOnlyFailed:
    """A run of what failed last time."""

    def test_syncs_them_alone(self, simulated, syncing):
        accounts = [simulated.connect("acme", number) for number in (1, 2, 3)]
        simulated.fault("server_error", account=2, times=None)
        syncing.sync("profile")
        simulated.mend()
        report = syncing.sync("profile", only_failed=True)
        assert report.accounts == {"ok": 1}
        assert {syncing.account(one)["sync_status"] for one in accounts} == {"ok"}
        assert syncing.sync("profile", only_failed=True).accounts == {}

    def test_includes_what_succeeded_in_part(self, simulated, syncing):
        simulated.connect("acme", 2)
        simulated.fault("server_error", "/v1/me/tracks", account=2, times=None)
        syncing.sync("profile", "saved_tracks")
        simulated.mend()
        assert syncing.sync("profile", "saved_tracks", only_failed=True).accounts == {"ok": 1}


class TestTakingUp:
    """A run under the root of one that did not finish."""

    def test_repeats_nothing_that_was_committed_and_tells_each_org_once(self, simulated, syncing):
        accounts = [simulated.connect("acme", number) for number in range(6)]
        simulated.connect("zeta", 6)
        syncing.sync("profile", run="first", accounts=tuple(accounts[:4]))
        forget_events(simulated)  # as though it had been killed before its org was complete
        simulated.requests()
        report = syncing.sync("profile", run="second", root="first")
        assert report.accounts == {"ok": 3}
        assert len(simulated.requests("/v1/me")) == 3
        events = syncing.events()
        assert sorted(event["payload"]["accounts"]["synced"] for event in events) == [1, 6]
        assert {event["run_id"] for event in events} == {"first"}
        assert syncing.sync("profile", run="third", root="first").accounts == {}
        assert len(syncing.events()) == 2

    def test_tries_again_what_failed(self, simulated, syncing):
        simulated.connect("acme", 1)
        simulated.connect("acme", 2)
        simulated.fault("server_error", account=2, times=None)
        syncing.sync("profile", run="first")
        simulated.mend()
        forget_events(simulated)
        assert syncing.sync("profile", run="second", root="first").accounts == {"ok": 1}
        (event,) = syncing.events()
        assert event["payload"]["accounts"] == {"synced": 2, "failed": 0, "skipped": 0}
        assert event["payload"]["errors"] == []

    def test_tells_of_a_repair_and_of_no_completion_twice(self, simulated, syncing):
        simulated.connect("acme", 1)
        simulated.fault("server_error", account=1, times=None)
        syncing.sync("profile", run="first")
        syncing.sync("profile", run="again", root="first", accounts=())
        before = {event["id"] for event in syncing.events()}
        simulated.mend()
        syncing.sync("profile", run="second", root="first")
        syncing.sync("profile", run="third", root="first")
        told = [event["payload"]["accounts"] for event in syncing.events() if event["id"] not in before]
        assert told == [{"synced": 1, "failed": 0, "skipped": 0}], "the repair is told, and once"

    def test_tells_of_an_org_whose_last_account_can_no_longer_be_synced(self, simulated, syncing):
        first, last = sorted(simulated.connect("acme", number) for number in (1, 2))
        syncing.sync("profile", run="first", accounts=(first,))
        forget_events(simulated)
        table = Base.metadata.tables["connected_accounts"]
        with simulated.database.write() as connection:
            connection.execute(sa.update(table).where(table.c.id == last).values(status="needs_reconnect"))
        syncing.sync("profile", run="second", root="first")
        (event,) = syncing.events()
        assert event["payload"]["accounts"] == {"synced": 1, "failed": 0, "skipped": 1}


def forget_events(simulated):
    with simulated.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM webhook_events")


def test_two_engines_at_once_refresh_a_grant_once(simulated, syncing):
    account = simulated.connect("acme", 1, expires_in=-10)

    async def both():
        engines = [
            SyncEngine(
                simulated.backline, syncing.request("profile", "saved_albums"), transport=simulated.wire
            )
            for _ in range(2)
        ]
        return await asyncio.gather(*(engine.run() for engine in engines))

    reports = asyncio.run(both())
    assert [report.accounts for report in reports] == [{"ok": 1}, {"ok": 1}]
    assert len(simulated.requests("/api/token")) == 1
    assert len(syncing.events()) == 2
    assert syncing.account(account)["status"] == "connected"
