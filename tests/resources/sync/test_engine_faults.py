"""What each fault of a provider means for the account that met it, and nothing for the others."""

# ruff: noqa: D102  # a test's name states the fact

from datetime import UTC, datetime, timedelta

import pytest

from resources import parking
from resources.providers import PROVIDERS

pytestmark = pytest.mark.providers
SPOTIFY = PROVIDERS["spotify"]


def wrong_id(body):
    body["items"][0]["track"]["id"] = 17


@pytest.fixture
def three(simulated):
    """Three accounts of one org; the middle one is to meet a fault."""
    return [simulated.connect("acme", number) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("kind", "error", "more"),
    [
        ("server_error", "transient", {}),
        ("server_error", "transient", {"status": 503}),
        ("cut", "transient", {}),
        ("slow", "transient", {"seconds": 60}),
        ("malformed_json", "contract", {}),
        ("missing_field", "contract", {}),
        ("forbidden", "permission", {}),
        ("forbidden", "gone", {"status": 404}),
        ("revoked", "grant_expired", {}),
        ("rate_limit", "rate", {"retry_after": 3600}),
        ("quota", "quota", {}),
    ],
)
def test_each_fault_leads_to_its_own_error(simulated, syncing, kind, error, more):
    account = simulated.connect("acme", 2)
    simulated.fault(kind, account=2, times=None, **more)
    syncing.sync("saved_tracks")
    (result,) = syncing.results()
    assert (result["status"], result["error_type"]) == ("failed", error)
    assert syncing.account(account)["error_type"] == error
    assert syncing.account(account)["last_sync_at"] is None
    assert syncing.stored("saved_tracks") == []


def test_an_account_fails_alone(simulated, syncing, three):
    simulated.fault("server_error", account=2, times=None)
    report = syncing.sync("saved_tracks", "playlists")
    assert report.accounts == {"ok": 2, "failed": 1}
    assert [syncing.account(one)["sync_status"] for one in three] == ["ok", "failed", "ok"]
    (event,) = syncing.events()
    assert event["payload"]["accounts"] == {"synced": 2, "failed": 1, "skipped": 0}
    assert [one["accountId"] for one in event["payload"]["errors"]] == [str(three[1])]
    (alert,) = syncing.events("error.occurred")
    assert (alert["payload"]["error"], alert["payload"]["accountId"]) == ("transient", str(three[1]))


def test_a_stream_fails_alone(simulated, syncing, three):
    simulated.fault("malformed_json", "/v1/me/tracks", account=2, times=None)
    report = syncing.sync("saved_tracks", "playlists")
    assert report.accounts == {"ok": 2, "partial": 1}
    assert syncing.stored("playlists", three[1])
    assert syncing.account(three[1])["sync_status"] == "partial"


def test_a_fault_that_passes_costs_nothing(simulated, syncing, three):
    simulated.fault("server_error", "/v1/me/tracks", account=2, times=3)
    simulated.fault("cut", "/v1/me/albums", account=2, times=2)
    report = syncing.sync("saved_tracks", "saved_albums")
    assert report.accounts == {"ok": 3}
    assert report.streams["saved_tracks"].usage.refused == 3


def test_a_missing_scope_is_told_without_asking(simulated, syncing):
    simulated.connect("acme", 1, scopes=["user-library-read"])
    report = syncing.sync("profile", "saved_tracks")
    assert report.accounts == {"partial": 1}
    (result,) = syncing.results(status="failed")
    assert (result["asset"], result["error_type"], result["requests"]) == ("spotify/profile", "permission", 0)
    assert "user-read-private" in result["error_message"]


def test_a_user_who_is_not_registered_fails_by_permission(simulated, syncing):
    simulated.connect("acme", 9)
    simulated.control("mode", spotify="development")
    assert syncing.sync("saved_tracks").accounts == {"failed": 1}
    assert {result["error_type"] for result in syncing.results()} == {"permission"}


