"""Providers, and parts of them, that have been silent for a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resources.audience.silence import Silence, silences
from resources.database import utc_now
from resources.providers import PROVIDERS

NOW = utc_now().replace(microsecond=0)


@pytest.fixture
def heard(house):
    """Return a function that returns the silences by provider."""
    return lambda: {one.provider: one for one in silences(house.database, PROVIDERS.values(), NOW)}


def test_an_account_without_a_good_sync_for_a_day_is_silent(house, heard):
    for hours in (1, 23, 25, 90):
        house.account(last_sync_at=NOW - timedelta(hours=hours))
    assert heard() == {"spotify": Silence("spotify", 4, 2, NOW - timedelta(hours=90))}


def test_an_account_that_was_connected_just_now_is_not_silent_yet(house, heard):
    house.account(created_at=NOW - timedelta(hours=2))
    assert heard()["spotify"].silent == 0


def test_an_account_that_was_never_read_is_silent_a_day_after_its_connection(house, heard):
    house.account(created_at=NOW - timedelta(days=2))
    assert (heard()["spotify"].silent, heard()["spotify"].is_whole) == (1, True)


@pytest.mark.parametrize("status", ["disconnected", "needs_reconnect"])
def test_accounts_that_no_sync_tries_are_not_counted(house, heard, status):
    house.account(status=status)
    assert heard() == {}


def test_each_provider_is_judged_for_itself(house, heard):
    house.account(provider="instagram", last_sync_at=NOW)
    house.account(provider="youtube", last_sync_at=NOW - timedelta(days=2))
    assert [one.is_finding for one in heard().values()] == [False, True]


@pytest.mark.parametrize(
    ("accounts", "silent", "finding", "whole"),
    [(100, 5, False, False), (100, 6, True, False), (1, 1, True, True), (100, 0, False, False)],
)
def test_a_small_share_of_silent_accounts_is_no_finding(accounts, silent, finding, whole):
    one = Silence("spotify", accounts, silent, NOW)
    assert (one.is_finding, one.is_whole) == (finding, whole)
