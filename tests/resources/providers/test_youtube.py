"""YouTube's declaration, against Google's discovery documents, its report types and recorded replies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resources.paging import Page
from resources.providers.youtube import PROVIDER
from resources.replies import ReplyDecoder

pytestmark = pytest.mark.providers

SHARED = Path(__file__).parents[4] / "shared"
SPECS, REPLIES = SHARED / "specs", SHARED / "replies" / "youtube"
ITEMS = {
    "channels": "Channel",
    "uploads": "PlaylistItem",
    "videos": "Video",
    "video_statistics": "VideoStat",
    "playlists": "Playlist",
    "comment_threads": "CommentThread",
}
REPORTS = {
    "channel_daily": "TimeBasedActivity",
    "video_daily": "TopVideosRegional",
    "traffic_source_daily": "TrafficSource",
    "country_daily": "GeographyBasedActivity",
    "revenue_daily": "TimeBasedActivity",
}
NEWER_METRICS = {"engagedViews"}  # of 2025, later than the table of report types
RECORDED = [
    ("channels", "channel_full_parts"),
    ("channels", "channels_list"),
    ("uploads", "playlistItems_snippet_contentDetails"),
    ("videos", "videos_list_page1"),
    ("videos", "videos_list_single"),
    ("videos", "videos_chart_page1"),
    ("video_statistics", "videos_list_page1"),
    ("playlists", "playlists_mine"),
    ("comment_threads", "commentThreads_page1"),
    ("channel_daily", "analytics_reports_query"),
]
STREAMS = pytest.mark.parametrize("stream", PROVIDER.streams, ids=lambda stream: stream.name)
LISTS = pytest.mark.parametrize("name", ITEMS)
REPORTED = pytest.mark.parametrize("name", REPORTS)


def read(name: str) -> Any:
    """Return a document of the specifications."""
    if not (SPECS / name).exists():
        pytest.skip(f"{SPECS / name} is not here")
    return json.loads((SPECS / name).read_text(encoding="utf-8"))


def operations(resource: dict[str, Any]) -> dict[str, Any]:
    """Return what answers GET, by path."""
    found = {one["path"]: one for one in resource.get("methods", {}).values() if one["httpMethod"] == "GET"}
    for part in resource.get("resources", {}).values():
        found |= operations(part)
    return found


@pytest.fixture(scope="module")
def apis() -> dict[str, Any]:
    """What both APIs answer, by path."""
    data, analytics = (read(f"{name}.discovery.json") for name in ("youtube.v3", "youtubeAnalytics.v2"))
    return operations(data) | operations(analytics)


def operation(apis: dict[str, Any], stream: Any) -> dict[str, Any]:
    """Return the operation that a stream asks."""
    prefix = "v2" if stream.host == "analytics" else "youtube/v3"
    return dict(apis[f"{prefix}{stream.path}"])


def asked(stream: Any) -> dict[str, Any]:
    """Return the parameters of a first request, those of parents with an empty value."""
    first = dict(stream.paging.first({})) if stream.paging else {}
    days = {stream.days.first: "", stream.days.last: ""} if stream.days else {}
    parents = [name for one in (stream.each, stream.shared) if (name := getattr(one, "parameter", ""))]
    return {**stream.params, **first, **days, **dict.fromkeys(parents, "")}


@STREAMS
def test_path_and_parameters_exist_and_required_ones_are_given(apis, stream):
    known = operation(apis, stream)["parameters"]
    assert set(asked(stream)) <= set(known)
    assert {name for name, one in known.items() if one.get("required")} <= set(asked(stream))
    if stream.paging and (after := stream.paging.following({}, Page([object()], "more", None, "more"))):
        assert set(after) <= set(known)


@STREAMS
def test_fixed_values_are_among_the_allowed(apis, stream):
    known = operation(apis, stream)["parameters"]
    for name, value in stream.params.items():
        assert value in known[name].get("enum", [value])


@STREAMS
def test_page_is_as_large_as_allowed_and_no_larger(apis, stream):
    limit = operation(apis, stream)["parameters"].get("maxResults", {}).get("maximum")
    if limit is not None and "maxResults" in asked(stream):
        assert str(asked(stream)["maxResults"]) == limit
    assert stream.shared is None or stream.shared.size == 50


@STREAMS
def test_scope_is_one_that_the_path_takes_or_the_key_stands_for_it(apis, stream):
    scopes = operation(apis, stream)["scopes"]
    assert stream.scope in scopes if not stream.public else stream.scope is None


def test_every_scope_asked_for_exists():
    names = ("youtube.v3", "youtubeAnalytics.v2")
    known = [set(read(f"{name}.discovery.json")["auth"]["oauth2"]["scopes"]) for name in names]
    assert set(PROVIDER.oauth.all_scopes) <= set.union(*known)


@LISTS
def test_parts_and_fields_exist(name):
    schemas = read("youtube.v3.discovery.json")["schemas"]
    stream, properties = PROVIDER.stream(name), schemas[ITEMS[name]]["properties"]
    parts = set(stream.params["part"].split(","))
    assert parts <= set(properties)
    places = {place for one in stream.reader.columns for place in getattr(one.source, "paths", ())}
    assert places
    assert {place.partition(".")[0] for place in places} <= parts | {"id"}
    for place in places:
        assert has(schemas, ITEMS[name], place), place


def has(schemas: dict[str, Any], name: str, place: str) -> bool:
    """Say whether a schema has a dotted place."""
    schema = schemas[name]
    for part in place.split("."):
        if part not in schema.get("properties", {}):
            return False
        schema = schema["properties"][part]
        schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    return True


def test_every_stream_is_a_list_or_a_report_here():
    assert {stream.name for stream in PROVIDER.streams} == set(ITEMS) | set(REPORTS)
    assert set(ITEMS).isdisjoint(REPORTS)


@REPORTED
def test_report_is_one_that_analytics_has(name):
    params = PROVIDER.stream(name).params
    report = read("youtube-analytics-report-types.analytix.json")["report_types"][REPORTS[name]]
    metrics, dimensions = set(params["metrics"].split(",")), set(params["dimensions"].split(","))
    assert metrics - NEWER_METRICS <= set(report["metrics"])
    for rule in report["dimensions"]:
        for kind, names in rule.items():
            fewest = {"Required": len(names), "ExactlyOne": 1}.get(kind, 0)
            most = {"ExactlyOne": 1, "ZeroOrOne": 1}.get(kind, len(names))
            assert fewest <= len(dimensions & set(names)) <= most
    assert dimensions <= {one for rule in report["dimensions"] for names in rule.values() for one in names}
    order = params["sort"].removeprefix("-")
    assert order in dimensions or order in report["sort_options"]
    assert int(params.get("maxResults", 0)) <= int(report.get("max_results") or 10**9)


@REPORTED
def test_report_holds_a_column_for_all_that_is_asked(name):
    stream = PROVIDER.stream(name)
    words = [*stream.params["dimensions"].split(","), *stream.params["metrics"].split(",")]
    body = {"columnHeaders": [{"name": word} for word in words], "rows": []}
    body["rows"] = [["2026-11-23" if word == "day" else 7 if word in words[1:] else "x" for word in words]]
    if "insightTrafficSourceType" in words:
        body["rows"][0][words.index("insightTrafficSourceType")] = "SEARCH"
    reply = ReplyDecoder(stream).decode(json.dumps(body).encode())
    assert reply.rejections == ()
    (item,) = reply.page.items
    assert None not in stream.reader.row(item, {"day": "2026-11-23"})


@pytest.mark.parametrize(("name", "file"), RECORDED)
def test_recorded_reply_is_read_whole(name, file):
    path = REPLIES / f"{file}.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    stream, body = PROVIDER.stream(name), path.read_bytes()
    reply = ReplyDecoder(stream).decode(body)
    assert reply.rejections == ()
    told = json.loads(body)
    assert len(reply.page.items) == len(told.get("items") or told["rows"])
    columns = [column.name for column in stream.reader.columns]
    for item in reply.page.items:
        row = dict(zip(columns, stream.reader.row(item, {"playlist_id": "p"}), strict=True))
        assert all(row[column] is not None for column in stream.key)


def test_empty_list_has_no_items():
    path = REPLIES / "subscriptions_empty.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    assert ReplyDecoder(PROVIDER.stream("uploads")).decode(path.read_bytes()).page.items == []
