"""Spotify's declaration, against its OpenAPI document and its recorded replies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from resources.errors import QuotaExhausted, ScopeMissing
from resources.providers.spotify import PROVIDER
from resources.replies import ReplyDecoder

pytestmark = pytest.mark.providers

SHARED = Path(__file__).parents[4] / "shared"
SPEC = SHARED / "specs" / "spotify-fixed-openapi.yml"
REPLIES = SHARED / "replies" / "spotify"
STREAMS = pytest.mark.parametrize("stream", PROVIDER.streams, ids=lambda stream: stream.name)
RECORDED = {
    "profile": "me.json",
    "followed_artists": "me_followed_artists_empty.json",
    "top_artists": "me_top_artists.json",
    "top_tracks": "me_top_tracks.json",
    "saved_tracks": "me_saved_tracks.json",
    "playlists": "me_playlists_page1.json",
    "recently_played": "me_recently_played.json",
    "artists": "artist.json",
    "artist_albums": "artist_albums.json",
    "album_tracks": "album_tracks.json",
}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    """The OpenAPI document."""
    if not SPEC.exists():
        pytest.skip(f"{SPEC} is not here")
    loaded: dict[str, Any] = yaml.load(SPEC.read_text(), Loader=yaml.CSafeLoader)
    return loaded


def operation(spec: dict[str, Any], path: str) -> dict[str, Any]:
    """Return what answers GET at a path, whatever its variables are called."""
    shape = re.sub(r"{\w+}", "{}", path)
    (found,) = (value for name, value in spec["paths"].items() if re.sub(r"{\w+}", "{}", name) == shape)
    return dict(found["get"])


def query(spec: dict[str, Any], path: str) -> dict[str, dict[str, Any]]:
    """Return the schemas of an operation's query parameters."""
    parameters = operation(spec, path).get("parameters", [])
    named = [
        spec["components"]["parameters"][p["$ref"].rpartition("/")[2]] if "$ref" in p else p
        for p in parameters
    ]
    return {parameter["name"]: parameter["schema"] for parameter in named if parameter["in"] == "query"}


@STREAMS
def test_every_path_and_parameter_exists(spec, stream):
    known = query(spec, stream.path)
    asked = {name for variant in stream.variants for name in variant} | set(stream.params)
    if stream.paging:
        asked |= set(stream.paging.first({})) | set(stream.paging.first({"after": 1}))
    assert asked <= set(known)


@STREAMS
def test_page_is_as_large_as_allowed_and_no_larger(spec, stream):
    limit = query(spec, stream.path).get("limit")
    assert (limit is None) == (stream.paging is None)
    assert limit is None or stream.paging.first({})["limit"] == limit["maximum"]


@STREAMS
def test_path_is_not_deprecated(spec, stream):
    assert not operation(spec, stream.path).get("deprecated")


@STREAMS
def test_scope_is_one_that_the_path_asks_for(spec, stream):
    wanted = {
        scope
        for rule in operation(spec, stream.path)["security"]
        for scopes in rule.values()
        for scope in scopes
    }
    assert stream.scope in wanted if wanted else stream.scope is None


def test_every_scope_asked_for_exists(spec):
    flows = spec["components"]["securitySchemes"]["oauth_2_0"]["flows"]
    assert set(PROVIDER.oauth.scopes) <= set(flows["authorizationCode"]["scopes"])


def test_fixed_values_are_among_the_allowed(spec):
    for stream in PROVIDER.streams:
        known = query(spec, stream.path)
        for variant in (*stream.variants, stream.params):
            for name, value in variant.items():
                schema = known[name]
                assert value in schema.get("enum", [value])


@pytest.mark.parametrize(("name", "file"), RECORDED.items())
def test_recorded_reply_is_read_whole(name, file):
    if not (REPLIES / file).exists():
        pytest.skip(f"{REPLIES / file} is not here")
    stream = PROVIDER.stream(name)
    reply = ReplyDecoder(stream).decode((REPLIES / file).read_bytes())
    assert reply.rejections == ()
    known = {"index": 0, "time_range": "short_term", "artist_id": "a", "album_id": "a", "playlist_id": "p"}
    columns = [column.name for column in stream.reader.columns]
    for item in reply.page.items:
        row = dict(zip(columns, stream.reader.row(item, known), strict=True))
        assert all(row[column] is not None for column in stream.key)


def test_quota_and_missing_scope_are_told_from_their_likes():
    assert PROVIDER.api.fault_of(429, "QUOTA_EXCEEDED", "Quota exceeded") is QuotaExhausted
    assert PROVIDER.api.fault_of(403, "", "Insufficient client scope") is ScopeMissing
