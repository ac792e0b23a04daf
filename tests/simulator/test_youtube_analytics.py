"""Analytics: which reports are made, for whom, and that their figures hold together."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.providers
BOTH = ("youtube.readonly", "yt-analytics.readonly")
MONEY = (*BOTH, "yt-analytics-monetary.readonly")
DAYS = {"startDate": "2026-11-01", "endDate": "2026-11-14"}
METRICS = (
    "views,engagedViews,estimatedMinutesWatched,averageViewDuration,averageViewPercentage,"
    "likes,dislikes,comments,shares,subscribersGained,subscribersLost"
)


def get(tube, account=1, scopes=BOTH, **asked):
    asked = {"ids": "channel==MINE", "metrics": "views", **DAYS, **asked}
    return tube.sim.ask(
        "GET",
        "/youtube/analytics/v2/reports",
        params={name: value for name, value in asked.items() if value is not None},
        headers={"authorization": f"Bearer {tube.token(account, scopes)}"},
    )


def table(tube, account=1, scopes=BOTH, **asked):
    reply = get(tube, account, scopes, **asked)
    assert reply.status_code == 200, reply.text
    return reply.json()


def refused(tube, account=1, scopes=BOTH, **asked):
    reply = get(tube, account, scopes, **asked)
    return reply.status_code, reply.json()["error"]["errors"][0]["reason"]


def test_columns_are_dimensions_then_metrics_with_their_types(tube):
    found = table(tube, dimensions="day", metrics="views,averageViewPercentage")
    assert found["kind"] == "youtubeAnalytics#resultTable"
    assert found["columnHeaders"] == [
        {"name": "day", "columnType": "DIMENSION", "dataType": "STRING"},
        {"name": "views", "columnType": "METRIC", "dataType": "INTEGER"},
        {"name": "averageViewPercentage", "columnType": "METRIC", "dataType": "FLOAT"},
    ]
    assert [row[0] for row in found["rows"]] == [f"2026-11-{day:02}" for day in range(1, 15)]


def test_days_make_up_the_whole_and_so_do_videos(tube):
    for metric in ("views", "likes", "subscribersGained"):
        total = table(tube, metrics=metric)["rows"][0][0]
        daily = table(tube, metrics=metric, dimensions="day")["rows"]
        asked = metric if metric == "views" else f"views,{metric}"
        videos = table(tube, metrics=asked, dimensions="video", sort="-views", maxResults=200)
        assert sum(row[1] for row in daily) == total > 0
        assert sum(row[-1] for row in videos["rows"]) == total


def test_figures_agree_with_the_data_api(tube):
    name = tube.videos(1)[0]
    since = {"startDate": "2005-01-01", "endDate": "2030-01-01"}
    [[reported]] = table(tube, **since, filters=f"video=={name}")["rows"]
    found = tube.body("videos", 1, part="statistics", id=name)["items"][0]["statistics"]
    assert 0.9 * int(found["viewCount"]) < reported <= int(found["viewCount"])


def test_values_do_not_change_once_they_are_settled(tube):
    before = table(tube, dimensions="day", metrics=METRICS)
    tube.sim.control("clock", advance_seconds=20 * 86_400)
    tube.tokens.clear()
    assert table(tube, dimensions="day", metrics=METRICS) == before


def test_the_last_days_are_missing_and_then_still_grow(tube):
    asked = {"startDate": "2026-11-12", "endDate": "2026-11-30", "dimensions": "day"}
    first = table(tube, **asked)["rows"]
    assert [row[0] for row in first] == [f"2026-11-{day}" for day in (12, 13, 14, 15)]
    tube.sim.control("clock", advance_seconds=86_400)
    tube.tokens.clear()
    second = table(tube, **asked)["rows"]
    assert second[:3] == first[:3]
    assert (second[3][0], second[-1][0]) == ("2026-11-15", "2026-11-16")
    assert second[3][1] > first[3][1]


def test_a_time_without_figures_has_no_rows(tube):
    future = {"startDate": "2026-11-17", "endDate": "2026-11-18"}
    assert table(tube, 1, **future)["rows"] == []
    assert "rows" not in table(tube, 2, **future)


def test_top_videos_are_sorted_downwards_and_paged(tube):
    asked = {"dimensions": "video", "sort": "-views", "metrics": "views,likes"}
    whole = table(tube, 11, **asked, maxResults=200)["rows"]
    assert [row[1] for row in whole] == sorted((row[1] for row in whole), reverse=True)
    assert table(tube, 11, **asked, maxResults=10, startIndex=11)["rows"] == whole[10:20]


def test_parts_of_the_audience_make_up_the_whole(tube):
    total = table(tube)["rows"][0][0]
    for dimension in ("country", "deviceType", "insightTrafficSourceType"):
        rows = table(tube, dimensions=dimension, sort="-views")["rows"]
        assert total - len(rows) <= sum(row[1] for row in rows) <= total
        assert rows[0][1] >= rows[-1][1]
    rows = table(tube, dimensions="ageGroup,gender", metrics="viewerPercentage")["rows"]
    assert sum(row[2] for row in rows) == pytest.approx(100, abs=1.5)
    [[filtered]] = table(tube, filters="country==GB")["rows"]
    [british] = [row for row in table(tube, dimensions="country")["rows"] if row[0] == "GB"]
    assert filtered == british[1]


def test_a_filter_by_video_allows_days_of_each(tube):
    names = tube.videos(1)[:2]
    asked = {"dimensions": "day,video", "filters": f"video=={','.join(names)}"}
    assert {row[1] for row in table(tube, **asked)["rows"]} == set(names)
    assert refused(tube, dimensions="day,video") == (400, "badRequest")


def test_a_channel_is_asked_by_its_own_id_only(tube):
    own, other = (tube.body("channels", n, part="id", mine="true")["items"][0]["id"] for n in (1, 2))
    assert table(tube, ids=f"channel=={own}")["rows"]
    assert refused(tube, ids=f"channel=={other}") == (403, "forbidden")
    assert refused(tube, ids="contentOwner==x") == (403, "forbidden")
    assert refused(tube, filters=f"video=={tube.videos(2)[0]}") == (403, "forbidden")


def test_both_scopes_are_needed(tube):
    for scopes in (BOTH[:1], BOTH[1:]):
        assert refused(tube, 1, scopes) == (403, "insufficientPermissions")


def test_money_is_shown_with_its_scope_to_channels_that_earn_some(tube):
    asked = {"metrics": "estimatedRevenue,cpm,adImpressions"}
    assert table(tube, 1, MONEY, **asked)["rows"][0][0] > 0
    assert refused(tube, 1, BOTH, **asked) == (403, "insufficientPermissions")
    assert refused(tube, 5, MONEY, **asked) == (403, "forbidden")
    assert table(tube, 5, MONEY)["rows"]


@pytest.mark.parametrize(
    "asked",
    [
        {"dimensions": "video"},
        {"dimensions": "video", "sort": "-views"},
        {"dimensions": "video", "sort": "views", "maxResults": 10},
        {"dimensions": "video", "sort": "-views", "maxResults": 201},
        {"dimensions": "video", "sort": "-likes", "metrics": "views,likes", "maxResults": 10},
        {"dimensions": "day,country"},
        {"dimensions": "day", "sort": "-likes"},
        {"dimensions": "deviceType", "metrics": "likes"},
        {"dimensions": "ageGroup"},
        {"dimensions": "country", "filters": "country==GB"},
        {"filters": "deviceType==TV"},
        {"metrics": "viewerPercentage"},
    ],
)
def test_combinations_that_are_not_made_are_not_supported(tube, asked):
    reply = get(tube, **asked)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"].startswith("The query is not supported.")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        *(({name: None}, 400) for name in ("ids", "startDate", "endDate", "metrics")),
        ({"metrics": "impressions"}, 400),
        ({"dimensions": "weekday"}, 400),
        ({"startDate": "2026-02-30"}, 400),
        ({"startDate": "2026-11-15"}, 400),
        ({"startDate": "20261101"}, 400),
        ({"maxResults": 0}, 400),
        ({"startIndex": 0}, 400),
        ({"filters": "video=x"}, 400),
        ({"filters": "country==Italy"}, 400),
        ({"limit": 5}, 400),
        ({"dimensions": "month"}, 501),
        ({"currency": "EUR"}, 501),
    ],
)
def test_what_cannot_be_read_is_refused(tube, asked, status):
    assert get(tube, **asked).status_code == status


def test_a_key_does_not_do(tube):
    reply = tube.sim.ask("GET", "/youtube/analytics/v2/reports?key=simulator-key")
    assert reply.status_code == 401
