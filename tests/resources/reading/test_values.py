"""Steps through JSON that may be anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.reading.values import (
    LARGEST,
    Unreadable,
    decode,
    dig,
    everything_at,
    listed,
    truth,
    whole,
    word,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("ab"), inner),
)
VALUE = {"a": [{"b": " x "}, 7, True], "n": LARGEST, "m": LARGEST + 1, "z": -1, "e": ""}


def test_what_is_there_is_found() -> None:
    assert word(VALUE, "a", 0, "b") == "x"
    assert whole(VALUE, "a", 1) == 7
    assert truth(VALUE, "a", -1) is True
    assert whole(VALUE, "n") == LARGEST
    assert listed(VALUE, "a")[1] == 7


def test_what_is_something_else_is_none() -> None:
    assert [whole(VALUE, *path) for path in (("a", 2), ("m",), ("z",), ("e",), ("a", 9), ("a", "b"))] == [
        None
    ] * 6
    assert (word(VALUE, "e"), word(VALUE, "n"), truth(VALUE, "n"), listed(VALUE, "n")) == (
        None,
        None,
        None,
        [],
    )


def test_names_are_found_at_any_depth() -> None:
    assert sorted(everything_at({"a": 1, "b": [{"a": 2}, [{"c": {"a": 3}}]]}, "a")) == [1, 2, 3]


@given(ANYTHING, st.lists(st.sampled_from(["a", "b"]) | st.integers(-2, 2)))
def test_no_path_raises(value, path) -> None:
    for find in (dig, word, whole, truth, listed):
        find(value, *path)
    list(everything_at(value, "a"))


@pytest.mark.parametrize("text", ["", "x", "{", "NaN", "[Infinity]", "[" * 100_000, "9" * 5_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        decode(text)


def test_json_ends_where_it_ends() -> None:
    assert decode('x = {"a": 1}; y', 4) == {"a": 1}
