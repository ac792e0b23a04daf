"""Records: where columns stand in a reply, what they take, and what is said of one that is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from resources.records import Column, Given, Place, Record, RecordReader, RecordRefused, at, columns_of, given

INT64 = st.integers(-(2**63), 2**63 - 1)


class Owner(Record):
    """Somebody inside another record."""

    owner_id: str = at("id")
    owner_name: str | None = at("name")


class Song(Record):
    """Every way to declare a field."""

    song_id: str = at("id")
    plays: int
    added_at: datetime | None
    rating: float | None
    hidden: bool | None
    isrc: str | None = at("external_ids.isrc")
    length: int | None = at("item.length", "track.length")
    tags: list[str] | None
    owner: Owner | None
    list_id: str = given("list_id")
    position: int = given("index")


class Bare(Record):
    """One column."""

    name: str


class Either(Record):
    """A required column in either of two places."""

    id: str
    count: int = at("items.total", "tracks.total")


class Nested(Record):
    """A record flattened in place, and one at a path, with a required column each."""

    owner: Owner = at("")
    editor: Bare = at("people.editor")


KNOWN = {"list_id": "L", "index": 3, "unused": "x"}


def row_of(record: type[Record], item: Any, known: Any = KNOWN) -> dict[str, Any]:
    """Return the row that an item makes, by column."""
    reader = RecordReader(record)
    decoded = msgspec.json.decode(msgspec.json.encode(item), type=reader.item_type)
    return dict(zip((column.name for column in reader.columns), reader.row(decoded, known), strict=True))


def test_columns_stand_in_declared_order_with_nested_records_in_place():
    assert [column.name for column in columns_of(Song)] == [
        *("song_id", "plays", "added_at", "rating", "hidden", "isrc", "length", "tags"),
        *("owner_id", "owner_name", "list_id", "position"),
    ]


def test_column_knows_its_type_its_place_and_whether_it_may_be_null():
    columns = {column.name: column for column in columns_of(Song)}
    assert columns["song_id"] == Column("song_id", str, nullable=False, source=Place(("id",)))
    assert columns["length"] == Column(
        "length", int, nullable=True, source=Place(("item.length", "track.length"))
    )
    assert columns["list_id"] == Column("list_id", str, nullable=False, source=Given("list_id"))
    assert columns["tags"].is_json
    assert not columns["song_id"].is_json


def test_columns_of_a_record_that_may_be_null_may_be_null():
    columns = {column.name: column for column in columns_of(Song)}
    assert columns["owner_id"] == Column("owner_id", str, nullable=True, source=Place(("owner.id",)))


def test_full_item_makes_a_full_row():
    item = {
        "id": "s1",
        "plays": 7,
        "added_at": "2026-11-23T11:00:00+01:00",
        "rating": 4.5,
        "hidden": False,
        "external_ids": {"isrc": "X"},
        "item": {"length": 1},
        "track": {"length": 2},
        "tags": ["a"],
        "owner": {"id": "o", "name": "O"},
        "unknown": {"deep": [1]},
    }
    assert row_of(Song, item) == {
        "song_id": "s1",
        "plays": 7,
        "added_at": datetime(2026, 11, 23, 10, tzinfo=UTC),
        "rating": 4.5,
        "hidden": False,
        "isrc": "X",
        "length": 1,
        "tags": ["a"],
        "owner_id": "o",
        "owner_name": "O",
        "list_id": "L",
        "position": 3,
    }


@pytest.mark.parametrize(
    "nothing", [{}, dict.fromkeys(("added_at", "external_ids", "item", "owner", "tags"))]
)
def test_what_is_null_or_absent_is_null_in_the_row(nothing):
    row = row_of(Song, {"id": "s1", "plays": 0, **nothing})
    assert {name for name, value in row.items() if value is not None} == {
        *("song_id", "plays", "list_id", "position")
    }


def test_first_alternative_that_holds_a_value_counts():
    base = {"id": "s1", "plays": 0}
    assert row_of(Song, {**base, "item": {"length": 0}, "track": {"length": 2}})["length"] == 0
    assert row_of(Song, {**base, "item": {"length": None}, "track": {"length": 2}})["length"] == 2
    assert row_of(Song, {**base, "item": None, "track": {"length": 2}})["length"] == 2


def test_required_column_may_stand_in_either_place_but_in_one():
    assert row_of(Either, {"id": "e", "tracks": {"total": 5}})["count"] == 5
    with pytest.raises(RecordRefused, match=r"`items.total or tracks.total` is missing"):
        row_of(Either, {"id": "e", "items": None})


@pytest.mark.parametrize(
    ("record", "item", "field"),
    [
        (Song, {"plays": 1}, "`id`"),
        (Song, {"id": None, "plays": 1}, r"`\$.id`"),
        (Song, {"id": "s1"}, "`plays`"),
        (Bare, {}, "`name`"),
        (Nested, {"id": "o"}, "`people`"),
        (Nested, {"id": "o", "people": {}}, "`editor`"),
        (Nested, {"id": "o", "people": {"editor": {}}}, "`name`"),
        (Nested, {"id": "o", "people": None}, r"`\$.people`"),
    ],
)
def test_missing_required_value_is_refused_by_its_name(record, item, field):
    with pytest.raises(msgspec.ValidationError, match=field):
        row_of(record, item)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 5),
        ("plays", "5"),
        ("plays", 1.5),
        ("plays", True),
        ("plays", 2**63),
        ("plays", -(2**63) - 1),
        ("plays", 2**64),
        ("plays", 10**40),
        ("added_at", "yesterday"),
        ("added_at", 5),
        ("item", {"length": 2**63}),
        ("item", {"length": 10**40}),
        ("rating", "4"),
        ("hidden", 1),
        ("tags", {}),
        ("tags", [1]),
        ("owner", []),
    ],
)
def test_value_of_another_type_is_refused_by_its_place(field, value):
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{field}"):
        row_of(Song, {"id": "s1", "plays": 1, field: value})


def test_nested_records_are_read_from_where_they_stand():
    row = row_of(Nested, {"id": "o", "name": "O", "people": {"editor": {"name": "E"}}})
    assert row == {"owner_id": "o", "owner_name": "O", "name": "E"}


def test_record_of_one_column_makes_a_row_of_one():
    assert row_of(Bare, {"name": "n"}) == {"name": "n"}


@drawn(
    song_id=st.text(),
    plays=INT64,
    rating=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    hidden=st.none() | st.booleans(),
    isrc=st.none() | st.text(),
    tags=st.none() | st.lists(st.text()),
    owner=st.none() | st.fixed_dictionaries({"id": st.text(), "name": st.none() | st.text()}),
    lengths=st.tuples(st.none() | INT64, st.none() | INT64),
    index=INT64,
)
def test_every_value_arrives_as_it_was_sent(**sent):
    first, second = sent["lengths"]
    item = {"id": sent["song_id"], "external_ids": {"isrc": sent["isrc"]}}
    item |= {name: sent[name] for name in ("plays", "rating", "hidden", "tags", "owner")}
    item |= {"item": {"length": first}, "track": {"length": second}}
    row = row_of(Song, item, {"list_id": "L", "index": sent["index"]})
    owner = sent["owner"] or {"id": None, "name": None}
    assert row == {
        **{name: sent[name] for name in ("song_id", "plays", "rating", "hidden", "isrc", "tags")},
        "added_at": None,
        "length": second if first is None else first,
        "owner_id": owner["id"],
        "owner_name": owner["name"],
        "list_id": "L",
        "position": sent["index"],
    }
