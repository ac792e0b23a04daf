"""Lists that came back much shorter than usual."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resources.audience.drops import NAMED_DROPS, Volume
from resources.audience.volume import is_list, measure
from resources.database import utc_now
from resources.providers import PROVIDERS

NOW = utc_now()


@pytest.fixture
def passes(house):
    """Return a function that writes an account's passes of a stream, the oldest first, one an hour."""

    def write(*records, account=None, stream="saved_tracks", **more):
        account = account or house.account()
        for hours, count in enumerate(reversed(records)):
            house.result(account, stream, count, NOW - timedelta(hours=hours), **more)
        return account

    return write


@pytest.fixture
def measured(house):
    return lambda: measure(house.database, PROVIDERS.values(), NOW)


def test_a_list_of_less_than_half_of_the_usual_is_a_finding(house, passes, measured):
    account = passes(100, 120, 110, 11)
    found = measured()
    [drop] = found.drops
    assert (drop.org, drop.account, drop.account_id) == ("north", "Somebody", str(account))
    assert (drop.provider, drop.stream, drop.records, drop.usual) == ("spotify", "saved_tracks", 11, 110)
    assert (found.judged["spotify"], found.dropped["spotify"]) == (1, 1)


def test_half_of_the_usual_is_no_finding(passes, measured):
    passes(100, 100, 100, 50)
    found = measured()
    assert (found.judged["spotify"], found.drops) == (1, [])


def test_an_empty_list_is_the_greatest_drop(passes, measured):
    passes(100, 100, 100, 0)
    assert measured().drops[0].records == 0


@pytest.mark.parametrize("history", [(100, 100), (19, 19, 19)])
def test_a_short_or_a_small_history_is_not_judged(passes, measured, history):
    passes(*history, 0)
    found = measured()
    assert (found.judged.total(), found.drops) == (0, [])


@pytest.mark.parametrize(
    "more", [{"status": "failed"}, {"status": "partial"}, {"complete": False}, {"complete": None}]
)
def test_only_complete_passes_are_compared(house, passes, measured, more):
    account = passes(100, 100, 100)
    house.result(account, "saved_tracks", 3, NOW + timedelta(hours=1), **more)
    assert measured().drops == []


def test_passes_of_a_month_ago_are_forgotten(house, passes, measured):
    account = passes(10)
    for days in (29, 30, 31):
        house.result(account, "saved_tracks", 100, NOW - timedelta(days=days))
    assert measured().judged.total() == 0


def test_accounts_that_are_not_connected_are_not_judged(house, passes, measured):
    passes(100, 100, 100, 1, account=house.account(status="needs_reconnect"))
    assert measured().judged.total() == 0


def test_other_streams_and_accounts_are_no_measure(house, passes, measured):
    account = passes(100, 100, 100, 100)
    passes(30, 30, 30, 30, account=account, stream="playlists")
    passes(30, 30, 30, 30)
    found = measured()
    assert (found.judged["spotify"], found.drops) == (2, [])


def test_an_account_counts_once_however_many_of_its_lists_dropped(house, passes, measured):
    account = passes(100, 100, 100, 1)
    passes(100, 100, 100, 1, account=account, stream="playlists")
    found = measured()
    assert (found.dropped["spotify"], len(found.drops)) == (1, 2)


def test_the_worst_drops_are_named_and_all_are_counted(house, passes, measured):
    for left in range(NAMED_DROPS + 5):
        passes(1_000, 1_000, 1_000, left)
    found = measured()
    assert found.dropped["spotify"] == NAMED_DROPS + 5
    assert [drop.records for drop in found.drops] == list(range(NAMED_DROPS))


@pytest.mark.parametrize(
    ("judged", "dropped", "widespread"),
    [(1, 1, False), (2, 2, True), (100, 5, False), (100, 6, True), (100, 0, False)],
)
def test_one_account_or_a_small_share_is_not_widespread(judged, dropped, widespread):
    volume = Volume()
    volume.judged["instagram"], volume.dropped["instagram"] = judged, dropped
    volume.judged["spotify"] = 10_000
    assert volume.is_widespread is widespread


def test_streams_that_bring_only_what_changed_or_what_was_asked_for_are_not_compared():
    compared = {
        name: {stream.name for stream in provider.streams if is_list(stream)}
        for name, provider in PROVIDERS.items()
    }
    assert compared == {
        "spotify": {
            "profile", "followed_artists", "top_artists", "top_tracks", "saved_tracks", "saved_albums",
            "playlists", "artists", "artist_albums",
        },
        "instagram": {"profile", "media"},
        "youtube": {"channels", "uploads", "video_statistics", "playlists"},
    }  # fmt: skip
