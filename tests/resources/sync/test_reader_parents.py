"""What is read by parent: a cursor moves only with its rows, and only what was looked for can be gone."""

from __future__ import annotations

import httpx
import pytest

from resources.database import utc_now
from resources.sync.engine import SyncEngine
from resources.sync.writer import Writer

pytestmark = pytest.mark.providers

STREAMS = ("playlists", "playlist_items")


class Shelf:
    """A Spotify that knows playlists alone: their snapshots, and their items or a refusal."""

    def __init__(self, **playlists):
        self.playlists, self.nulls, self.closed = playlists, 0, False

    def __call__(self, request):
        """Answer."""
        if self.closed:
            return httpx.Response(403, json={"error": {"status": 403, "message": "Not registered"}})
        if request.url.path.endswith("/me/playlists"):
            lists = [{"id": name, "snapshot_id": snapshot} for name, (snapshot, _) in self.playlists.items()]
            return page([*lists, *[None] * self.nulls])
        _, items = self.playlists[request.url.path.split("/")[-2]]
        return items if isinstance(items, httpx.Response) else page(items)


def page(items):
    return httpx.Response(200, json={"items": items, "next": None, "total": len(items)})


def songs(*names):
    return [{"item": {"id": name, "type": "track", "name": name}} for name in names]


BROKEN, CLOSED = httpx.Response(400, json={}), httpx.Response(403, json={})
MALFORMED = {"item": {"id": 5}, "added_at": "junk"}


@pytest.fixture
def sync(simulated, syncing):
    """Sync one account against a shelf; return the playlists' live items, by playlist."""
    simulated.connect("acme", 1)

    def run(shelf, *streams, clock=utc_now, **more):
        request = syncing.request(*(streams or STREAMS), **more)
        transport = httpx.MockTransport(shelf)
        engine = SyncEngine(simulated.backline, request, transport=transport, clock=clock)
        simulated.run(engine.run())
        live = {}
        for row in syncing.stored("playlist_items"):
            live.setdefault(row["playlist_id"], []).append(row["track_id"])
        return live

    return run


def test_what_left_a_playlist_is_deleted_though_another_broke(sync):
    shelf = Shelf(A=("1", songs("a", "b", "c")), B=("1", songs("d")))
    assert sync(shelf) == {"A": ["a", "b", "c"], "B": ["d"]}
    shelf.playlists = {"A": ("2", songs("a")), "B": ("2", BROKEN)}
    assert sync(shelf) == {"A": ["a"], "B": ["d"]}


def test_a_playlist_with_a_malformed_item_is_read_again_until_it_is_whole(sync):
    shelf = Shelf(A=("1", [*songs("a"), MALFORMED]))
    assert sync(shelf) == {"A": ["a"]}
    shelf.playlists = {"A": ("1", songs("a", "b"))}
    assert sync(shelf) == {"A": ["a", "b"]}


def test_a_playlist_that_is_gone_takes_its_items_along(sync):
    shelf = Shelf(A=("1", songs("a")), B=("1", songs("b")))
    sync(shelf)
    shelf.playlists = {"B": shelf.playlists["B"]}
    assert sync(shelf) == {"B": ["b"]}


def test_a_refused_playlist_keeps_its_items(sync):
    shelf = Shelf(A=("1", songs("a")))
    sync(shelf)
    shelf.playlists = {"A": ("2", CLOSED)}
    assert sync(shelf) == {"A": ["a"]}


def test_a_refused_playlist_is_asked_again_on_another_day(sync):
    shelf = Shelf(A=("1", CLOSED))
    assert sync(shelf) == {}
    shelf.playlists = {"A": ("1", songs("a"))}
    assert sync(shelf) == {}, "not twice a day"
    later = utc_now().replace(year=utc_now().year + 1)
    assert sync(shelf, clock=lambda: later) == {"A": ["a"]}


def test_no_playlist_counts_as_refused_where_nothing_may_be_read(sync, syncing):
    shelf = Shelf(A=("1", BROKEN))
    sync(shelf)
    shelf.closed = True
    sync(shelf)
    assert {one["error_type"] for one in syncing.results(status="failed")} == {"contract", "permission"}
    shelf.closed, shelf.playlists = False, {"A": ("1", songs("a"))}
    assert sync(shelf) == {"A": ["a"]}


def test_a_null_among_the_playlists_deletes_none(sync, syncing):
    shelf = Shelf(A=("1", songs("a")), B=("1", songs("b")))
    sync(shelf)
    shelf.playlists, shelf.nulls = {"A": ("1", songs("a"))}, 1
    assert sync(shelf) == {"A": ["a"], "B": ["b"]}
    assert len(syncing.stored("playlists")) == 2


def test_a_row_that_another_run_met_meanwhile_is_not_deleted(sync, syncing, monkeypatch):
    """The slower of two overlapping runs did not see what came after it had looked."""
    shelf = Shelf(A=("1", songs("a")))
    commit, inner = Writer.commit, []

    def overtaken(writer, passes):
        if not inner:
            inner.append(True)
            sync(Shelf(A=("1", songs("a")), B=("1", songs("b"))), "playlists")
        return commit(writer, passes)

    monkeypatch.setattr(Writer, "commit", overtaken)
    sync(shelf, "playlists")
    assert {row["playlist_id"] for row in syncing.stored("playlists")} == {"A", "B"}


def test_a_parent_of_which_there_is_news_is_read_again_and_no_other(sync):
    shelf = Shelf(A=("1", songs("a")), B=("1", songs("b")))
    sync(shelf)
    shelf.playlists = {"A": ("1", songs("a", "c")), "B": ("1", songs("b", "d"))}
    assert sync(shelf) == {"A": ["a"], "B": ["b"]}
    assert sync(shelf, again=frozenset({"A"})) == {"A": ["a", "c"], "B": ["b"]}
