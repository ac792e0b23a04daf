"""Replies: good pages, pages with a wrong item, and bodies of which nothing can be used."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.paging import After, Offset
from resources.provider import Stream
from resources.records import Record, at
from resources.replies import ReplyDecoder, ReplyRefused

pytestmark = pytest.mark.providers


class Song(Record):
    """A record with a text, a number and a list."""

    song_id: str = at("id")
    plays: int | None
    tags: list[str] | None = at("meta.tags")


PAGED = Stream("songs", "/songs", Song, key=("song_id",), paging=Offset(50), doc="Songs.")
WALKED = Stream(
    "walked",
    "/walked",
    Song,
    key=("song_id",),
    paging=After(50, "box.items", "box.cursors.after", "box.next", "box.total"),
    doc="Songs.",
)
SINGLE = Stream("one", "/one", Song, key=("song_id",), doc="One song.")
DECODERS = {stream.name: ReplyDecoder(stream) for stream in (PAGED, WALKED, SINGLE)}
GOOD = {"id": "a", "plays": 1}

numbers = st.integers() | st.floats(allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "plays", "meta", "tags", "items"]), inner, max_size=3)
    ),
    max_leaves=8,
)
items = st.none() | st.fixed_dictionaries({"id": st.text(max_size=3) | values, "plays": values}) | values


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def decoded(value: Any, stream: str = "songs"):
    return DECODERS[stream].decode(value if isinstance(value, bytes) else encoded(value))


def page_of(*entries: Any, **envelope: Any) -> bytes:
    return encoded({"items": entries, "next": None, "total": len(entries), **envelope})


def test_good_page_is_read_with_its_envelope():
    reply = decoded({"items": [GOOD, {"id": "b"}], "next": "https://x/?offset=50", "total": 70, "href": "…"})
    assert [item.id for item in reply.page.items] == ["a", "b"]
    assert (reply.page.next, reply.page.total, reply.page.after) == ("https://x/?offset=50", 70, None)
    assert reply.rejections == ()


def test_envelope_may_stand_deeper():
    box = {"items": [GOOD], "next": "https://x", "total": 9, "cursors": {"after": "a"}}
    page = decoded({"box": box}, "walked").page
    assert (len(page.items), page.next, page.total, page.after) == (1, "https://x", 9, "a")


@pytest.mark.parametrize("cursors", [{}, {"cursors": None}, {"cursors": {}}, {"cursors": {"after": None}}])
def test_absent_parts_of_the_envelope_are_none(cursors):
    page = decoded({"box": {"items": [], **cursors}}, "walked").page
    assert (page.items, page.next, page.total, page.after) == ([], None, None, None)


def test_stream_without_paging_is_one_item():
    assert [item.id for item in decoded(GOOD, "one").page.items] == ["a"]


def test_null_elements_keep_their_places():
    assert [item and item.id for item in decoded(page_of(None, GOOD, None)).page.items] == [None, "a", None]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"plays": 1}, "`id`"),
        ({"id": 5}, "$.id"),
        ({"id": "b", "plays": "1"}, "$.plays"),
        (7, "object"),
        ([], "object"),
    ],
)
def test_one_bad_item_is_rejected_by_name_and_the_rest_kept(bad, says):
    reply = decoded(page_of(GOOD, bad, None, {"id": "c"}, next="https://x/?offset=50"))
    assert [item and item.id for item in reply.page.items] == ["a", None, None, "c"]
    assert len(reply.rejections) == 1
    assert reply.rejections[0].startswith("item 1: ")
    assert says in reply.rejections[0]
    assert (reply.page.next, reply.page.total) == ("https://x/?offset=50", 4)


def test_null_beside_a_bad_item_is_no_rejection_however_it_is_spaced():
    body = b'{"items": [\n null ,\t{"id": 5}, null\n], "next": null}'
    assert [rejection[:7] for rejection in decoded(body).rejections] == ["item 1:"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html>Too many</html>",
        b"null",
        b"[]",
        b"{}",
        b'{"items": null}',
        b'{"items": {}}',
        b'{"items": [], "next": 5}',
        b'{"items": [], "total": "5"}',
        b'{"items": [], "total": 1.5}',
        b'{"items": [], "total": 1e30}',
        b'{"items": []} x',
        b'\xff\xfe{"items": []}',
    ],
)
def test_body_of_which_nothing_can_be_used_is_refused(body):
    with pytest.raises(ReplyRefused):
        decoded(body)


@pytest.mark.parametrize("entries", [[GOOD, {"id": "b"}], [{"id": 5}, GOOD]])
def test_page_cut_anywhere_is_refused(entries):
    body = page_of(*entries)
    for length in range(len(body)):
        with pytest.raises(ReplyRefused):
            decoded(body[:length])


@pytest.mark.parametrize(
    "second", [b'{"id": "\xff"}', b'{"id": "\\ud800"}', b'{"id": "\\q"}', b'{"id": "\x00"}', b"{id: 1}"]
)
@pytest.mark.parametrize("first", [b'{"id": "a"}', b'{"id": 5}'])
def test_text_that_is_no_text_never_arrives(first, second):
    try:
        reply = decoded(b'{"items": [' + first + b", " + second + b"]}")
    except ReplyRefused:
        return
    assert reply.page.items[1] is None
    assert reply.rejections[-1].startswith("item 1: ")


@pytest.mark.parametrize("stream", DECODERS)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"items": [' * 50_000,
        b'{"meta": ' * 50_000,
        b'{"items": [5, ' + b"[" * 50_000,
        b'{"id": "\xff"}',
    ],
)
def test_hostile_nesting_and_bytes_are_refused(stream, body):
    with pytest.raises(ReplyRefused):
        decoded(body, stream)


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        (rb"\u0000", "�"),
        (rb"\u0000\u0000", "��"),
        (rb"a\u0000b", "a�b"),
        (rb"\\u0000", r"\u0000"),
        (rb"\\\u0000", "\\�"),
        (rb"\\\\u0000", r"\\u0000"),
        (rb"\\\\\u0000", "\\\\�"),
        (rb"\\\u0000\\u0000", "\\�\\u0000"),
        (rb"\"\u0000", '"�'),
        (rb"\u00000", "�0"),
    ],
)
def test_nul_that_no_postgresql_text_can_hold_is_replaced(escaped, read):
    body = b'{"items": [{"id": "' + escaped + b'"}]}'
    assert decoded(body).page.items[0].id == read
    assert decoded(b'{"id": "' + escaped + b'"}', "one").page.items[0].id == read


@given(st.lists(st.text(st.sampled_from('\\\0"u0a')), min_size=1))
def test_nothing_but_nul_changes_on_the_way(texts):
    reply = decoded(page_of(*({"id": text} for text in texts)))
    assert [item.id for item in reply.page.items] == [text.replace("\0", "�") for text in texts]


def assert_true_to(body: bytes, stream: str) -> None:
    """Check what a body yields: only numbers that stand in it, only text that a database can hold."""
    try:
        reply = DECODERS[stream].decode(body)
    except ReplyRefused:
        return
    sent = json.loads(body)
    sent = {"songs": lambda: sent["items"], "walked": lambda: sent["box"]["items"], "one": lambda: [sent]}[
        stream
    ]()
    assert len(reply.page.items) == len(sent)
    for item, raw in zip(reply.page.items, sent, strict=True):
        if item is not None:
            assert item.id == raw["id"].replace("\0", "�")
            assert "\0" not in item.id
            item.id.encode()
            assert item.plays == raw.get("plays")
            assert item.plays is None or type(raw["plays"]) is int
            assert -(2**63) <= (item.plays or 0) < 2**63
    rejected = {int(rejection.split()[1].rstrip(":")) for rejection in reply.rejections}
    assert rejected == {
        place for place, item in enumerate(reply.page.items) if item is None and sent[place] is not None
    }


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused_and_raise_nothing_else(body):
    for stream in DECODERS:
        assert_true_to(body, stream)


@given(items=st.lists(items, max_size=5), stream=st.sampled_from(["songs", "walked"]))
def test_arbitrary_items_are_kept_or_rejected_and_never_altered(items, stream):
    page = {"items": items, "next": None}
    assert_true_to(encoded(page if stream == "songs" else {"box": page}), stream)


@given(data=st.data(), items=st.lists(st.none() | st.just(GOOD) | st.just({"id": 5}), max_size=4))
def test_page_with_one_byte_changed_is_read_or_refused_and_raises_nothing_else(data, items):
    body = bytearray(page_of(*items))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ReplyRefused):
        decoded(bytes(body))
