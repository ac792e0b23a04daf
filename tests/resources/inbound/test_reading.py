"""A body is read into what it asks for; what is wrong is named by its field, and never shown."""

from __future__ import annotations

import json
import uuid

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.inbound.orders import CALLS, sample_of, schema_of
from resources.inbound.reading import NotACall, NotJson, read

pytestmark = pytest.mark.webhooks
CANARY = "canary-of-the-body-77"


def body(call_type="sync.requested", **changes):
    sample = sample_of(call_type)
    return json.dumps(sample | {"data": sample["data"] | changes}).encode()


def problems_of(text):
    with pytest.raises(NotACall) as caught:
        read(text)
    return caught.value.problems


@pytest.mark.parametrize("call_type", CALLS)
def test_samples_are_read_and_fit_their_schema(call_type):
    call = read(json.dumps(sample_of(call_type)).encode())
    assert call.type == call_type
    schema = schema_of(call_type)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(sample_of(call_type), schema)
    assert "$ref" not in json.dumps(schema)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"provider": 7}, "data.provider"),
        ({"provider": "My Space"}, "data.provider"),
        ({"org": "Not A Slug"}, "data.org"),
        ({"streams": "saved_tracks"}, "data.streams"),
        ({"streams": ["a\0b"]}, "data.streams[0]"),
        ({"accounts": ["7"]}, "data.accounts[0]"),
        ({"accounts": [str(uuid.uuid4())] * 1_001}, "data.accounts"),
        ({"full": "yes"}, "data.full"),
        ({"from": "yesterday"}, "data.from"),
        ({"to": "2026-02-30"}, "data.to"),
        ({"first": "2026-02-03"}, "data.first"),
        ({"unheard": 1}, "data.unheard"),
    ],
)
def test_a_wrong_field_is_named_with_its_cure(changes, field):
    (problem,) = problems_of(body(**changes))
    assert problem.field == field
    assert problem.problem
    assert problem.cure


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"event_ids": []},
        {"filter": {}},
        {"filter": {"status": None}},
        {"event_ids": ["evt_1"]},
        {"event_ids": ["evt_5K791PGFDCS1N32BTJJV12TAD6"], "filter": {"status": "failed"}},
        {"filter": {"since": "2026-11-23"}},
        {"filter": {"since": "0001-01-01T00:00:00+14:00"}},
        {"filter": {"status": "lost"}},
    ],
)
def test_a_replay_that_says_nothing_or_too_much_is_refused(data):
    call = sample_of("replay.requested") | {"data": data}
    assert problems_of(json.dumps(call).encode())[0].field.startswith("data")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 60_000, b'{"a": "\\ud800"}', b"nul"])
def test_what_is_no_json_is_told_apart(text):
    with pytest.raises(NotJson):
        read(text)


@pytest.mark.parametrize(
    "text", [b"[]", b"7", b'"x"', b"null", b"{}", b'{"type": "sync.asked"}', b'{"type": 7}']
)
def test_json_that_is_no_call_is_a_matter_of_its_type(text):
    assert problems_of(text)[0].field in {"type", "the body"}


@pytest.mark.parametrize("call_type", CALLS)
def test_what_stands_in_a_field_is_never_told(call_type):
    sample = sample_of(call_type)
    spoilt = [sample | {"type": CANARY}, sample | {"timestamp": CANARY}, sample | {"data": CANARY}]
    spoilt += [
        sample | {"data": {name: CANARY}}
        for name in CALLS[call_type].model_fields["data"].annotation.model_fields
    ]
    spoilt += [
        sample | {"data": {name: [CANARY.upper()], "provider": CANARY.upper()}}
        for name in ("accounts", "event_ids")
    ]
    for one in spoilt:
        assert CANARY.lower() not in str(problems_of(json.dumps(one).encode())).lower()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    ["provider", "org", "streams", "accounts", "from", "to", "filter", "event_ids", "since"]
)


@given(st.sampled_from(list(CALLS)), st.dictionaries(names, json_values, max_size=4))
def test_what_is_taken_fits_its_schema(call_type, data):
    sent = sample_of(call_type) | {"data": data}
    try:
        read(json.dumps(sent).encode())
    except NotACall:
        return
    jsonschema.validate(sent, schema_of(call_type), format_checker=jsonschema.FormatChecker())
