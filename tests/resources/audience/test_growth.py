"""`org_audience_growth`: where each number stands, and how it got there."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources.audience.growth import refresh_growth
from resources.audience.org_daily import refresh_org_daily
from resources.audience.report import snapshots_of
from resources.audience.shards import Shard
from resources.database import utc_now
from resources.providers import PROVIDERS
from resources.tables import OrgAudienceGrowth

TODAY = utc_now().date()
SNAPSHOTS = snapshots_of(PROVIDERS.values())


def ago(days):
    return TODAY - timedelta(days=days)


@pytest.fixture
def refresh(house):
    def go(**more):
        refresh_org_daily(house.database, SNAPSHOTS, Shard())
        return refresh_growth(house.database, Shard(), **more)

    return go


@pytest.fixture
def growth(house):
    """Return a function that returns the growth of an org's metric at a provider."""

    def read(provider="instagram", metric="followers", org="north"):
        row = OrgAudienceGrowth
        query = sa.select(row.__table__).where(
            row.org_id == house.org(org), row.provider == provider, row.metric == metric
        )
        with house.database.read() as connection:
            return connection.execute(query).one()

    return read


def test_changes_are_those_over_7_and_28_days(house, refresh, growth):
    account = house.account(provider="instagram")
    for days, value in ((28, 50), (7, 80), (0, 100)):
        house.write_number(account, ago(days), value)
    refresh()
    found = growth()
    assert (found.day, found.value, found.accounts) == (TODAY, 100, 1)
    assert (found.change_7_days, found.growth_7_days) == (20, 0.25)
    assert (found.change_28_days, found.growth_28_days) == (50, 1)


def test_a_change_from_a_day_without_a_number_is_unknown(house, refresh, growth):
    house.write_number(house.account(provider="instagram"), ago(3), 100)
    refresh()
    found = growth()
    assert (found.change_7_days, found.growth_7_days, found.change_28_days) == (None, None, None)


def test_growth_from_nothing_has_no_measure(house, refresh, growth):
    account = house.account(provider="instagram")
    for days, value in ((7, 0), (0, 100)):
        house.write_number(account, ago(days), value)
    refresh()
    assert (growth().change_7_days, growth().growth_7_days) == (100, None)


def test_a_number_by_day_is_compared_with_the_same_weekday(house, refresh, growth):
    account = house.account(provider="youtube")
    for days, value in ((9, 40), (3, 1_000), (2, 50)):
        house.write_number(account, ago(days), value, metric="views")
    refresh()
    found = growth("youtube", "views")
    assert (found.day, found.value, found.change_7_days, found.growth_7_days) == (ago(2), 50, 10, 0.25)


def test_shares_are_of_the_orgs_followers(house, refresh, growth):
    for org, provider, value in (
        ("north", "instagram", 30),
        ("north", "youtube", 10),
        ("south", "youtube", 5),
    ):
        house.write_number(house.account(org, provider), TODAY, value)
    house.write_number(house.account(provider="youtube"), TODAY, 9, metric="views")
    refresh()
    assert growth("instagram").share == 0.75
    assert growth("youtube").share == 0.25
    assert growth("youtube", org="south").share == 1
    assert growth("youtube", "views").share is None


def test_a_provider_that_is_no_longer_connected_has_no_share(house, refresh, growth):
    house.write_number(house.account(provider="instagram"), TODAY, 30)
    house.write_number(house.account(provider="youtube", status="disconnected"), ago(2), 10)
    refresh()
    assert growth("instagram").share == 1
    assert growth("youtube").share is None


def test_an_org_without_followers_has_no_shares(house, refresh, growth):
    house.write_number(house.account(provider="instagram"), TODAY, 0)
    refresh()
    assert growth().share is None


@pytest.mark.parametrize("full", [False, True])
def test_refreshing_again_changes_nothing(house, refresh, full):
    account = house.account(provider="instagram")
    for days in (8, 0):
        house.write_number(account, ago(days), 30 - days)
    assert refresh().rows == 1
    before = house.all_rows("org_audience_growth")
    refresh(full=full)
    assert house.all_rows("org_audience_growth") == before


def test_a_later_number_replaces_the_row(house, refresh, growth):
    account = house.account(provider="instagram")
    house.write_number(account, TODAY, 10)
    refresh()
    house.write_number(account, TODAY, 11)
    refresh()
    assert growth().value == 11


def test_an_empty_installation_has_no_growth(refresh):
    report = refresh()
    assert (report.rows, report.orgs, report.preview) == (0, 0, [])