class TestRevokedGrants:
    """A person took the consent back."""

    def test_ask_for_reconnection_once(self, simulated, syncing, three):
        simulated.control("revoke", provider="spotify", account=2)
        syncing.sync("profile", "saved_tracks")
        assert syncing.account(three[1])["status"] == "needs_reconnect"
        alerts = syncing.events("error.occurred")
        assert [alert["payload"]["error"] for alert in alerts] == ["grant_expired"]
        assert alerts[0]["payload"]["accountId"] == str(three[1])

    def test_are_left_alone_afterwards_and_counted_as_skipped(self, simulated, syncing, three):
        simulated.control("revoke", provider="spotify", account=2)
        syncing.sync("saved_tracks")
        simulated.requests()
        syncing.sync("saved_tracks")
        assert syncing.events()[-1]["payload"]["accounts"] == {"synced": 2, "failed": 0, "skipped": 1}
        assert len(syncing.events("error.occurred")) == 1
        assert not simulated.requests("/api/token")

    def test_are_read_again_once_reconnected(self, simulated, syncing, three):
        simulated.control("revoke", provider="spotify", account=2)
        syncing.sync("saved_tracks")
        simulated.control("clock", advance_seconds=5)
        assert simulated.connect("acme", 2) == three[1]
        assert syncing.sync("saved_tracks").accounts == {"ok": 3}
        assert syncing.account(three[1])["status"] == "connected"

    def test_keep_their_rows(self, simulated, syncing, three):
        syncing.sync("saved_tracks")
        before = len(syncing.stored("saved_tracks", three[1]))
        simulated.control("revoke", provider="spotify", account=2)
        syncing.sync("saved_tracks")
        assert len(syncing.stored("saved_tracks", three[1])) == before > 0


class TestExpiredAccessTokens:
    """The access token ended; the refresh token is good."""

    def test_are_refreshed_once_for_all_streams(self, simulated, syncing):
        simulated.connect("acme", 1, expires_in=-10)
        assert syncing.sync().accounts == {"ok": 1}
        assert len(simulated.requests("/api/token")) == 1

    def test_are_refreshed_on_refusal_where_their_end_is_unknown(self, simulated, syncing):
        account = simulated.connect("acme", 1, expires_in=-10)
        with simulated.database.write() as connection:
            connection.exec_driver_sql("UPDATE grants SET expires_at = NULL")
        assert syncing.sync().accounts == {"ok": 1}
        assert len(simulated.requests("/api/token")) == 1
        (grant,) = simulated.rows("SELECT generation, expires_at FROM grants")
        assert grant["generation"] == 2
        assert grant["expires_at"] is not None
        assert syncing.account(account)["status"] == "connected"

    def test_are_not_held_against_the_person_where_the_app_is_refused(self, simulated, syncing, monkeypatch):
        account = simulated.connect("acme", 1)
        monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_ID", "another-app")
        with simulated.database.write() as connection:
            connection.exec_driver_sql("UPDATE grants SET expires_at = '2020-01-01 00:00:00.000000'")
        syncing.sync("profile")
        assert syncing.results()[0]["error_type"] == "app"
        assert syncing.account(account)["status"] == "connected"


