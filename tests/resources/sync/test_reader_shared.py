"""YouTube's shared requests: by whose right they are made, what vanishes, and what comes back."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from resources.tables import StreamCursor

pytestmark = pytest.mark.providers

STREAMS = ("channels", "uploads", "videos", "video_statistics")


class Asked:
    """What was asked of the Data API: the ids, and by whose right (``None`` is the key's)."""

    def __init__(self, simulated, method):
        self.requests = []
        for entry in list(simulated.world.journal.entries):
            if entry.path.endswith(method):
                ids = parse_qs(entry.query).get("id", [""])[0].split(",")
                self.requests.append((entry.account, ids))
        simulated.world.journal.entries.clear()

    @property
    def ids(self):
        return [one for _, ids in self.requests for one in ids]

    def by(self, account):
        return {one for who, ids in self.requests if who == account for one in ids}


@pytest.fixture
def accounts(simulated):
    made = {number: simulated.connect("acme", number, provider="youtube") for number in (1, 2, 3)}
    simulated.requests()
    return made


def private_ids(syncing):
    return {row["video_id"] for row in syncing.stored("uploads") if row["privacy_status"] == "private"}


def refreshed(simulated):
    """Let every stream be read as though nothing were known of it."""
    with simulated.database.write() as connection:
        connection.execute(sa.delete(StreamCursor))


def test_channels_of_all_accounts_are_one_request_by_the_key(simulated, on_youtube, accounts):
    on_youtube.sync("channels")
    asked = Asked(simulated, "/channels")
    assert len(asked.requests) == 1
    assert asked.requests[0][0] is None
    assert len(on_youtube.stored("channels")) == 3


def test_without_a_key_one_of_the_accounts_asks(simulated, on_youtube, accounts, monkeypatch):
    monkeypatch.delenv("BACKLINE_YOUTUBE_API_KEY")
    on_youtube.sync("channels")
    ((who, ids),) = Asked(simulated, "/channels").requests
    assert who in accounts
    assert len(ids) == 3


def test_each_row_is_its_own_accounts(simulated, on_youtube, accounts):
    on_youtube.sync("channels")
    for number, account in accounts.items():
        (row,) = on_youtube.stored("channels", account)
        assert row["channel_id"] == simulated.grant(number, "youtube")["external_id"]


def test_private_videos_are_asked_for_by_their_owner_alone(simulated, on_youtube, accounts):
    for number in accounts:
        simulated.control("edit", account=number, provider="youtube", private=[0, 1])
    on_youtube.sync(*STREAMS)
    private = private_ids(on_youtube)
    assert len(private) >= 6
    asked = Asked(simulated, "/videos")
    assert not private & asked.by(None)
    for number, account in accounts.items():
        mine = {row["video_id"] for row in on_youtube.stored("uploads", account)}
        assert asked.by(number) == private & mine
    assert private <= {row["video_id"] for row in on_youtube.stored("videos")}


def test_every_video_is_asked_for_once(simulated, on_youtube, accounts):
    on_youtube.sync(*STREAMS)
    asked = Asked(simulated, "/videos")
    assert sorted(asked.ids) == sorted(row["video_id"] for row in on_youtube.stored("uploads"))


def test_a_video_that_vanishes_is_marked_deleted(simulated, on_youtube, accounts):
    on_youtube.sync(*STREAMS)
    before = {row["video_id"] for row in on_youtube.stored("video_statistics", accounts[1])}
    simulated.control("edit", account=1, provider="youtube", remove_videos=[0])
    on_youtube.sync("uploads", "video_statistics")
    gone = {row["video_id"] for row in on_youtube.stored("video_statistics", accounts[1], gone=True)}
    assert len(gone) == 1
    assert gone < before
    assert on_youtube.stored("video_statistics", accounts[2], gone=True) == []


def test_what_an_answer_left_out_comes_back(simulated, on_youtube, accounts):
    on_youtube.sync(*STREAMS)
    before = {row["video_id"] for row in on_youtube.stored("video_statistics")}
    simulated.spoil("/videos:batchGetStats", lambda body: body["items"].pop(0))
    on_youtube.sync("video_statistics")
    assert on_youtube.stored("video_statistics", gone=True)
    simulated.spoil("/none", lambda _: None)
    on_youtube.sync("video_statistics")
    assert {row["video_id"] for row in on_youtube.stored("video_statistics")} == before


def test_a_malformed_item_deletes_nothing_and_spoils_only_its_own_account(simulated, on_youtube, accounts):
    on_youtube.sync("channels")
    bad = simulated.grant(2, "youtube")["external_id"]

    def spoil(body):
        for item in body["items"]:
            if item["id"] == bad:
                item["statistics"] = {"viewCount": "many"}

    simulated.spoil("/channels", spoil)
    report = on_youtube.sync("channels")
    assert report.accounts == {"ok": 2, "partial": 1}
    assert on_youtube.stored("channels", gone=True) == []
    (result,) = on_youtube.results(status="partial")
    assert result["account_id"] == accounts[2]


def test_an_account_that_is_not_answered_for_is_gone_and_keeps_its_row(simulated, on_youtube, accounts):
    on_youtube.sync("channels")
    bad = simulated.grant(2, "youtube")["external_id"]
    simulated.spoil(
        "/channels",
        lambda body: body.update(items=[item for item in body["items"] if item["id"] != bad]),
    )
    on_youtube.sync("channels")
    (failed,) = on_youtube.results(status="failed")
    assert (failed["account_id"], failed["error_type"]) == (accounts[2], "gone")
    assert len(on_youtube.stored("channels")) == 3


def test_a_grant_that_is_refused_while_it_asks_for_others_fails_alone(
    simulated, on_youtube, accounts, monkeypatch
):
    monkeypatch.delenv("BACKLINE_YOUTUBE_API_KEY")
    first = min(accounts, key=accounts.__getitem__)  # it asks for all
    simulated.control("revoke", provider="youtube", account=first)
    report = on_youtube.sync("channels")
    assert report.accounts == {"ok": 2, "failed": 1}
    assert on_youtube.account(accounts[first])["status"] == "needs_reconnect"


def test_a_fault_of_the_shared_request_is_told_of_each_that_waited(simulated, on_youtube, accounts):
    simulated.fault("malformed_json", "/youtube/v3/channels", times=None)
    assert on_youtube.sync("channels").accounts == {"failed": 3}
    assert len(Asked(simulated, "/channels").requests) == 1


class TestOptional:
    """Streams that are read only where somebody wants them."""

    def test_comments_are_read_where_the_account_asks_for_them(self, simulated, on_youtube):
        config = {"optional_streams": ["comment_threads"]}
        wanted = simulated.connect("acme", 1, config, "youtube")
        other = simulated.connect("acme", 2, provider="youtube")
        on_youtube.sync("channels", "comment_threads")
        named = {row["account_id"] for row in on_youtube.results(asset="youtube/comment_threads")}
        assert named == {wanted}
        assert on_youtube.stored("comment_threads", other) == []

    def test_revenue_is_read_where_it_was_granted(self, simulated, on_youtube):
        scopes = [*on_youtube.provider.oauth.all_scopes]
        paid = simulated.connect("acme", 1, provider="youtube", scopes=scopes)
        simulated.connect("acme", 2, provider="youtube")
        report = on_youtube.sync("revenue_daily")
        named = {row["account_id"] for row in on_youtube.results(asset="youtube/revenue_daily")}
        assert named == {paid}
        assert "failed" not in report.accounts

    def test_comments_that_are_turned_off_are_no_failure(self, simulated, on_youtube):
        simulated.connect("acme", 1, {"optional_streams": ["comment_threads"]}, "youtube")
        simulated.fault("forbidden", "/youtube/v3/commentThreads", times=None)
        report = on_youtube.sync("channels", "comment_threads")
        assert report.accounts == {"ok": 1}
        assert on_youtube.results(status="failed") == []
        assert report.streams["comment_threads"].usage.refused == 0


@pytest.mark.parametrize("provider", ["youtube", "instagram"])
def test_a_second_sync_changes_nothing_but_the_time(simulated, on_youtube, on_instagram, provider):
    syncing = on_youtube if provider == "youtube" else on_instagram
    now = simulated.world.clock.now()
    simulated.world.clock.wall = lambda: now  # or counters grow meanwhile
    for number in (1, 2):
        simulated.connect("acme", number, provider=provider)
    assert syncing.sync().accounts == {"ok": 2}
    before = syncing.everything("synced_at")
    assert syncing.sync().accounts == {"ok": 2}
    assert syncing.everything("synced_at") == before
    refreshed(simulated)
    assert syncing.sync(full=True).accounts == {"ok": 2}
    assert syncing.everything("synced_at") == before


def test_only_failed_reads_what_failed_and_no_more(simulated, on_youtube, accounts):
    simulated.fault("server_error", "/youtube/analytics", account=2, times=None)
    assert on_youtube.sync("channels", "channel_daily").accounts == {"ok": 2, "partial": 1}
    simulated.mend()
    simulated.requests()
    assert on_youtube.sync("channels", "channel_daily", only_failed=True).accounts == {"ok": 1}
    asked = [urlsplit(address).path for address in simulated.requests("/youtube/analytics")]
    assert asked


def test_a_channel_that_names_no_uploads_loses_none_and_no_list_without_a_name_is_asked_for(
    simulated, on_youtube, accounts
):
    on_youtube.sync(*STREAMS)
    before = {number: len(on_youtube.stored("uploads", account)) for number, account in accounts.items()}
    simulated.requests()
    (channel,) = on_youtube.stored("channels", accounts[2])

    def nameless(reply):
        for item in reply["items"]:
            if item["id"] == channel["channel_id"]:
                del item["contentDetails"]

    simulated.spoil("/v3/channels", nameless)
    report = on_youtube.sync(*STREAMS, full=True)
    assert report.accounts == {"ok": 3}
    assert not [address for address in simulated.requests("/playlistItems") if "None" in address]
    assert {number: len(on_youtube.stored("uploads", one)) for number, one in accounts.items()} == before
    assert not on_youtube.stored("uploads", gone=True)
