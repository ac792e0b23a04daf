"""Pages of any server, read by every declared paging: it ends, and calls nothing whole that may lack some.

The server is a graph of pages that hypothesis draws: full and empty ones, chains, circles, pages that name
themselves, that promise a next one without saying where, and lists that grow meanwhile.
"""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resources.paging import After, Backwards, Offset, Single
from resources.provider import Stream
from resources.providers import PROVIDERS
from resources.replies import ReplyDecoder
from resources.sync import pages
from resources.sync.pages import Outcome, Part, PartReader
from resources.sync.passes import StreamPass
from resources.sync.words import RefusedWords

pytestmark = pytest.mark.providers

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOST = -1  # a next page is promised, but not where it is
BY_PAGING = {  # one stream of each way to page that is declared
    (type(stream.paging), stream.paging.items, stream.paging.first({}).get("limit")): stream
    for provider in PROVIDERS.values()
    for stream in provider.streams
    if stream.paging is not None
}
PAGED = {f"{stream.record.__module__.split('.')[2]}.{stream.name}": stream for stream in BY_PAGING.values()}
MOST_LEAVES = 40


@dataclass(frozen=True)
class Leaf:
    """One page: how many items it holds, and which page it says is next, ``None`` for none."""

    items: int
    next: int | None


@dataclass
class Server:
    """Answers pages of a stream as its provider writes them; ``served`` are the items in their order."""

    stream: Stream
    leaves: list[Leaf]
    total: Callable[[int], int]
    served: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    params: list[Mapping[str, Any]] = field(default_factory=list)

    async def page(self, result: StreamPass, path: str, params: Mapping[str, Any], **_: bool) -> Any:
        number = self._number(params)
        self.asked.append(number)
        self.params.append(params)
        assert len(self.asked) <= pages.MOST_PAGES, "it reads on and on"
        leaf = self.leaves[number]
        items = [f"{number}.{n}" for n in range(leaf.items)]
        self.served += items
        body = self._body([self._item(name) for name in items], leaf.next)
        return ReplyDecoder(self.stream).decode(json.dumps(body).encode()).page

    def _number(self, params: Mapping[str, Any]) -> int:
        paging = self.stream.paging
        if isinstance(paging, Offset):
            return int(params["offset"]) // paging.limit
        if isinstance(paging, After):
            return int(params.get(paging.after_name, "p0")[1:])
        if isinstance(paging, Backwards):
            return len(self.leaves) - int(params.get("before", len(self.leaves)))
        return 0

    def _body(self, items: list[Any], following: int | None) -> dict[str, Any]:
        paging, body = self.stream.paging, dict[str, Any]()
        address = None if following is None else f"https://x.test/{self._query(following)}"
        put(body, paging.items, items)
        places = paging.envelope()
        if isinstance(paging, After):
            token = f"p{following}" if following not in {None, LOST} else None
            if places["next"] == places["after"]:
                put(body, places["next"], token)
                return body
            put(body, places["after"], token or ("the last" if following is None else None))
        if "next" in places:
            put(body, places["next"], address)
        if "total" in places:
            put(body, places["total"], self.total(len(self.asked)))
        if isinstance(paging, Single):
            body["nextPageToken"] = f"p{following}"
        return body

    def _query(self, following: int) -> str:
        if following == LOST:
            return "?access_token=secret"
        if isinstance(self.stream.paging, Backwards):
            return f"?before={len(self.leaves) - following}"
        return f"?access_token=secret&offset={following * getattr(self.stream.paging, 'limit', 1)}"

    def _item(self, name: str) -> dict[str, Any]:
        """Return an item with everything that any of the streams must have."""
        moment = "2026-11-01T00:00:00Z"
        track = {"id": name}
        return {
            "id": name,
            "track": track,
            "album": track,
            "played_at": moment,
            "contentDetails": {"videoId": name},
        }


def put(body: dict[str, Any], place: str, value: Any) -> None:
    """Write a value at a dotted path."""
    *parents, last = place.split(".")
    for parent in parents:
        body = body.setdefault(parent, {})
    body[last] = value


def read(stream: Stream, server: Server) -> tuple[StreamPass, Outcome]:
    """Read a stream's part from a server, all of it."""
    result = StreamPass(stream)
    reader = PartReader(
        "acme",
        uuid.uuid4(),
        server,  # type: ignore[arg-type]  # it stands in for the account's client
        RefusedWords(),
        full=True,
        clock=lambda: NOW,
    )
    variables = dict.fromkeys(stream.variables | stream.path_variables, "parent")
    outcome = asyncio.run(reader.read(result, Part(variables), {}))
    return result, outcome


