"""`audience_daily`, made from the streams that the metrics name."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa

from resources.audience import daily
from resources.audience.daily import part_of, refresh_daily
from resources.audience.positions import keep_position
from resources.audience.shards import Shard
from resources.database import utc_now
from resources.provider import Metric
from resources.providers import PROVIDERS
from resources.tables import AudiencePosition

NOW = utc_now()
TODAY, YESTERDAY = NOW.date(), NOW.date() - timedelta(days=1)
INSTAGRAM, YOUTUBE, SPOTIFY = PROVIDERS["instagram"], PROVIDERS["youtube"], PROVIDERS["spotify"]


def on(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def insight(day: date, metric: str, value: float | None) -> dict:
    return {"day": day, "metric": metric, "dimension": "", "dimension_value": "", "value": value}


def test_a_number_of_now_is_written_for_the_utc_day_of_its_sync(house):
    account = house.account(provider="instagram")
    house.sync(account, "profile", {"user_id": "1", "followers_count": 70}, at=on(YESTERDAY, 23))
    house.refresh()
    assert house.numbers(account, "followers") == {YESTERDAY: 70}


def test_a_later_day_leaves_the_earlier_one_as_it_was(house):
    account = house.account(provider="instagram")
    for moment, count in ((on(YESTERDAY, 0), 70), (utc_now(), 75)):
        house.sync(account, "profile", {"user_id": "1", "followers_count": count}, at=moment)
        house.refresh()
    assert house.numbers(account, "followers") == {YESTERDAY: 70, TODAY: 75}


def test_a_number_unknown_to_the_provider_gives_no_row(house):
    account = house.account(provider="instagram")
    house.sync(account, "profile", {"user_id": "1", "followers_count": None, "media_count": 0})
    house.refresh()
    assert house.numbers(account, "followers") == {}
    assert house.numbers(account, "posts") == {TODAY: 0}


def test_a_sum_of_which_a_part_is_unknown_gives_no_row(house):
    account = house.account()
    house.sync(account, "artists", {"artist_id": "a", "followers": 5}, {"artist_id": "b", "followers": None})
    house.refresh()
    assert house.numbers(account, "artist_followers") == {}


def test_several_rows_are_summed(house):
    account = house.account()
    house.sync(account, "artists", {"artist_id": "a", "followers": 5}, {"artist_id": "b", "followers": 7})
    house.refresh()
    assert house.numbers(account, "artist_followers") == {TODAY: 12}


def test_rows_are_counted_without_those_that_are_gone(house):
    account = house.account()
    house.sync(account, "saved_tracks", {"track_id": "a"}, {"track_id": "b"}, at=on(YESTERDAY))
    house.refresh()
    house.sync(account, "saved_tracks", {"track_id": "b"})
    house.refresh()
    assert house.numbers(account, "saved_tracks") == {YESTERDAY: 2, TODAY: 1}


def test_an_emptied_list_counts_0_and_one_never_read_counts_nothing(house):
    emptied, unread = house.account(), house.account()
    house.sync(emptied, "saved_tracks", {"track_id": "a"}, at=on(YESTERDAY))
    house.refresh()
    house.sync(emptied, "saved_tracks")
    house.refresh()
    assert house.numbers(emptied, "saved_tracks") == {YESTERDAY: 1, TODAY: 0}
    assert house.numbers(unread, "saved_tracks") == {}


def test_numbers_by_day_are_those_that_where_names(house):
    account = house.account(provider="instagram")
    rows = [insight(YESTERDAY, "reach", 40), insight(TODAY, "reach", 8), insight(TODAY, "views", 9)]
    house.sync(account, "account_insights", *rows)
    house.refresh()
    assert house.numbers(account, "reach") == {YESTERDAY: 40, TODAY: 8}
    assert house.numbers(account, "views") == {TODAY: 9}
    assert house.numbers(account, "likes") == {}


def test_a_moment_counts_for_its_utc_day(house):
    account = house.account()
    late = [on(YESTERDAY, 23) + timedelta(minutes=59, seconds=59, microseconds=n) for n in range(2)]
    plays = [{"played_at": moment, "track_id": "a"} for moment in (*late, on(TODAY, 0))]
    house.sync(account, "recently_played", *plays)
    house.refresh()
    assert house.numbers(account, "plays") == {YESTERDAY: 2, TODAY: 1}


def test_a_day_that_was_read_again_changes_its_value_and_no_other(house):
    account = house.account(provider="youtube")
    house.sync(account, "channel_daily", {"day": YESTERDAY, "views": 10}, {"day": TODAY, "views": 1})
    house.refresh()
    house.sync(account, "channel_daily", {"day": YESTERDAY, "views": 12})
    assert house.refresh() == 1
    assert house.numbers(account, "views") == {YESTERDAY: 12, TODAY: 1}


def test_a_day_to_which_rows_came_is_counted_whole(house):
    account = house.account()
    house.sync(account, "recently_played", {"played_at": on(TODAY, 0), "track_id": "a"}, at=on(YESTERDAY))
    house.refresh()
    house.sync(account, "recently_played", {"played_at": on(TODAY, 1), "track_id": "b"})
    house.refresh()
    assert house.numbers(account, "plays") == {TODAY: 2}


@pytest.mark.parametrize("full", [False, True])
def test_refreshing_again_changes_nothing(house, full):
    channel, person = house.account(provider="youtube"), house.account()
    house.sync(channel, "channels", {"channel_id": "c", "subscriber_count": 3, "view_count": 4})
    house.sync(channel, "channel_daily", {"day": YESTERDAY, "views": 10, "likes": 2})
    house.sync(person, "saved_tracks", {"track_id": "a"})
    assert house.refresh() == 5
    before = house.all_rows("audience_daily")
    assert house.refresh(full=full) == 0
    assert house.all_rows("audience_daily") == before


def test_an_account_that_was_disconnected_gets_no_new_number_of_now(house):
    account = house.account(provider="instagram")
    house.sync(account, "profile", {"user_id": "1", "followers_count": 70})
    house.sync(account, "account_insights", insight(YESTERDAY, "reach", 40))
    house.change(account, status="disconnected")
    house.refresh()
    assert house.numbers(account, "followers") == {}
    assert house.numbers(account, "reach") == {YESTERDAY: 40}


def test_an_account_that_waits_for_reconnection_keeps_its_last_number(house):
    account = house.account(provider="instagram", status="needs_reconnect")
    house.sync(account, "profile", {"user_id": "1", "followers_count": 70}, at=on(YESTERDAY))
    house.refresh()
    assert house.numbers(account, "followers") == {YESTERDAY: 70}


def test_only_the_accounts_of_the_shard_are_read(house):
    accounts = [house.account(provider="instagram", shard_hash=number) for number in (4, 5)]
    for account in accounts:
        house.sync(account, "profile", {"user_id": "1", "followers_count": 70})
    house.refresh(shard=Shard(1, 2))
    assert [house.numbers(account, "followers") for account in accounts] == [{}, {TODAY: 70}]


def test_what_was_synced_before_the_last_refresh_is_not_read_again(house):
    account = house.account(provider="youtube")
    house.sync(account, "channel_daily", {"day": YESTERDAY, "views": 10}, at=NOW - timedelta(hours=5))
    keep_position(house.database, "youtube/views", Shard(), NOW)
    assert house.refresh() == 0
    assert house.refresh(full=True) == 1


def test_a_position_too_old_to_be_trusted_makes_everything_be_read(house):
    account = house.account(provider="youtube")
    house.sync(account, "channel_daily", {"day": YESTERDAY, "views": 10}, at=NOW - timedelta(days=40))
    keep_position(house.database, "youtube/views", Shard(), NOW - daily.LONGEST_TRUST)
    assert house.refresh() == 1


def test_each_metric_has_a_position_so_that_a_new_one_reads_its_history(house):
    house.refresh()
    with house.database.read() as connection:
        parts = set(connection.execute(sa.select(AudiencePosition.part)).scalars())
    metrics = [(one, metric) for one in PROVIDERS.values() for metric in one.audience]
    assert parts == {part_of(provider, metric) for provider, metric in metrics}


def test_one_providers_fault_leaves_the_others_numbers_and_its_own_position(house):
    account, channel = house.account(provider="instagram"), house.account(provider="youtube")
    house.sync(account, "profile", {"user_id": "1", "followers_count": 70})
    house.sync(channel, "channels", {"channel_id": "c", "subscriber_count": 3})
    with house.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE instagram_profile RENAME TO elsewhere")
    done = refresh_daily(house.database, [INSTAGRAM, YOUTUBE], Shard())
    assert done["instagram"].error is not None
    assert done["youtube"].error is None
    assert house.numbers(channel, "followers") == {TODAY: 3}
    with house.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO instagram_profile")
    refresh_daily(house.database, [INSTAGRAM], Shard())
    assert house.numbers(account, "followers") == {TODAY: 70}


def test_a_refresh_that_was_cut_off_is_taken_up(house):
    accounts = [house.account(provider="youtube") for _ in range(2)]
    for account in accounts:
        house.sync(account, "channels", {"channel_id": account.hex, "subscriber_count": 3})
    house.write_number(accounts[0], TODAY, 3)  # as if it had been written before the process was killed
    house.refresh()
    assert [house.numbers(account, "followers") for account in accounts] == [{TODAY: 3}] * 2


def test_a_metric_without_a_day_is_one_of_now():
    assert Metric("followers", "profile", "followers").is_snapshot
    assert not Metric("views", "days", "views", day="day").is_snapshot
