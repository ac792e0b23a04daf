"""The JSON Schemas of the four events."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

SCHEMAS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[2] / "n8n" / "schemas").glob("*.json"))
}
TYPES = tuple(SCHEMAS)
EXAMPLES = [(type_, example) for type_, schema in SCHEMAS.items() for example in schema["examples"]]

pytestmark = pytest.mark.webhooks


def accepts(type_: str, body: Any) -> bool:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(SCHEMAS[type_], format_checker=checker).is_valid(body)


def containers(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every object inside ``value``."""
    if isinstance(value, dict):
        return [path] + [found for key, inner in value.items() for found in containers(inner, (*path, key))]
    if isinstance(value, list):
        return [found for key, inner in enumerate(value) for found in containers(inner, (*path, key))]
    return []


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def test_there_is_one_schema_per_type_of_event() -> None:
    """Four types, four files, each named and identified by its type."""
    assert TYPES == ("data.synced", "error.occurred", "provider.connected", "scraper.completed")
    for type_, schema in SCHEMAS.items():
        assert schema["$id"] == f"https://backline.invalid/schemas/{type_}.json"
        assert schema["properties"]["type"]["const"] == type_


@pytest.mark.parametrize("type_", TYPES)
def test_schema_is_a_schema(type_: str) -> None:
    """Each file is valid JSON Schema 2020-12, and says what it is for."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[type_])
    assert SCHEMAS[type_]["title"]
    assert SCHEMAS[type_]["description"]


def test_envelope_is_the_same_in_all() -> None:
    """Outside payload and type, an event of one type reads as one of any other."""
    envelopes = []
    for schema in SCHEMAS.values():
        properties = copy.deepcopy(schema["properties"])
        del properties["payload"], properties["type"]
        shape = {key: schema[key] for key in ("$schema", "type", "required", "additionalProperties")}
        envelopes.append({**shape, "properties": properties, "time": schema["$defs"]["time"]})
    assert all(envelope == envelopes[0] for envelope in envelopes)


@pytest.mark.parametrize(("type_", "example"), EXAMPLES)
def test_example_is_accepted_by_its_schema_alone(type_: str, example: Any) -> None:
    """Each example fits its own schema and none of the others."""
    assert [name for name in TYPES if accepts(name, example)] == [type_]


@given(data=st.data())
def test_unknown_key_is_refused(data: st.DataObject) -> None:
    """A key that nobody defined is refused wherever it stands, but where names are the provider's."""
    type_, example = data.draw(st.sampled_from(EXAMPLES))
    body = copy.deepcopy(example)
    path = data.draw(st.sampled_from(containers(body)))
    at(body, path)["Unknown"] = 1
    assert not accepts(type_, body)


@given(data=st.data())
def test_missing_envelope_key_is_refused(data: st.DataObject) -> None:
    """Every key of the envelope and of its metadata is required."""
    type_, example = data.draw(st.sampled_from(EXAMPLES))
    body = copy.deepcopy(example)
    inside = data.draw(st.sampled_from([body, body["metadata"]]))
    del inside[data.draw(st.sampled_from(sorted(inside)))]
    assert not accepts(type_, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(type_=st.sampled_from(TYPES), body=JSON)
def test_arbitrary_json_is_refused(type_: str, body: Any) -> None:
    """What is no event is not taken for one."""
    assert not accepts(type_, body)


WRONG = [
    (("id",), "evt_01J0000000000000000000000I"),  # I is not in Crockford's alphabet
    (("id",), "evt_01J"),
    (("id",), "evt_01J00000000000000000000007\n"),
    (("id",), 7),
    (("orgId",), "acme"),
    (("orgId",), "0F1A2B3C-4D5E-4F60-8A7B-9C0D1E2F3A4B"),
    (("provider",), "Spotify"),
    (("provider",), ""),
    (("payload",), None),
    (("metadata", "source"), "cron"),
    (("metadata", "timestamp"), "2026-11-23T10:00:00Z"),
    (("metadata", "timestamp"), "2026-11-23T10:00:00.000+00:00"),
    (("metadata", "userId"), 7),
]


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(("path", "value"), WRONG)
def test_wrong_envelope_value_is_refused(type_: str, path: tuple[str, ...], value: Any) -> None:
    """Ids, times, names and sources have one spelling."""
    body = copy.deepcopy(SCHEMAS[type_]["examples"][0])
    at(body, path[:-1])[path[-1]] = value
    assert not accepts(type_, body)


WRONG_PAYLOADS = [
    ("data.synced", ("accounts", "synced"), -1),
    ("data.synced", ("accounts", "synced"), 1.5),
    ("data.synced", ("streams", "saved_tracks"), {}),
    ("data.synced", ("streams", "saved_tracks", "records"), "640"),
    ("data.synced", ("errors", 0, "error"), "oops"),
    ("data.synced", ("errors", 0, "accountId"), None),
    ("data.synced", ("finishedAt",), None),
    ("error.occurred", ("error",), "provider"),
    ("error.occurred", ("message",), ""),
    ("error.occurred", ("accounts",), None),
    ("provider.connected", ("scopes",), ["a", "a"]),
    ("provider.connected", ("reconnected",), "no"),
    ("scraper.completed", ("outcomes",), {"read": -1}),
    ("scraper.completed", ("pages",), {"read": 1}),
]


@pytest.mark.parametrize(("type_", "path", "value"), WRONG_PAYLOADS)
def test_wrong_payload_value_is_refused(type_: str, path: tuple[Any, ...], value: Any) -> None:
    """Counts are whole and not negative, errors have known names."""
    body = copy.deepcopy(SCHEMAS[type_]["examples"][0])
    at(body["payload"], path[:-1])[path[-1]] = value
    assert not accepts(type_, body)
