"""A fault in one account leaves every other synced, at every provider, and says what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources import errors, parking
from resources.database import utc_now
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, ProviderPark

pytestmark = pytest.mark.providers
STREAMS = {
    "spotify": ("profile", "saved_tracks"),
    "instagram": ("profile", "media"),
    "youtube": ("channels", "uploads", "playlists"),
}
PATHS = {
    "spotify": "/spotify/v1/me/tracks",
    "instagram": "/instagram/v25.0/me/media",
    "youtube": "/youtube/v3/playlistItems",
}
LISTS = {"spotify": "saved_tracks", "instagram": "media", "youtube": "uploads"}
IDS = {"spotify": "track.id", "instagram": "id", "youtube": "contentDetails.videoId"}
FAULTS = {
    "server_error": ("server_error", {}, "transient"),
    "slow drip": ("slow_drip", {"seconds": 500.0}, "transient"),
    "cut in mid-body": ("cut", {}, "transient"),
    "malformed JSON": ("malformed_json", {}, "contract"),
    "wrong types": ("wrong_types", {}, "contract"),
    "missing id": ("missing_field", {"field": None}, "contract"),
    "removed endpoint": ("forbidden", {"status": 410}, "gone"),
}
# Meta says of what it removed that it is not permitted; a playlist that is gone has nothing to read
REMOVED = {"spotify": "gone", "instagram": "permission", "youtube": "ok"}
KINDS = (errors.Transient, errors.ContractChanged, errors.Gone, errors.PermissionMissing)
CURES = {kind.code: kind.cure for kind in KINDS}


@pytest.fixture(params=PROVIDERS)
def provider(request, syncing):
    syncing.provider = PROVIDERS[request.param]
    return syncing.provider


@pytest.fixture
def three(simulated, provider):
    """Three accounts of two orgs, by their simulated numbers."""
    return {
        n: simulated.connect(org, n, provider=provider.name)
        for n, org in ((1, "acme"), (2, "acme"), (3, "bolt"))
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_one_account_is_its_own(simulated, syncing, provider, three, fault):
    kind, more, word = FAULTS[fault]
    if fault == "missing id":
        more = {"field": IDS[provider.name]}
    if fault == "removed endpoint":
        word = REMOVED[provider.name]
    simulated.fault(kind, PATHS[provider.name], account=2, times=None, **more)
    syncing.sync(*STREAMS[provider.name])
    states = {n: syncing.account(account) for n, account in three.items()}
    assert (states[1]["sync_status"], states[3]["sync_status"]) == ("ok", "ok")
    assert syncing.stored(LISTS[provider.name], three[1])
    assert syncing.stored(LISTS[provider.name], three[3])
    check_told(syncing, states[2], word)


def check_told(syncing, account, word):
    assert not syncing.stored(LISTS[syncing.provider.name], account["id"], gone=True), "nothing is deleted"
    if word == "ok":
        assert account["sync_status"] == "ok"
        return
    assert account["sync_status"] in {"partial", "failed"}
    assert account["error_type"] == word
    assert account["error_message"].endswith(CURES[word])
    told = {event["org_id"]: event["payload"] for event in syncing.events()}
    assert len(told) == 2, "both orgs are told"
    mine = told.pop(account["org_id"])
    rejected = mine["streams"][LISTS[syncing.provider.name]]["rejected"]
    assert [one["accountId"] for one in mine["errors"]] == [str(account["id"])] or rejected
    (others,) = told.values()
    assert others["errors"] == [], "the other org hears nothing of it"
    assert not any(stream["rejected"] for stream in others["streams"].values())


def test_a_revoked_grant_is_its_own(simulated, syncing, provider, three):
    simulated.control("clock", advance_seconds=5)
    simulated.control("revoke", provider=provider.name, account=2)
    report = syncing.sync(*STREAMS[provider.name])
    assert report.accounts["ok"] == 2
    assert syncing.account(three[2])["status"] == "needs_reconnect"
    assert syncing.account(three[2])["error_message"].endswith(errors.GrantExpired.cure)


@pytest.mark.parametrize("stream", ["channels", "videos", "video_statistics"])
def test_a_grant_that_is_refused_at_a_shared_request_costs_nobody_else_a_row(
    simulated, on_youtube, monkeypatch, stream
):
    monkeypatch.delenv("BACKLINE_YOUTUBE_API_KEY", raising=False)
    accounts = [
        simulated.connect(org, n, provider="youtube") for n, org in enumerate(("acme", "acme", "bolt"))
    ]
    simulated.control("clock", advance_seconds=5)
    first = min(range(3), key=accounts.__getitem__)  # it asks for all
    simulated.control("revoke", provider="youtube", account=first)
    on_youtube.sync()
    others = [account for account in accounts if account != accounts[first]]
    assert {on_youtube.account(account)["sync_status"] for account in others} == {"ok"}
    assert all(on_youtube.stored(stream, account) for account in others)


def test_an_app_that_must_wait_79_892_seconds_is_parked_and_nobody_is_harmed(simulated, syncing):
    accounts = [simulated.connect(f"org-{n}", n) for n in range(3)]
    syncing.sync("profile")
    before = {account: syncing.account(account) for account in accounts}
    simulated.backline.settings.sync_concurrency = 1
    simulated.fault("rate_limit", retry_after=79_892)
    report = syncing.sync("profile")
    parked = parking.current(simulated.database, syncing.provider)
    assert timedelta(hours=22) < parked.retry_at - utc_now() < timedelta(hours=23)
    assert report.deferred == 2
    waiting = [account for account in accounts if syncing.account(account) == before[account]]
    assert len(waiting) == 2
    with simulated.database.write() as connection:
        connection.execute(sa.delete(ProviderPark))
    assert syncing.sync("profile").accounts == {"ok": 3}


def test_a_quota_that_is_out_is_told_and_waited_for(simulated, on_youtube):
    accounts = [simulated.connect(f"org-{n}", n, provider="youtube") for n in range(3)]
    on_youtube.sync("channels", "uploads")
    rows = len(on_youtube.stored("uploads"))
    simulated.fault("quota", "/youtube/v3/", times=None)
    report = on_youtube.sync("channels", "uploads")
    parked = parking.current(simulated.database, on_youtube.provider)
    assert parked.retry_at == on_youtube.provider.api.quota.reset(utc_now())
    assert str(report.stopped).endswith(errors.QuotaExhausted.cure)
    assert len(on_youtube.stored("uploads")) == rows
    assert {on_youtube.account(account)["status"] for account in accounts} == {"connected"}


def test_a_throttled_instagram_account_waits_alone(simulated, on_instagram):
    accounts = {n: simulated.connect("acme", n, provider="instagram") for n in (1, 2, 3)}
    simulated.fault("quota", "/instagram/v25.0/me/media", account=2, times=None, retry_after=3_600)
    report = on_instagram.sync("profile", "media")
    assert report.accounts["ok"] == 2
    assert parking.current(simulated.database, on_instagram.provider) is None
    throttled = on_instagram.account(accounts[2])
    assert throttled["error_type"] == "throttled"
    assert throttled["retry_at"] > utc_now() + timedelta(minutes=50)
    simulated.mend()
    assert on_instagram.sync("profile", "media").accounts == {"ok": 2}, "it is left alone until then"
    with simulated.database.write() as connection:
        connection.execute(sa.update(ConnectedAccount).values(retry_at=utc_now() - timedelta(minutes=1)))
    assert on_instagram.sync("profile", "media").accounts == {"ok": 3}
    assert on_instagram.account(accounts[2])["retry_at"] is None


def test_no_token_is_left_anywhere(simulated, on_instagram, caplog):
    grant = simulated.grant(7, "instagram")
    simulated.import_grants([("acme", [grant])], provider="instagram")
    simulated.fault("malformed_json", "/instagram/v25.0/me/stories", times=1)
    simulated.fault("forbidden", "/instagram/v25.0/me/insights", times=None)
    caplog.set_level("DEBUG")
    on_instagram.sync()
    assert len(on_instagram.stored("media")) == 150, "several pages, whose next addresses hold the token"
    assert {result["error_type"] for result in on_instagram.results()} > {"contract", "permission"}, (
        "all were met"
    )
    with simulated.database.read() as connection:
        tables = sa.inspect(connection).get_table_names()
        dump = "".join(str(connection.exec_driver_sql(f'SELECT * FROM "{name}"').all()) for name in tables)
    assert grant["access_token"] not in dump + caplog.text
