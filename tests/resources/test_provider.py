"""Declarations: what contradicts itself is refused, and what an error reply means."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from resources.errors import (
    ContractChanged,
    Gone,
    GrantExpired,
    InputRefused,
    PermissionMissing,
    QuotaExhausted,
    RateLimited,
    ScopeMissing,
    Transient,
)
from resources.paging import Backwards
from resources.provider import Api, Fault, FromConfig, FromStream, Identity, Limit, OAuth, Provider, Stream
from resources.providers import PROVIDERS, find_provider
from resources.records import Record, at, given

pytestmark = pytest.mark.providers

API = Api("https://api.acme.example/v1", Limit(30, seconds=30))
CONSENT = OAuth(
    "https://acme.example/a", "https://acme.example/t", ("read",), Identity("/me", ("id",), ("name",))
)


class Song(Record):
    """A song."""

    song_id: str = at("id")
    changed: str | None


class Part(Record):
    """A part of a song."""

    song_id: str = given("song_id")
    number: int = given("index")


class Play(Record):
    """A play."""

    played_at: datetime


SONGS = Stream("songs", "/songs", Song, key=("song_id",), doc="Songs.")


def parts(path: str = "/songs/{song_id}/parts", **values: Any) -> Stream:
    each = values.pop("each", FromStream("songs", "song_id", "song_id", version="changed"))
    return Stream("parts", path, Part, key=("song_id", "number"), each=each, doc="Parts.", **values)


def acme(*streams: Stream, **values: Any) -> Provider:
    return Provider("acme", "Acme", "https://docs", "https://apps", API, CONSENT, streams, **values)


def test_declaration_that_agrees_with_itself_is_taken():
    provider = acme(SONGS, parts(), config_keys=("ids",))
    assert provider.stream("parts").each.stream == "songs"
    assert [stream.name for stream in provider.selected(["parts", "songs"])] == ["songs", "parts"]
    assert [stream.name for stream in provider.selected(["parts"])] == ["parts"]


@pytest.mark.parametrize(
    ("streams", "says"),
    [
        ((SONGS, SONGS), "declares a stream twice"),
        ((Stream("songs", "/songs", Song, key=("id",), doc="Songs."),), r"key columns \['id'\]"),
        ((parts(), SONGS), "must stand after songs"),
        ((parts(),), "must stand after songs"),
        (
            (parts("/parts/{song_id}", each=FromStream("parts", "song_id", "song_id")),),
            "must stand after parts",
        ),
        ((SONGS, parts("/songs/parts")), "its path takes nothing"),
        ((SONGS, parts("/songs/{id}/parts")), "its path takes id"),
        ((SONGS, parts("/songs/{song_id}/parts", each=None)), "its path takes song_id"),
        ((SONGS, parts(each=FromStream("songs", "id", "song_id"))), "songs has no column id"),
        (
            (SONGS, parts(each=FromStream("songs", "song_id", "song_id", version="v"))),
            "songs has no column v",
        ),
        ((parts(each=FromConfig("song_ids", "song_id")),), "song_ids is not among config_keys"),
        (
            (Stream("songs", "/songs", Song, key=("song_id",), doc="Songs.", scope="write"),),
            "asks for no scope write",
        ),
        ((Stream("songs", "/s", Song, key=("song_id",), doc="", cursor_column="at"),), "cursor column at"),
        ((Stream("parts", "/s", Part, key=("song_id", "number"), doc=""),), "song_id is given by nothing"),
    ],
)
def test_declaration_that_contradicts_itself_is_refused_by_name(streams, says):
    with pytest.raises(ValueError, match=rf"^acme.*{says}"):
        acme(*streams)


def test_what_is_given_may_come_from_a_variant():
    variants = ({"song_id": "a"}, {"song_id": "b"})
    assert acme(Stream("parts", "/s", Part, key=("song_id", "number"), doc="", variants=variants)).streams


def test_stream_with_a_cursor_is_a_history():
    plays = Stream(
        "plays", "/p", Play, key=("played_at",), doc="", cursor_column="played_at", paging=Backwards(50)
    )
    assert acme(plays).streams[0].is_history
    assert not SONGS.is_history


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (400, ContractChanged),
        (401, GrantExpired),
        (403, PermissionMissing),
        (404, Gone),
        (408, Transient),
        (410, Gone),
        (418, ContractChanged),
        (429, RateLimited),
        (500, Transient),
        (599, Transient),
        (302, ContractChanged),
    ],
)
def test_status_alone_has_its_common_meaning(status, means):
    assert API.fault_of(status, "", "") is means


def test_declared_fault_counts_before_the_common_and_needs_all_its_marks():
    api = Api(
        API.base,
        API.limit,
        faults=(
            Fault(QuotaExhausted, status=429, reason="QUOTA"),
            Fault(ScopeMissing, status=4, message="Scope"),
        ),
    )
    assert api.fault_of(429, "QUOTA", "") is QuotaExhausted
    assert api.fault_of(429, "QUOTA_OTHER", "") is RateLimited
    assert api.fault_of(403, "QUOTA", "") is PermissionMissing
    assert api.fault_of(403, "", "insufficient SCOPE") is ScopeMissing
    assert api.fault_of(500, "", "insufficient scope") is Transient


def test_limit_is_read_as_requests_over_seconds():
    assert Limit.parse("180/30") == Limit(180, seconds=30)


def test_unknown_provider_lists_the_known():
    with pytest.raises(InputRefused, match="provider: 'acme' is unknown; use one of spotify"):
        find_provider("acme")
    assert all(find_provider(name) is provider for name, provider in PROVIDERS.items())
