"""Replies of the simulated YouTube against Google's discovery documents and recorded replies."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.providers
FORMATS = {
    "uint64": {"pattern": "^[0-9]+$"},
    "int64": {"pattern": "^-?[0-9]+$"},
    "date-time": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
    "google-datetime": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
    "google-duration": {"pattern": r"^\d+s$"},
    "uint32": {"minimum": 0},
}
METRICS = "views,estimatedMinutesWatched,averageViewDuration,averageViewPercentage,likes,subscribersGained"
ALL_PARTS = {
    "channels": "brandingSettings,contentDetails,contentOwnerDetails,id,localizations,snippet,statistics,"
    "status,topicDetails",
    "playlistItems": "contentDetails,id,snippet,status",
    "playlists": "contentDetails,id,localizations,player,snippet,status",
    "videos": "contentDetails,id,liveStreamingDetails,localizations,paidProductPlacementDetails,player,"
    "recordingDetails,snippet,statistics,status,topicDetails",
    "videos:batchGetStats": "contentDetails,id,snippet,statistics",
    "commentThreads": "id,replies,snippet",
}
SCHEMAS = {
    "channels": "ChannelListResponse",
    "playlistItems": "PlaylistItemListResponse",
    "playlists": "PlaylistListResponse",
    "videos": "VideoListResponse",
    "videos:batchGetStats": "BatchGetStatsResponse",
    "commentThreads": "CommentThreadListResponse",
}


def strict(schema):
    """Write a discovery schema as JSON Schema in which nothing unnamed may stand."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind = schema.get("type", "any")
    found = {} if kind == "any" else {"type": kind}
    found |= FORMATS.get(schema.get("format"), {})
    if "enum" in schema:
        found["enum"] = schema["enum"]
    if kind == "array":
        found["items"] = strict(schema["items"])
    if "properties" in schema:
        found["properties"] = {name: strict(part) for name, part in schema["properties"].items()}
        found["additionalProperties"] = False
    elif "additionalProperties" in schema:
        found["additionalProperties"] = strict(schema["additionalProperties"])
    return found


def validator(shared, document, name):
    schemas = json.loads((shared / "specs" / document).read_text())["schemas"]
    definitions = {key: strict(schema) for key, schema in schemas.items()}
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})


def questions(tube, path, account):
    if path in {"channels", "playlists"}:
        return {"mine": "true"}
    if path == "playlistItems":
        return {"playlistId": tube.uploads(account), "maxResults": 50}
    if path == "commentThreads":
        return {"videoId": tube.videos(account)[-1], "maxResults": 100}
    return {"id": ",".join(tube.videos(account)[:50])}


@pytest.mark.parametrize("path", ALL_PARTS)
def test_replies_fit_the_discovery_document(tube, shared, path):
    checked = validator(shared, "youtube.v3.discovery.json", SCHEMAS[path])
    for account in (0, 1, 3, 5, 11):
        viewer = None if path == "commentThreads" else account
        body = tube.body(path, viewer, part=ALL_PARTS[path], **questions(tube, path, account))
        assert [error.message for error in checked.iter_errors(body)] == []
        assert body["kind"] == f"youtube#{SCHEMAS[path][0].lower()}{SCHEMAS[path][1:]}"
        assert all(item["etag"] and item["id"] for item in body["items"])


@pytest.mark.parametrize("asked", ["metrics=" + METRICS, "dimensions=day&metrics=" + METRICS])
def test_reports_fit_the_discovery_document(tube, shared, asked):
    checked = validator(shared, "youtubeAnalytics.v2.discovery.json", "QueryResponse")
    reply = tube.sim.ask(
        "GET",
        f"/youtube/analytics/v2/reports?ids=channel==MINE&startDate=2026-11-01&endDate=2026-11-30&{asked}",
        headers={"authorization": f"Bearer {tube.token(1)}"},
    )
    assert reply.status_code == 200
    assert [error.message for error in checked.iter_errors(reply.json())] == []


def shape(value):
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return type(value).__name__


@pytest.mark.parametrize(
    ("recorded", "path", "parts"),
    [
        ("channels_list", "channels", "snippet"),
        ("playlistItems_snippet_contentDetails", "playlistItems", "snippet,contentDetails"),
        ("videos_list_page1", "videos", "snippet,contentDetails,statistics"),
        ("playlists_mine", "playlists", "snippet"),
    ],
)
def test_items_have_the_fields_and_types_of_recorded_ones(tube, shared, recorded, path, parts):
    known = shape(json.loads((shared / "replies" / "youtube" / f"{recorded}.json").read_text())["items"][0])
    optional = {"tags", "defaultLanguage", "defaultAudioLanguage", "country", "thumbnails", "commentCount"}
    body = tube.body(path, 1, part=parts, **questions(tube, path, 1))
    for item in body["items"]:
        assert without(shape(item), optional) == without(known, optional)


def without(found, names):
    if not isinstance(found, dict):
        return found
    return {key: without(part, names) for key, part in found.items() if key not in names | {"likeCount"}}


@pytest.mark.parametrize("name", ["quotaExceeded", "keyInvalid"])
def test_errors_are_worded_as_recorded_ones(tube, shared, name):
    if name == "quotaExceeded":
        tube.token(0)
        tube.order("mode", daily_units=0)
        reply = tube.get("channels", part="id", mine="true")
    else:
        reply = tube.sim.ask("GET", "/youtube/v3/channels?part=id&id=x&key=wrong")
    status = {"quotaExceeded": 403, "keyInvalid": 400}[name]
    recorded = json.loads((shared / "replies" / "youtube" / f"error_{status}_{name}.json").read_text())
    assert (reply.status_code, reply.json()) == (status, recorded)
