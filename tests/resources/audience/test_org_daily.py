"""`org_audience_daily`: sums over an org's accounts that do not dip when one was not synced."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources.audience.org_daily import CARRY, PART, WINDOW, refresh_org_daily
from resources.audience.positions import keep_position
from resources.audience.report import snapshots_of
from resources.audience.shards import Shard
from resources.database import utc_now
from resources.providers import PROVIDERS
from resources.tables import OrgAudienceDaily

NOW = utc_now()
TODAY = NOW.date()
SNAPSHOTS = snapshots_of(PROVIDERS.values())


def ago(days):
    return TODAY - timedelta(days=days)


@pytest.fixture
def refresh(house):
    """Return a function that sums up the orgs and returns what it wrote."""
    return lambda **more: refresh_org_daily(house.database, SNAPSHOTS, Shard(), **more)


@pytest.fixture
def sums(house):
    """Return a function that returns an org's sums: value, accounts and carried by day."""

    def read(org="north", metric="followers", provider="instagram"):
        row = OrgAudienceDaily
        query = sa.select(row.day, row.value, row.accounts, row.carried).where(
            row.org_id == house.org(org), row.metric == metric, row.provider == provider
        )
        with house.database.read() as connection:
            return {found.day: tuple(found[1:]) for found in connection.execute(query)}

    return read


def test_the_accounts_of_an_org_are_summed_by_provider(house, refresh, sums):
    for org, provider, value in (
        ("north", "instagram", 10), ("north", "instagram", 5), ("north", "youtube", 7),
        ("south", "instagram", 1),
    ):  # fmt: skip
        house.write_number(house.account(org, provider), TODAY, value)
    report = refresh()
    assert sums() == {TODAY: (15, 2, 0)}
    assert sums(provider="youtube") == {TODAY: (7, 1, 0)}
    assert sums("south") == {TODAY: (1, 1, 0)}
    assert (report.rows, report.orgs) == (3, 2)


def test_a_number_of_now_is_carried_over_the_days_without_a_sync(house, refresh, sums):
    steady, gappy = (house.account(provider="instagram") for _ in range(2))
    for days in (3, 2, 1, 0):
        house.write_number(steady, ago(days), 100 - days)
    house.write_number(gappy, ago(3), 10)
    house.write_number(gappy, ago(1), 12)
    refresh()
    assert sums() == {
        ago(3): (107, 2, 0),
        ago(2): (108, 2, 1),
        ago(1): (111, 2, 0),
        ago(0): (112, 2, 1),
    }


def test_an_account_counts_from_its_first_day_on(house, refresh, sums):
    for days in (2, 0):
        house.write_number(house.account(provider="instagram"), ago(days), 10)
    refresh()
    assert sums() == {ago(2): (10, 1, 0), ago(1): (10, 1, 1), ago(0): (20, 2, 1)}


def test_a_number_by_day_is_never_carried(house, refresh, sums):
    house.write_number(house.account(provider="instagram"), ago(2), 10, metric="reach")
    refresh()
    assert sums(metric="reach") == {ago(2): (10, 1, 0)}


def test_a_disconnected_account_counts_up_to_its_last_day_and_its_gaps_are_filled(house, refresh, sums):
    account = house.account(provider="instagram", status="disconnected")
    for days in (4, 2):
        house.write_number(account, ago(days), 10)
    refresh()
    assert sums() == {ago(4): (10, 1, 0), ago(3): (10, 1, 1), ago(2): (10, 1, 0)}


def test_a_disconnected_accounts_gap_is_filled_across_the_windows_of_a_long_history(house, refresh, sums):
    account = house.account(provider="instagram", status="disconnected")
    first = WINDOW.days + 40
    house.write_number(account, ago(first), 10)
    house.write_number(account, ago(first - WINDOW.days - 5), 20)
    refresh()
    assert list(sums()) == [ago(days) for days in range(first, first - WINDOW.days - 6, -1)]
    assert {value for value, _, _ in sums().values()} == {10, 20}


def test_a_number_is_carried_for_three_months_and_no_longer(house, refresh, sums):
    house.write_number(house.account(provider="instagram"), ago(200), 10)
    refresh()
    assert set(sums()) == {ago(200 - days) for days in range(CARRY.days + 1)}


def test_what_is_carried_into_the_first_day_that_is_summed_again_is_not_lost(house, refresh, sums):
    gappy, other = (house.account(provider="instagram") for _ in range(2))
    house.write_number(gappy, ago(30), 10)
    refresh()
    house.write_number(other, ago(1), 5)
    refresh()
    assert sums()[ago(2)] == (10, 1, 1)
    assert sums()[ago(1)] == (15, 2, 1)
    assert sums()[ago(0)] == (15, 2, 2)


def test_a_new_day_begins_though_nothing_was_synced(house, refresh, sums):
    house.write_number(house.account(provider="instagram"), ago(3), 10)
    refresh()
    with house.database.write() as connection:  # as it was when the last refresh was two days ago
        connection.execute(sa.delete(OrgAudienceDaily).where(OrgAudienceDaily.day > ago(2)))
        connection.exec_driver_sql("UPDATE audience_daily SET updated_at = NULL")
    keep_position(house.database, PART, Shard(), NOW - timedelta(days=2))
    refresh()
    assert sums()[TODAY] == (10, 1, 1)
    assert len(sums()) == 4


@pytest.mark.parametrize("full", [False, True])
def test_refreshing_again_changes_nothing(house, refresh, full):
    for metric, days in (("followers", 3), ("reach", 2), ("followers", 100)):
        house.write_number(house.account(provider="instagram"), ago(days), 10, metric)
    refresh()
    before = house.all_rows("org_audience_daily")
    assert before
    refresh(full=full)
    assert house.all_rows("org_audience_daily") == before


def test_a_changed_day_changes_its_sum_and_what_is_carried_from_it(house, refresh, sums):
    account = house.account(provider="instagram")
    house.write_number(account, ago(1), 10)
    refresh()
    house.write_number(account, ago(1), 11)
    refresh()
    assert sums() == {ago(1): (11, 1, 0), ago(0): (11, 1, 1)}


def test_orgs_of_another_shard_are_left_alone(house, sums):
    house.write_number(house.account(provider="instagram", shard_hash=1), TODAY, 10)
    refresh_org_daily(house.database, SNAPSHOTS, Shard(0, 2))
    assert sums() == {}


def test_an_empty_installation_has_nothing_to_sum(refresh):
    assert (refresh().rows, refresh().preview) == (0, [])


def test_the_preview_shows_the_newest_rows_and_no_more_than_twenty(house, refresh):
    for _ in range(3):
        house.write_number(house.account(provider="instagram"), ago(30), 10)
    report = refresh()
    assert report.rows == 31
    assert len(report.preview) == 20
    assert report.preview[0]["day"] == TODAY.isoformat()
    assert report.preview[0]["value"] == 30


def test_each_org_is_summed_from_its_own_first_changed_day_on(house, refresh):
    north, south = (house.account(org, "instagram") for org in ("north", "south"))
    for account in (north, south):
        house.write_number(account, ago(9), 10)
    refresh()
    with house.database.write() as connection:
        connection.exec_driver_sql("UPDATE audience_daily SET updated_at = NULL")
    house.write_number(north, ago(5), 11)
    house.write_number(south, ago(0), 11)
    assert refresh().rows == 6 + 1
