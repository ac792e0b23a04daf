"""The daily quota: what costs a unit of which bucket, and when it starts anew."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.providers
MINE = {"part": "id", "mine": "true"}
STARTED = 1_795_000_000  # 2026-11-18 03:06 in California
TO_MIDNIGHT = datetime(2026, 11, 19, 8, tzinfo=UTC).timestamp() - STARTED


def used(tube):
    return tube.order("quota", "GET")["used"]


def test_every_request_costs_a_unit_refused_ones_too(tube):
    tube.body("channels", 1, **MINE)
    tube.refused("channels", 1, part="nothing", mine="true")
    tube.refused("playlistItems", 1, part="id", playlistId="UUx")
    tube.refused("subscriptions", 1, **MINE)
    tube.refused("channels", 1, scopes=("yt-analytics.readonly",), **MINE)
    assert used(tube) == {"default": 5, "stats": 0, "search": 0}


def test_who_is_not_known_costs_nothing(tube):
    tube.sim.ask("GET", "/youtube/v3/channels?part=id&id=x")
    tube.sim.ask("GET", "/youtube/v3/channels?part=id&id=x&key=wrong")
    tube.sim.ask("GET", "/youtube/v3/channels?part=id&id=x", headers={"authorization": "Bearer x"})
    assert used(tube)["default"] == 0


def test_statistics_and_search_have_buckets_of_their_own(tube):
    tube.body("videos:batchGetStats", 1, part="id", id="x")
    tube.refused("search", 1, part="id", q="x")
    assert used(tube) == {"default": 0, "stats": 1, "search": 1}


def test_reports_cost_no_units(tube):
    headers = {"authorization": f"Bearer {tube.token(1)}"}
    tube.sim.ask("GET", "/youtube/analytics/v2/reports", headers=headers)
    assert used(tube) == {"default": 0, "stats": 0, "search": 0}


def test_a_used_up_bucket_refuses_and_the_others_go_on(tube):
    tube.order("mode", daily_units=2)
    statuses = [tube.get("channels", 1, **MINE).status_code for _ in range(4)]
    assert statuses == [200, 200, 403, 403]
    assert tube.refused("channels", 2, **MINE) == (403, "quotaExceeded")
    assert tube.get("videos:batchGetStats", 1, part="id", id="x").status_code == 200
    status = tube.order("quota", "GET")
    assert (status["used"]["default"], status["quota_exceeded"]) == (2, 3)
    assert status["days"]["2026-11-18"]["quota_exceeded"]["default"] == 3


def test_search_is_a_hundred_calls_a_day(tube):
    codes = [tube.get("search", 1, part="id").status_code for _ in range(101)]
    assert codes == [501] * 100 + [403]


def test_units_come_back_at_midnight_in_california(tube):
    tube.order("mode", daily_units=1, stats_units=1)
    tube.body("channels", 1, **MINE)
    tube.sim.control("clock", advance_seconds=TO_MIDNIGHT - 1)
    tube.tokens.clear()
    assert tube.refused("channels", 1, **MINE) == (403, "quotaExceeded")
    tube.sim.control("clock", advance_seconds=1)
    assert tube.get("channels", 1, **MINE).status_code == 200
    assert tube.order("quota", "GET")["day"] == "2026-11-19"


def test_midnight_moves_with_summer_time(tube):
    summer = datetime(2027, 7, 1, 6, 59, tzinfo=UTC).timestamp() - STARTED
    tube.sim.control("clock", advance_seconds=summer)
    assert tube.order("quota", "GET")["day"] == "2027-06-30"
    tube.sim.control("clock", advance_seconds=60)
    assert tube.order("quota", "GET")["day"] == "2027-07-01"


def test_the_mode_tells_its_limits_and_keeps_what_is_left_out(tube):
    tube.order("mode", stats_units=7)
    assert tube.order("mode", "GET") == {
        "daily_units": 10_000,
        "stats_units": 7,
        "search_calls": 100,
        "testing": False,
    }
    refused = tube.sim.ask("POST", "/control/youtube/mode", json={"units": 3})
    assert refused.status_code == 400
