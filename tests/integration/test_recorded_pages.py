"""Saved real pages, and our own like them, from a local server through the real visitor by each way."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from resources.backline import Backline
from resources.migrations import upgrade
from resources.providers import PROVIDERS
from resources.reading.verdict import Outcome
from resources.settings import Settings
from resources.visiting.binary import find_browser
from resources.visiting.controls import Controls
from resources.visiting.visitor import Visitor

pytestmark = [pytest.mark.integration, pytest.mark.scrapers]

OWN = Path(__file__).parents[1] / "resources" / "providers" / "pages"
SAVED = Path(__file__).parents[3] / "shared" / "pages"
TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json", ".xml": "text/xml; charset=utf-8"}
FAST = Controls(pause_seconds=0, concurrency=4, daily_pages=100_000)
# told by where a page led to or what it answered, which a local server cannot lead to
BY_ADDRESS = {"youtube_sorry.html", "instagram_login.html"}


class Shelf(ThreadingHTTPServer):
    """A server that answers every path with the file on it, and has no robots.txt."""

    daemon_threads = True
    file: Path
    status: int

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def origin(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        is_document = self.path not in {"/robots.txt", "/favicon.ico"}
        body = self.server.file.read_bytes() if is_document else b""
        self.send_response(self.server.status if is_document else 404)
        self.send_header("content-type", TYPES[self.server.file.suffix])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Shelf]:
    with Shelf() as shelf:
        thread = threading.Thread(target=shelf.serve_forever, daemon=True)
        thread.start()
        yield shelf
        shelf.shutdown()
        thread.join()


def listed(listing: str, folder: Path, provider: str):
    """Return the files of one provider that are here, with what they must be read as."""
    told = json.loads((OWN / listing).read_text(encoding="utf-8"))
    mine = [one for one in told if one["page"].startswith(f"{provider}/")]
    return [(folder / one["file"], one) for one in mine if (folder / one["file"]).exists()]


@pytest.fixture
def backline(tmp_path):
    if find_browser(Settings()) is None:
        pytest.skip("no browser is installed: apt install chromium-headless-shell")
    backline = Backline(Settings(home=tmp_path / "home", database_url="", scraper_robots=True))
    upgrade(backline.database)
    yield backline
    backline.database.close()


async def visited(backline, provider, shelf, samples, way):
    """Visit each file by one way, and return what is wrong with what it came to."""
    wrong, seen = [], 0
    async with Visitor(backline, provider, FAST, by_hand=True) as visitor:
        for file, told in samples:
            page = provider.site.page(told["page"].partition("/")[2])
            if way not in page.ways:
                continue
            shelf.file, shelf.status = file, told.get("status", 200)
            visit = await visitor.visit(replace(page, ways=(way,)), told["subject"])
            seen += 1
            wrong += [f"{file.name} by {way}: {problem}" for problem in problems(visit.verdict, told)]
    return wrong, seen


def problems(verdict, told):
    if verdict.outcome != told["outcome"]:
        yield f"{verdict.outcome} instead of {told['outcome']}: {verdict}"
    elif verdict.outcome is Outcome.READING and "has" in told:
        row = verdict.rows[0]
        for name, value in told["has"].items():
            if row[name] != value:
                yield f"{name} is {row[name]!r} instead of {value!r}"


@pytest.mark.parametrize(
    ("listing", "way"),
    [("expected_of_saved", "light"), ("expected_of_saved", "browser"), ("expected", "light")],
)
@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)
def test_every_page_comes_to_what_it_is(backline, monkeypatch, provider, way, listing):
    folder = SAVED if listing == "expected_of_saved" else OWN
    samples = [
        one for one in listed(f"{listing}.json", folder, provider.name) if one[0].name not in BY_ADDRESS
    ]
    if not samples:
        pytest.skip(f"{folder} is not here")
    with serving() as shelf:
        monkeypatch.setenv(f"BACKLINE_{provider.name.upper()}_PAGES_URL", shelf.origin)
        wrong, seen = asyncio.run(visited(backline, provider, shelf, samples, way))
    assert wrong == []
    ways = {page.name for page in provider.site.pages if way in page.ways}
    assert seen == sum(told["page"].partition("/")[2] in ways for _, told in samples)