class TestParking:
    """The app as a whole was told to wait."""

    @pytest.fixture(autouse=True)
    def _one_at_a_time(self, simulated):
        simulated.backline.settings.sync_concurrency = 1

    def test_a_short_wait_is_waited(self, simulated, syncing, three):
        simulated.fault("rate_limit", account=2, retry_after=1)
        report = syncing.sync("saved_tracks")
        assert report.accounts == {"ok": 3}
        assert parking.current(simulated.database, SPOTIFY) is None

    @pytest.mark.parametrize(("kind", "error"), [("rate_limit", "rate"), ("quota", "quota")])
    def test_a_long_wait_spares_the_rest_every_request(self, simulated, syncing, three, kind, error):
        simulated.fault(kind, retry_after=3600)
        report = syncing.sync("profile", "saved_tracks")
        assert (report.accounts, report.deferred) == ({"failed": 1}, 2)
        assert report.failed_share == 1.0
        assert len(simulated.requests()) == 1
        assert {result["error_type"] for result in syncing.results()} == {error}
        parked = parking.current(simulated.database, SPOTIFY)
        wait = parked.retry_at - datetime.now(UTC)
        assert timedelta(minutes=59) < wait <= timedelta(hours=1)

    def test_lasts_over_the_next_run_and_then_ends(self, simulated, syncing, three):
        simulated.fault("quota", retry_after=3600)
        syncing.sync("profile")
        simulated.requests()
        report = syncing.sync("profile")
        assert (report.accounts, report.deferred) == ({}, 3)
        assert not simulated.requests()
        with simulated.database.write() as connection:
            connection.exec_driver_sql("UPDATE provider_parks SET until = '2020-01-01 00:00:00.000000'")
        assert syncing.sync("profile").accounts == {"ok": 3}

    def test_asks_nobody_to_reconnect(self, simulated, syncing, three):
        simulated.fault("quota", retry_after=3600)
        syncing.sync("profile")
        assert {syncing.account(one)["status"] for one in three} == {"connected"}
        (alert,) = syncing.events("error.occurred")
        assert alert["payload"]["accounts"] == {"failed": 1}

    def test_leaves_who_waits_as_they_were(self, simulated, syncing, three):
        syncing.sync("profile")
        before = [syncing.account(one) for one in three]
        simulated.fault("rate_limit", retry_after=3600)
        syncing.sync("profile")
        states = [syncing.account(one)["sync_status"] for one in three]
        assert sorted(states) == ["failed", "ok", "ok"]
        waiting = [n for n, state in enumerate(states) if state == "ok"]
        assert [syncing.account(three[n]) for n in waiting] == [before[n] for n in waiting]

    def test_lets_the_next_run_begin_with_who_waits(self, simulated, syncing):
        orgs = {simulated.connect(f"org-{n}", n): n for n in range(4)}
        simulated.fault("rate_limit", "/v1/me", retry_after=3600)
        simulated.backline.settings.sync_concurrency = 1
        first = syncing.sync("profile")
        assert first.deferred == 3
        (met,) = {result["account_id"] for result in syncing.results()}
        with simulated.database.write() as connection:
            connection.exec_driver_sql("DELETE FROM provider_parks")
        simulated.fault("rate_limit", account=orgs[met], retry_after=3600)
        assert syncing.sync("profile").deferred == 3, "the account that met the wall goes first"
        with simulated.database.write() as connection:
            connection.exec_driver_sql("DELETE FROM provider_parks")
        assert syncing.sync("profile").accounts == {"ok": 4}
        assert not simulated.rows("SELECT * FROM sync_positions")


class TestWrongItems:
    """A reply whose items are not all what the stream declares."""

    def test_are_named_and_the_rest_is_kept(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        simulated.spoil("/v1/me/tracks", wrong_id)
        assert syncing.sync("saved_tracks").accounts == {"partial": 1}
        (result,) = syncing.results()
        pages = -(-(result["records"] + result["rejected"]) // 50)
        assert (result["status"], result["error_type"], result["rejected"]) == ("partial", "contract", pages)
        assert "item 0" in result["error_message"]
        assert "track.id" in result["error_message"]
        assert len(syncing.stored("saved_tracks", account)) == result["records"] > 0

    def test_delete_nothing(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        syncing.sync("saved_tracks")
        before = len(syncing.stored("saved_tracks", account))
        simulated.control("edit", account=1, saved_tracks={"remove": [0, 1]})
        simulated.spoil("/v1/me/tracks", wrong_id)
        assert syncing.sync("saved_tracks").accounts == {"partial": 1}
        assert len(syncing.stored("saved_tracks", account)) == before
        assert syncing.stored("saved_tracks", account, gone=True) == []

    def test_that_are_null_are_passed_over(self, simulated, syncing):
        account = simulated.connect("acme", 1)
        simulated.fault("null_items", "/v1/me/tracks", times=None)
        report = syncing.sync("saved_tracks")
        assert report.accounts == {"ok": 1}
        assert len(syncing.stored("saved_tracks", account)) > 0
