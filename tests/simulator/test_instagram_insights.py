"""Insights of the simulated Instagram."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.providers

DAY = "period=day&metric_type=total_value"
DEMOGRAPHICS = "metric=follower_demographics&period=lifetime&metric_type=total_value&timeframe=this_month"
FEED = "comments,likes,saved,shares,reach,views,total_interactions,reposts,follows,profile_visits"
REELS = (
    "comments,likes,saved,shares,reach,views,total_interactions,reposts,ig_reels_avg_watch_time,"
    "ig_reels_video_view_total_time,reels_skip_rate"
)
STORY = "reach,views,replies,shares,total_interactions,reposts,follows,profile_visits"
TOTALS = (
    "reach,views,accounts_engaged,total_interactions,likes,comments,saves,shares,replies,reposts,"
    "profile_links_taps"
)


def values(body):
    """Return one number a metric."""
    return {
        item["name"]: item["total_value"]["value"] if "total_value" in item else item["values"][0]["value"]
        for item in body["data"]
    }


def one_of(instagram, account=1, **wanted):
    items = instagram.items("/me/media?limit=100&fields=media_type,media_product_type", account)
    return next(item["id"] for item in items if wanted.items() <= item.items())


def spec(shared, name):
    return {
        field["name"] for field in json.loads((shared / f"specs/instagram/{name}.json").read_text())["fields"]
    }


@pytest.mark.parametrize(("product", "metrics"), [("FEED", FEED), ("REELS", REELS)], ids=["feed", "reels"])
def test_media_have_the_metrics_of_their_product(instagram, shared, product, metrics):
    body = instagram.body(f"/{one_of(instagram, media_product_type=product)}/insights?metric={metrics}", 1)
    assert [item["name"] for item in body["data"]] == metrics.split(",")
    for item in body["data"]:
        assert set(item) <= spec(shared, "InstagramInsightsResult")
        assert item["period"] == "lifetime"
        assert isinstance(item["values"][0]["value"], int)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("reach,impressions", "following metric is no longer supported: impressions."),
        ("video_views", "following metric is no longer supported: video_views."),
        ("reach,followers", "metric[1] must be one of the following values: "),
        ("reach,reels_skip_rate", "does not support the reels_skip_rate metric for this media product type"),
        ("reach,navigation", "does not support the navigation metric for this media product type"),
    ],
)
def test_one_wrong_metric_fails_the_whole_call(instagram, metric, message):
    error = instagram.error(f"/{one_of(instagram, media_product_type='FEED')}/insights?metric={metric}", 1)
    assert (error["status"], error["code"]) == (400, 100)
    assert message in error["message"]


def test_metrics_are_required(instagram):
    media = one_of(instagram)
    assert instagram.error(f"/{media}/insights", 1)["code"] == 100
    assert instagram.error(f"/{media}/insights?metric=reach,,views", 1)["code"] == 100


def test_only_the_metrics_that_have_a_breakdown_take_it(instagram):
    path = f"/{one_of(instagram, media_product_type='FEED')}/insights?breakdown=action_type&metric="
    (found,) = instagram.body(f"{path}profile_activity", 1)["data"]
    (breakdown,) = found["total_value"]["breakdowns"]
    assert breakdown["dimension_keys"] == ["action_type"]
    assert sum(entry["value"] for entry in breakdown["results"]) == found["total_value"]["value"]
    error = instagram.error(f"{path}profile_activity,reach", 1)
    assert error["message"] == "(#100) Incompatible breakdowns (action_type) for metric (reach)"


def test_young_media_have_an_empty_set_and_grow_for_two_days(instagram):
    instagram.control("edit", provider="instagram", account=1, add_media=1)
    path = f"/{instagram.body('/me/media?limit=1', 1)['data'][0]['id']}/insights?metric=reach,views"
    assert instagram.body(path, 1) == {"data": []}
    seen = []
    for hours in (4, 20, 30, 100):
        instagram.control("clock", advance_seconds=hours * 3_600)
        seen.append(values(instagram.body(path, 1))["reach"])
    assert 0 < seen[0] < seen[1] < seen[2] == seen[3]


def test_children_of_albums_have_none(instagram):
    album = one_of(instagram, media_type="CAROUSEL_ALBUM")
    child = instagram.body(f"/{album}/children", 1)["data"][0]["id"]
    assert instagram.error(f"/{child}/insights?metric=reach", 1)["code"] == 100


def test_media_older_than_the_business_account_have_none(instagram):
    oldest = [item["id"] for item in instagram.items("/me/media?limit=100", 3)][-4:]
    assert instagram.body(f"/{oldest[0]}/insights?metric=reach", 3)["data"]
    for media in oldest[1:]:
        error = instagram.error(f"/{media}/insights?metric=reach", 3)
        assert (error["code"], error["error_subcode"]) == (100, 2108006)


def test_stories_have_theirs_until_they_are_gone_unless_few_saw_them(instagram):
    seen = set()
    for account in range(0, 40, 4):
        for story in instagram.body("/me/stories?limit=100", account)["data"][1:]:
            reply = instagram.get(f"/{story['id']}/insights?metric={STORY}", account)
            error = reply.json().get("error", {})
            assert reply.status_code == 200 or error["code"] == 10
            seen.add(error.get("message", ""))
            if not error:
                assert values(reply.json())["reach"] >= 5
    assert seen == {"", "(#10) Not enough viewers for the media to show insights"}
    instagram.control("clock", advance_seconds=86_401)
    error = instagram.error(f"/{story['id']}/insights?metric=reach", account)
    assert (error["code"], error["error_subcode"]) == (100, 33)


def test_totals_are_told_for_a_window_and_the_same_again(instagram, shared):
    path = f"/me/insights?metric={TOTALS}&{DAY}&since=2026-10-01&until=2026-10-31"
    body = instagram.body(path, 1)
    assert [item["name"] for item in body["data"]] == TOTALS.split(",")
    assert all(set(item) <= spec(shared, "InstagramInsightsResult") for item in body["data"])
    instagram.control("clock", advance_seconds=86_400)
    assert values(instagram.body(path, 1)) == values(body)


def test_days_end_at_midnight_in_california_in_summer_and_winter(instagram):
    (found,) = instagram.body("/me/insights?metric=reach&period=day&since=2026-10-30&until=2026-11-03", 1)[
        "data"
    ]
    assert [value["end_time"] for value in found["values"]] == [
        "2026-10-31T07:00:00+0000",
        "2026-11-01T07:00:00+0000",
        "2026-11-02T08:00:00+0000",
        "2026-11-03T08:00:00+0000",
    ]


def test_reach_in_a_window_is_less_than_its_days_in_sum_and_views_are_the_sum(instagram):
    window = "since=2026-10-01&until=2026-10-08"
    days = [f"since=2026-10-0{day}&until=2026-10-0{day + 1}" for day in range(1, 8)]
    total = values(instagram.body(f"/me/insights?metric=reach,views&{DAY}&{window}", 1))
    each = [values(instagram.body(f"/me/insights?metric=reach,views&{DAY}&{day}", 1)) for day in days]
    assert max(day["reach"] for day in each) < total["reach"] < sum(day["reach"] for day in each)
    assert total["views"] == sum(day["views"] for day in each)
    (series,) = instagram.body(f"/me/insights?metric=reach&period=day&{window}", 1)["data"]
    assert [value["value"] for value in series["values"]] == [day["reach"] for day in each]


def test_no_dates_are_the_last_day(instagram):
    (found,) = instagram.body("/me/insights?metric=reach&period=day", 1)["data"]
    assert [value["end_time"] for value in found["values"]] == ["2026-11-18T08:00:00+0000"]


def test_the_last_two_days_may_still_grow(instagram):
    path = f"/me/insights?metric=views&{DAY}&since=2026-11-17&until=2026-11-18"
    seen = []
    for _ in range(4):
        seen.append(values(instagram.body(path, 1))["views"])
        instagram.control("clock", advance_seconds=86_400)
    assert seen[0] < seen[1] < seen[2] == seen[3]


def test_new_followers_add_up_to_the_count(instagram):
    window = "since=2026-11-01&until=2026-11-18"
    (found,) = instagram.body(
        f"/me/insights?metric=follows_and_unfollows&{DAY}&breakdown=follow_type&{window}", 1
    )["data"]
    assert "value" not in found["total_value"]
    results = found["total_value"]["breakdowns"][0]["results"]
    came = {entry["dimension_values"][0]: entry["value"] for entry in results}
    (series,) = instagram.body(f"/me/insights?metric=follower_count&period=day&{window}", 1)["data"]
    assert sum(value["value"] for value in series["values"]) == came["FOLLOWER"]
    assert came["NON_FOLLOWER"] > 0


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"metric=impressions&{DAY}", "no longer supported: impressions."),
        (f"metric=profile_views&{DAY}", "no longer supported: profile_views."),
        (f"metric=reach,saved&{DAY}", "metric[1] must be one of"),
        ("metric=views&period=day", "(views) should be specified with parameter metric_type=total_value"),
        (
            f"metric=follower_count&{DAY}",
            "(follower_count) is incompatible with the metric type (total_value)",
        ),
        (
            "metric=views&period=day&metric_type=time_series",
            "incompatible with the metric type (time_series)",
        ),
        ("metric=reach&metric_type=total_value", "period must be one of"),
        ("metric=reach&period=lifetime&metric_type=total_value", "do not support the period lifetime"),
        (
            f"metric=reach&{DAY}&since=2026-10-01&until=2026-11-01",
            "There cannot be more than 30 days (2592000 s)",
        ),
        (f"metric=reach&{DAY}&since=2026-10-02&until=2026-10-01", "since param must be before"),
        (f"metric=reach&{DAY}&since=2024-10-01&until=2024-10-02", "available for the last 2 years"),
        ("metric=follower_count&period=day&since=2026-10-01&until=2026-10-02", "last 30 days excluding"),
        (
            f"metric=reach&{DAY}&breakdown=contact_button_type",
            "Incompatible breakdowns (contact_button_type)",
        ),
        (f"metric=reach,likes&{DAY}&breakdown=follow_type", "Incompatible breakdowns (follow_type)"),
        ("metric=reach&period=day&breakdown=follow_type", "metric_type=total_value"),
        (f"metric=reach&{DAY}&timeframe=this_week", "timeframe"),
        (f"metric=reach&{DAY}&granularity=day", "Unsupported parameter"),
        (DEMOGRAPHICS, "The parameter breakdown is required"),
        (f"{DEMOGRAPHICS}&breakdown=city,age", "Incompatible breakdowns (city,age)"),
        (f"{DEMOGRAPHICS}&breakdown=age&since=2026-11-01", "since and until"),
        (DEMOGRAPHICS.replace("this_month", "last_30_days") + "&breakdown=age", "timeframe must be one of"),
        (DEMOGRAPHICS.replace("lifetime", "day") + "&breakdown=age", "period=lifetime"),
        (DEMOGRAPHICS.replace("metric_type=total_value&", "") + "&breakdown=age", "metric_type=total_value"),
    ],
)
def test_what_does_not_go_together_is_refused(instagram, query, message):
    error = instagram.error(f"/me/insights?{query}", 1)
    assert (error["status"], error["code"]) == (400, 100)
    assert message in error["message"]


@pytest.mark.parametrize(
    ("metric", "breakdown"),
    [
        ("reach,views,likes", "media_product_type"),
        ("reach", "follow_type"),
        ("reach", "media_product_type,follow_type"),
        ("profile_links_taps", "contact_button_type"),
    ],
)
def test_breakdowns_add_up(instagram, metric, breakdown):
    body = instagram.body(f"/me/insights?metric={metric}&{DAY}&breakdown={breakdown}", 1)
    for item in body["data"]:
        (part,) = item["total_value"]["breakdowns"]
        assert part["dimension_keys"] == breakdown.split(",")
        assert sum(entry["value"] for entry in part["results"]) == item["total_value"]["value"]
        assert all(len(entry["dimension_values"]) == len(breakdown.split(",")) for entry in part["results"])


def test_other_windows_are_offered_for_ever_with_the_token(instagram):
    body = instagram.body("/me/insights?metric=reach&period=day&since=2026-11-10&until=2026-11-12", 1)
    for _ in range(5):
        query = parse_qs(urlsplit(body["paging"]["next"]).query)
        assert query["access_token"]
        assert int(query["until"][0]) - int(query["since"][0]) == 2 * 86_400
        body = instagram.ask("GET", body["paging"]["next"]).json()
    assert body["data"][0]["values"] == []
    assert instagram.ask("GET", body["paging"]["previous"]).status_code == 200


@pytest.mark.parametrize("breakdown", ["age", "gender", "country", "city", "age,gender"])
def test_demographics_name_at_most_forty_five_groups(instagram, breakdown):
    (found,) = instagram.body(f"/me/insights?{DEMOGRAPHICS}&breakdown={breakdown}", 1)["data"]
    results = found["total_value"]["breakdowns"][0]["results"]
    assert 0 < len(results) <= 45
    assert len(results) == 45 or breakdown not in {"country", "city"}
    people = instagram.body("/me?fields=followers_count", 1)["followers_count"]
    assert sum(entry["value"] for entry in results) <= people


def test_small_accounts_are_not_described(instagram):
    assert instagram.body("/me?fields=followers_count", 9)["followers_count"] < 100
    assert instagram.body(f"/me/insights?{DEMOGRAPHICS}&breakdown=age", 9) == {"data": []}
    both = instagram.body("/me/insights?metric=reach,follower_count&period=day", 9)
    assert [item["name"] for item in both["data"]] == ["reach"]


def test_an_edit_makes_an_account_large_enough(instagram):
    instagram.control("edit", provider="instagram", account=9, followers=200)
    assert instagram.body(f"/me/insights?{DEMOGRAPHICS}&breakdown=age", 9)["data"]
