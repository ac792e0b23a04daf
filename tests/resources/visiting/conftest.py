"""An invented provider whose public pages a local site shows, and a visitor of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resources.backline import Backline
from resources.database import open_database
from resources.errors import InputRefused
from resources.provider import FromConfig, Page, Provider, Site
from resources.providers import PROVIDERS
from resources.reading.verdict import Capture, Outcome, Reading, Refusal, Verdict
from resources.records import Record
from resources.settings import Settings
from resources.vault import EncryptionKey
from resources.visiting.binary import find_browser
from resources.visiting.controls import Controls
from resources.visiting.visitor import Visitor
from tests.resources.visiting.local_site import Site as LocalSite
from tests.resources.visiting.local_site import serving

COUNT = re.compile(r'<h1 id="?count"?>(\d+)</h1>|"count": (\d+)|<count>(\d+)</count>')


class Count(Record):
    """A row of the invented page."""

    count: int


def read_count(capture: Capture, subject: str) -> Verdict:
    """Read the number that a good page shows."""
    if found := COUNT.search(capture.body):
        return Reading(({"count": int(found.group(1) or found.group(2) or found.group(3))},), "count_2026_11")
    return Refusal(Outcome.LAYOUT_CHANGED, "There is no count.", ("count",))


@pytest.fixture(scope="session")
def count_page() -> Callable[..., Page]:
    """Make a declaration of the invented page."""

    def make(**changes: Any) -> Page:
        page = Page(
            name="count_page",
            path="/{address}",
            record=Count,
            key=("count",),
            each=FromConfig("artist_ids", "address"),
            read=read_count,
            doc="A number.",
            canary="page/1",
        )
        return replace(page, **changes)

    return make


@pytest.fixture(scope="module")
def site() -> Iterator[LocalSite]:
    """The local site."""
    with serving() as site:
        yield site


@pytest.fixture(autouse=True)
def _nothing_asked_yet(request: pytest.FixtureRequest) -> None:
    if "site" in request.fixturenames:
        site = request.getfixturevalue("site")
        site.asked.clear()
        site.robots = (404, "")


@pytest.fixture(scope="session")
def needs_browser() -> Path:
    """The path of a browser; without one the test is skipped by name."""
    try:
        found = find_browser(Settings())
    except InputRefused as error:
        pytest.skip(str(error))
    if found is None:
        pytest.skip("no Chromium: none is set in BACKLINE_BROWSER_PATH, on PATH or installed by Playwright")
    return found


class Home:
    """A Backline with an invented provider at the local site, and visitors of it."""

    def __init__(self, settings: Settings, page: Page, origin: str) -> None:
        self.backline, self.page = Backline(settings), page
        self.provider: Provider = replace(PROVIDERS["spotify"], site=Site(origin, (page,)))
        self.origin = origin

    def visitor(self, *, site: Site | None = None, **options: Any) -> Visitor:
        """Return a visitor that neither pauses nor stops, where nothing else is said."""
        controls = options.pop("controls", Controls(pause_seconds=0, concurrency=8, daily_pages=1_000))
        provider = replace(self.provider, site=site) if site else self.provider
        return Visitor(self.backline, provider, controls, **{"by_hand": True, **options})


@pytest.fixture(scope="module")
def open_home(
    migrated_sqlite: Path, count_page: Callable[..., Page], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Home]]:
    """Return a function that makes a fresh home at an origin, with settings for impatient tests."""
    databases = []

    def make(origin: str, page: Page | None = None, **changes: Any) -> Home:
        home = tmp_path_factory.mktemp("home")
        shutil.copyfile(migrated_sqlite, home / "backline.db")
        values = {"encryption_keys": EncryptionKey(b"k" * 32).text(), "page_seconds": 4.0, "page_mb": 1}
        settings = Settings(home=home, **{**values, **changes})
        databases.append(open_database(settings.resolved_database_url))
        return Home(settings, page or count_page(), origin)

    yield make
    for database in databases:
        database.close()
