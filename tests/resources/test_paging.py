"""Pagings as state machines: every item once, no page twice, no address followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.paging import After, Backwards, Offset, Page, PagingStalled, Params

pytestmark = pytest.mark.providers

OFFSET, BACKWARDS = Offset(50), Backwards(50)
AFTER = After(50, "artists.items", "artists.cursors.after", "artists.next", "artists.total")
PAGINGS = (OFFSET, AFTER, BACKWARDS)
MOST_PAGES = 500
POSITIONS = {OFFSET: {"offset": 50}, AFTER: {"after": "a"}, BACKWARDS: {"before": 50}}

addresses = st.sampled_from(
    [
        "https://api.acme.example/v1/songs?limit=20&market=ES&",
        "http://127.0.0.1:6379/elsewhere?token=t&limit=1&",
        "//other.example?",
        "/removed/path?",
        "?",
    ]
)


def walk(paging: Any, serve: Callable[[Params], Page], since: dict[str, Any] | None = None) -> list[Any]:
    """Read a list to its end as the reader does, and return its items."""
    found: list[Any] = []
    params = paging.first(since or {})
    for _ in range(MOST_PAGES):
        page = serve(params)
        found += page.items
        params = paging.following(params, page)
        if params is None:
            return found
    raise AssertionError("The walk does not end.")


@given(total=st.integers(0, 200), limit=st.integers(1, 50), most=st.integers(1, 50), address=addresses)
def test_offset_reads_every_item_once(total, limit, most, address):
    songs = list(range(total))

    def serve(asked: Params) -> Page:
        start, size = int(asked["offset"]), min(int(asked["limit"]), most)
        end = start + size
        return Page(songs[start:end], f"{address}offset={end}" if end < total else None, total)

    assert walk(Offset(limit), serve) == songs


@given(total=st.integers(0, 200), limit=st.integers(1, 50), data=st.data())
def test_offset_reads_on_over_pages_that_were_filtered(total, limit, data):
    hidden = data.draw(st.sets(st.integers(0, max(total - 1, 0))))
    songs = list(range(total))

    def serve(asked: Params) -> Page:
        start, end = int(asked["offset"]), int(asked["offset"]) + int(asked["limit"])
        shown = [song for song in songs[start:end] if song not in hidden]
        return Page(shown, f"https://x/?offset={end}" if end < total else None, total)

    assert walk(Offset(limit), serve) == [song for song in songs if song not in hidden]


@given(
    artists=st.lists(st.text(min_size=1), unique=True, max_size=200),
    limit=st.integers(1, 50),
    address=addresses,
)
def test_after_reads_every_item_once(artists, limit, address):
    def serve(asked: Params) -> Page:
        start = artists.index(str(asked["after"])) + 1 if "after" in asked else 0
        page = artists[start : start + int(asked["limit"])]
        more = start + len(page) < len(artists)
        return Page(page, f"{address}after=wrong" if more else None, len(artists), page[-1] if page else None)

    assert walk(After(limit, "items", "cursors.after", "next"), serve) == artists


moments = st.sets(st.integers(1, 10**13), max_size=120)


def plays_server(plays: list[int], address: str, *, next_after_last: bool) -> Callable[[Params], Page]:
    """Serve plays newest first; where ``next_after_last``, a full page has a ``next`` whatever is left."""

    def serve(asked: Params) -> Page:
        assert not {"after", "before"} <= set(asked), "Spotify refuses both at once"
        after, before = int(asked.get("after", 0)), int(asked.get("before", 10**14))
        fitting = [play for play in plays if after < play < before]
        page = fitting[: int(asked["limit"])]
        more = len(page) == asked["limit"] if next_after_last else len(page) < len(fitting)
        return Page(
            page, f"{address}before={page[-1]}" if more else None, None, str(page[0]) if page else None
        )

    return serve


@given(moments=moments, limit=st.integers(1, 50), next_after_last=st.booleans(), address=addresses)
def test_backwards_reads_every_item_once_from_the_start(moments, limit, next_after_last, address):
    plays = sorted(moments, reverse=True)
    serve = plays_server(plays, address, next_after_last=next_after_last)
    assert walk(Backwards(limit), serve) == plays


@given(moments=moments, limit=st.integers(1, 50), next_after_last=st.booleans(), data=st.data())
def test_backwards_reads_all_that_is_newer_than_the_cursor_once(moments, limit, next_after_last, data):
    plays = sorted(moments, reverse=True)
    after = data.draw(st.sampled_from([*plays, 0, 10**13]))
    serve = plays_server(plays, "?", next_after_last=next_after_last)
    found = walk(Backwards(limit), serve, {"after": after})
    assert len(set(found)) == len(found)
    assert {play for play in plays if play > after} <= set(found)


def test_backwards_asks_no_more_where_the_cursor_was_reached():
    asked = BACKWARDS.first({"after": 7})
    assert asked == {"limit": 50, "after": 7}
    assert BACKWARDS.following(asked, Page([9, 8], "https://x/?before=8", None, "9")) is None


@pytest.mark.parametrize("paging", PAGINGS)
def test_stored_cursor_of_none_starts_from_the_beginning(paging):
    first = paging.first({})
    assert first["limit"] == 50
    assert not {"after", "before"} & set(first)


@pytest.mark.parametrize("paging", PAGINGS)
def test_walk_ends_where_next_is_null(paging):
    full = Page(list(range(50)), None, 100, "b")
    assert paging.following(paging.first({}), full) is None
    assert paging.following({"limit": 50, **POSITIONS[paging]}, full) is None


@pytest.mark.parametrize(
    ("paging", "asked", "page"),
    [
        (OFFSET, {"offset": 50}, Page([1], "?offset=50")),
        (OFFSET, {"offset": 50}, Page([1], "?offset=0")),
        (OFFSET, {"offset": 0}, Page([1], "https://x/?limit=50")),
        (OFFSET, {"offset": 0}, Page([1], "?offset=-50")),
        (OFFSET, {"offset": 0}, Page([1], "?offset=x")),
        (OFFSET, {"offset": 0}, Page([1], "")),
        (OFFSET, {"offset": 100}, Page([], "?offset=150", 100)),
        (OFFSET, {"offset": 100}, Page([], "?offset=150")),
        (AFTER, {"after": "a"}, Page([1], "?", after="a")),
        (AFTER, {}, Page([1], "https://x/?after=b", after=None)),
        (AFTER, {}, Page([1], "https://x/?after=b", after="")),
        (BACKWARDS, {"before": 50}, Page([1], "?before=50")),
        (BACKWARDS, {"before": 50}, Page([1], "?before=51")),
        (BACKWARDS, {"before": 50}, Page([1], "?")),
        (BACKWARDS, {"after": 50}, Page([1] * 50, "?after=50")),
        (BACKWARDS, {"after": 50}, Page([1] * 50, "?after=49")),
    ],
)
def test_page_that_leads_nowhere_new_stalls(paging, asked, page):
    with pytest.raises(PagingStalled):
        paging.following({"limit": 50, **asked}, page)


def test_after_reads_on_over_an_empty_page():
    assert AFTER.following({"limit": 50, "after": "a"}, Page([], "?", after="b"))["after"] == "b"


def test_after_ends_where_next_is_empty_whatever_position_is_given():
    assert AFTER.following({"limit": 50}, Page([1], "", after="b")) is None


@pytest.mark.parametrize("paging", PAGINGS)
@pytest.mark.parametrize("host", ["https://evil.example/v9/other", "http://169.254.169.254/", "//u:p@h"])
def test_of_next_only_the_position_is_taken(paging, host):
    page = Page([1] * 50, f"{host}?offset=70&after=70&before=70&limit=1&access_token=t#f", 500, "70")
    following = paging.following(paging.first({}), page)
    assert following in (
        {"limit": 50, "offset": 70},
        {"limit": 50, "after": "70"},
        {"limit": 50, "before": 70},
    )


@given(
    paging=st.sampled_from(PAGINGS),
    address=st.text(max_size=30)
    | st.sampled_from(
        ["http://[", "http://[::1", "?offset=" + "9" * 5_000, "?before=" + "9" * 5_000, "?offset=٣"]
    ),
    after=st.none() | st.text(max_size=5),
    count=st.sampled_from([0, 1, 50]),
    later=st.booleans(),
)
def test_arbitrary_next_gives_a_position_or_stalls(paging, address, after, count, later):
    asked = {"limit": 50, **POSITIONS[paging]} if later else paging.first({})
    try:
        following = paging.following(asked, Page([1] * count, address, None, after))
    except PagingStalled:
        return
    assert following is None or (
        following != asked and set(following) <= {"limit", "offset", "after", "before"}
    )


def test_envelope_stands_beside_the_items():
    assert OFFSET.envelope() == {"next": "next", "total": "total"}
    assert Offset(50, "songs.items").envelope() == {"next": "songs.next", "total": "songs.total"}
    assert AFTER.envelope() == {
        "next": "artists.next",
        "total": "artists.total",
        "after": "artists.cursors.after",
    }
    assert BACKWARDS.envelope() == {"next": "next", "after": "cursors.after"}
