"""Syncs near Instagram's limits: they stop by themselves, and are never told to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resources.database import utc_now

pytestmark = pytest.mark.providers

STREAMS = ("profile", "media", "media_insights", "account_insights")


def refusals(simulated):
    return [entry for entry in simulated.world.journal.entries if entry.status >= 400]


def test_an_account_near_its_limit_stops_before_it_is_refused(simulated, on_instagram):
    small, other = (simulated.connect("acme", number, provider="instagram") for number in (1, 2))
    simulated.control("instagram/mode", calls_per_day=30)
    report = on_instagram.sync(*STREAMS)
    assert refusals(simulated) == []
    assert report.accounts["partial"] == 2
    for account in (small, other):
        row = on_instagram.account(account)
        assert row["error_type"] == "throttled"
        assert row["retry_at"] > utc_now()
        assert row["retry_at"] < utc_now() + timedelta(days=8)
    asked = len(simulated.requests("/instagram/"))
    assert on_instagram.sync(*STREAMS).accounts == {}, "it is left alone until then"
    assert simulated.requests("/instagram/") == []
    assert asked <= 60


def test_an_account_that_had_to_stop_keeps_what_it_read(simulated, on_instagram):
    account = simulated.connect("acme", 1, provider="instagram")
    simulated.control("instagram/mode", calls_per_day=30)
    on_instagram.sync(*STREAMS)
    assert on_instagram.stored("profile", account)
    assert on_instagram.stored("media_insights", account)
    (failed, *_) = on_instagram.results(status="failed")
    assert failed["error_type"] == "throttled"


def test_an_app_near_its_limit_stops_for_all_and_is_never_refused(simulated, on_instagram):
    for number in (1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17):  # each third has posts without insights: 400
        simulated.connect("acme", number, provider="instagram")
    simulated.backline.settings.sync_concurrency = 2  # fewer in flight than the headroom of 5 % takes
    simulated.control("instagram/mode", app_calls_per_hour=60)
    report = on_instagram.sync(*STREAMS)
    assert refusals(simulated) == []
    assert report.stopped is not None
    assert report.stopped.code == "rate"
    assert report.deferred > 0
    simulated.requests()
    assert on_instagram.sync(*STREAMS).deferred == 12, "the app is parked"
    assert simulated.requests("/instagram/") == []
