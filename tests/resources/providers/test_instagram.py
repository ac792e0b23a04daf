"""Instagram's declaration, against Meta's SDK specification and recorded replies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from resources.providers.instagram import PROVIDER
from resources.replies import ReplyDecoder

pytestmark = pytest.mark.providers

SHARED = Path(__file__).parents[4] / "shared"
SPECS, REPLIES = SHARED / "specs" / "instagram", SHARED / "replies" / "instagram"
FIELDS = {
    "profile": "IGUserForIGOnlyAPI",
    "media": "IGMediaForIGOnlyAPI",
    "stories": "IGMediaForIGOnlyAPI",
    "comments": "IGComment",
}
RECORDED = [
    ("media", "media_page1", 2),
    ("media", "media_children", 2),
    ("stories", "user_stories", 2),
    ("comments", "media_comments_page1", 2),
    ("media_insights", "media_insights_OLD_METRICS", 3),
    ("media_actions", "media_insights_profile_activity_breakdown", 1),
    ("story_actions", "media_insights_profile_activity_breakdown", 1),
    ("account_insights", "user_insights_day_series", 2),
    ("follower_demographics", "user_follower_demographics_age_gender", 6),
]
KNOWN = {"media_id": "m", "story_id": "s", "day": "2026-11-23", "today": "2026-11-23"}
STREAMS = pytest.mark.parametrize("stream", PROVIDER.streams, ids=lambda stream: stream.name)
INSIGHTS = [stream for stream in PROVIDER.streams if stream.path.endswith("/insights")]


def read(name: str) -> Any:
    """Return a document of the specification."""
    if not (SPECS / f"{name}.json").exists():
        pytest.skip(f"{SPECS / name}.json is not here")
    return json.loads((SPECS / f"{name}.json").read_text(encoding="utf-8"))


def recorded(name: str) -> bytes:
    """Return a recorded reply."""
    path = REPLIES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path.read_bytes()


def parameters(stream: Any) -> dict[str, Any]:
    """Return what the node or edge that a stream asks knows, by name."""
    _, owner, *edge = stream.path.split("/")
    node = read("IGUserForIGOnlyAPI" if owner == "me" else "IGMediaForIGOnlyAPI")
    (found,) = (
        api
        for api in node["apis"]
        if api["method"] == "GET" and (api.get("endpoint") == edge[0] if edge else api.get("name") == "#get")
    )
    return {one["name"]: one for one in found["params"]}


def requests(stream: Any) -> list[dict[str, str]]:
    """Return the parameters of everything that a stream may ask."""
    choices = list(stream.choice.params.values()) if stream.choice else [{}]
    return [{**stream.params, **variant, **chosen} for variant in stream.variants for chosen in choices]


@STREAMS
def test_path_and_parameters_exist_and_required_ones_are_given(stream):
    known = parameters(stream)
    required = {name for name, one in known.items() if one["required"]}
    days = {stream.days.first, stream.days.last} if stream.days else set()
    for asked in requests(stream):
        assert (set(asked) | days) - {"fields"} <= set(known)
        assert required <= set(asked)
        assert ("fields" in asked) == (stream.name in FIELDS)


@pytest.mark.parametrize("stream", INSIGHTS, ids=lambda stream: stream.name)
def test_metrics_breakdowns_periods_and_timeframes_are_among_the_allowed(stream):
    enums = {one["name"]: set(one["values"]) for one in read("enum_types.instagram-subset")}
    known = parameters(stream)
    for asked in requests(stream):
        for name, value in asked.items():
            kind = known[name]["type"].removeprefix("list<").removesuffix(">")
            assert set(value.split(",")) <= enums[kind], f"{name}={value}"


@pytest.mark.parametrize(("name", "node"), FIELDS.items())
def test_every_field_asked_for_exists(name, node):
    known = {field["name"] for field in read(node)["fields"]}
    fields = PROVIDER.stream(name).params["fields"]
    outer = set(re.sub(r"\{[^}]*\}", "", fields).split(","))
    edges = {api.get("endpoint") for api in read(node)["apis"]}
    assert outer - edges <= known
    for inner in re.findall(r"\{([^}]*)\}", fields):
        assert set(inner.split(",")) <= known


@STREAMS
def test_page_is_no_larger_than_documented(stream):
    limit = stream.paging.first({})["limit"] if stream.paging else None
    assert limit in {None, 50, 100}
    assert (limit is None) == (stream.paging is None)


@STREAMS
def test_scope_is_one_that_is_asked_for(stream):
    assert stream.scope in PROVIDER.oauth.all_scopes
    assert stream.optional == (stream.scope in PROVIDER.oauth.optional_scopes)


def test_scopes_are_among_those_of_a_recorded_grant():
    granted = json.loads(recorded("token_refresh_response"))["permissions"].split(",")
    assert set(PROVIDER.oauth.all_scopes) <= set(granted)


def test_pushed_fields_exist():
    enums = {one["field_or_param"]: set(one["values"]) for one in read("enum_types.instagram-subset")}
    assert PROVIDER.pushes is not None
    assert set(PROVIDER.pushes.params["subscribed_fields"].split(",")) <= enums["subscribed_fields"]


@pytest.mark.parametrize(("name", "file", "count"), RECORDED)
def test_recorded_reply_is_read_whole(name, file, count):
    stream = PROVIDER.stream(name)
    reply = ReplyDecoder(stream).decode(recorded(file))
    assert reply.rejections == ()
    assert len(reply.page.items) == count
    columns = [column.name for column in stream.reader.columns]
    for item in reply.page.items:
        row = dict(zip(columns, stream.reader.row(item, KNOWN), strict=True))
        assert all(row[column] is not None for column in stream.key)


@pytest.mark.parametrize(
    ("name", "file", "added"),
    [("profile", "user_business_discovery_style", {"user_id": "1"}), ("stories", "story", None)],
)
def test_recorded_record_is_read_whole(name, file, added):
    """The profile was recorded without the id that Instagram Login adds; the story by itself."""
    stream, told = PROVIDER.stream(name), json.loads(recorded(file))
    body = {**told, **added} if added else {"data": [told]}
    reply = ReplyDecoder(stream).decode(json.dumps(body).encode())
    assert reply.rejections == ()
    (item,) = reply.page.items
    columns = [column.name for column in stream.reader.columns]
    row = dict(zip(columns, stream.reader.row(item, KNOWN), strict=True))
    shown = set(columns) & set(told) - {"timestamp"}
    assert len(shown) > 3
    assert {name: row[name] for name in shown} == {name: told[name] for name in shown}


@pytest.mark.parametrize("told", [b"17841405793187218", b'"17841405793187218"'], ids=["bare", "quoted"])
def test_the_id_of_an_account_is_text_whether_it_is_quoted_or_not(told):
    """Meta's list of fields calls it an integer, its examples quote it, and clients have met both."""
    stream = PROVIDER.stream("profile")
    reply = ReplyDecoder(stream).decode(b'{"user_id": %s, "id": "7", "username": "acme"}' % told)
    assert reply.rejections == ()
    (item,) = reply.page.items
    columns = [column.name for column in stream.reader.columns]
    assert dict(zip(columns, stream.reader.row(item, {}), strict=True))["user_id"] == "17841405793187218"