def ids(result: StreamPass) -> list[str]:
    """Return what the rows are of."""
    names = [column.name for column in result.stream.reader.columns]
    told = set(result.stream.key) - result.stream.given_names - {"played_at"}
    (name,) = told
    return [str(row[names.index(name)]) for row in result.rows]


def is_sound(stream: Stream, leaves: list[Leaf]) -> bool:
    """Say whether the pages are one chain from the first to an end, as a provider promises them."""
    paging, number, seen, empty = stream.paging, 0, {0}, 0
    while not is_end(stream, leaves[number]):
        leaf = leaves[number]
        empty = 0 if leaf.items else empty + 1
        onward = leaf.next > number if isinstance(paging, Offset | Backwards) else True
        if leaf.next in {LOST, *seen} or not onward or empty == pages.MOST_EMPTY_PAGES:
            return False
        number = leaf.next
        seen.add(number)
    return True


def is_end(stream: Stream, leaf: Leaf) -> bool:
    """Say whether a page is the last: it names no next one, or cannot promise one unnamed."""
    paging = stream.paging
    if isinstance(paging, Backwards) and not leaf.items:  # plays end so, whatever `next` says
        return True
    names_it = isinstance(paging, After) and paging.next == paging.after
    return isinstance(paging, Single) or leaf.next is None or (names_it and leaf.next == LOST)


leaves = st.integers(1, MOST_LEAVES).flatmap(
    lambda count: st.tuples(
        *(
            st.builds(
                Leaf,
                st.integers(0, 3),
                st.sampled_from([n + 1 if n + 1 < count else None] * 6)
                | st.none()
                | st.integers(LOST, count - 1),
            )
            for n in range(count)
        )
    ).map(list)
)
STREAMS = pytest.mark.parametrize("stream", PAGED.values(), ids=PAGED.keys())


@STREAMS
@settings(deadline=None, max_examples=60)
@given(leaves=leaves)
@example(leaves=[Leaf(1, LOST)])
@example(leaves=[Leaf(1, 0)])
@example(leaves=[Leaf(1, 1), Leaf(1, 0)])
@example(leaves=[Leaf(2, 1), Leaf(0, 2), Leaf(2, None)])
@example(leaves=[*(Leaf(0, n + 1) for n in range(30)), Leaf(1, None)])
def test_reading_ends_with_what_was_served_and_is_whole_only_where_nothing_can_be_missing(stream, leaves):
    server = Server(stream, leaves, total=lambda _: 10**6)
    if "total" in stream.paging.envelope():  # so that only the way through the pages decides
        server.total = lambda _: sum(leaves[number].items for number in chain(leaves))
    result, outcome = read(stream, server)
    assert ids(result) == server.served
    assert len(server.asked) <= len(stream.variants) * (len(leaves) + 1)
    promised = is_sound(stream, leaves)
    if isinstance(stream.paging, Offset) and promised:
        return  # an empty page may also end it early, and then it says that it is not whole
    assert outcome.whole == result.complete == promised, server.asked
    assert bool(result.problems) != promised


@STREAMS
def test_a_list_that_grows_while_it_is_read_is_not_whole_where_its_total_tells(stream):
    leaves = [Leaf(3, 1), Leaf(3, None)]
    server = Server(stream, leaves, total=lambda asked: 5 + asked)
    result, outcome = read(stream, server)
    assert ids(result) == server.served
    assert outcome.whole == ("total" not in stream.paging.envelope())


@STREAMS
def test_of_a_next_address_nothing_but_the_position_is_asked(stream):
    server = Server(stream, [Leaf(3, 1), Leaf(3, None)], total=lambda _: 6)
    read(stream, server)
    known = set(stream.params) | {name for variant in stream.variants for name in variant}
    known |= {"limit", "offset", "after", "before", "maxResults", "pageToken"}
    assert set().union(*server.params) <= known | {getattr(stream.each, "parameter", "")}


def chain(leaves: list[Leaf]) -> list[int]:
    """Return the pages from the first on, as far as each names a new one."""
    numbers, following = [0], leaves[0].next
    while following not in {None, LOST, *numbers}:
        numbers.append(following)
        following = leaves[following].next
    return numbers
