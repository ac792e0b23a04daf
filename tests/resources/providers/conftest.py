"""Pages to read: our own small ones with what they say, and those saved from the sites, where they are."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from resources.provider import Page
from resources.providers import PROVIDERS
from resources.reading.verdict import Capture, Reading

OWN = Path(__file__).parent / "pages"
SAVED = Path(__file__).parents[4] / "shared" / "pages"


@dataclass(frozen=True)
class Sample:
    """One file, the page it is a copy of, whose it is, and what must be read."""

    path: Path
    page: Page
    origin: str
    told: dict[str, Any]

    @property
    def subject(self) -> str:
        """Whose page was asked for."""
        return str(self.told["subject"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows that must be read."""
        rows: list[dict[str, Any]] = self.told.get("rows", [])
        moments = [
            {n: datetime.fromisoformat(v) for n, v in row.items() if n == "published_at"} for row in rows
        ]
        return [row | moment for row, moment in zip(rows, moments, strict=True)]

    def capture(self, body: str | None = None, **more: Any) -> Capture:
        """Return a visit that brought the file back, or another body."""
        url = more.pop("url", self.page.address(self.origin, self.subject))
        text = self.path.read_text(encoding="utf-8") if body is None else body
        return Capture(url, more.pop("status", self.told.get("status", 200)), text, **more)

    def __str__(self) -> str:
        return self.path.name


def page_named(name: str) -> tuple[Page, str]:
    """Return a page by ``provider/page``, and its origin."""
    provider, _, page = name.partition("/")
    site = PROVIDERS[provider].site
    assert site is not None
    return site.page(page), site.origin


def _samples(listing: str, folder: Path) -> Iterator[Sample]:
    for told in json.loads((OWN / listing).read_text(encoding="utf-8")):
        page, origin = page_named(told["page"])
        yield Sample(folder / told["file"], page, origin, told)


OWN_SAMPLES = list(_samples("expected.json", OWN))
SAVED_SAMPLES = list(_samples("expected_of_saved.json", SAVED))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests that ask for ``own`` or ``saved`` each sample in turn."""
    for name, samples in (("own", OWN_SAMPLES), ("saved", SAVED_SAMPLES)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, samples, ids=str)


@pytest.fixture(scope="session")
def kinds() -> list[Page]:
    """Every kind of page of every provider."""
    return [page for provider in PROVIDERS.values() for page in provider.pages]


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Sample]:
    """Find one of our own samples by its file's name."""
    return {one.path.name: one for one in OWN_SAMPLES}.__getitem__


@pytest.fixture(scope="session")
def any_readable() -> Callable[[random.Random], tuple[Sample, str, Reading]]:
    """Choose one of the samples that are here and give a reading with rows; with its text and reading."""
    samples = [one for one in (*OWN_SAMPLES, *SAVED_SAMPLES) if one.told["outcome"] == "reading"]
    chosen = [one for one in samples if one.path.exists() and one.told.get("rows", True)]
    captures = [(one, one.capture()) for one in chosen]
    here = [(one, capture.body, one.page.read(capture, one.subject)) for one, capture in captures]
    return lambda chance: chance.choice(here)


@pytest.fixture(scope="session")
def saved_folder() -> Path:
    """Where the saved pages are."""
    if not SAVED.exists():
        pytest.skip(f"{SAVED} is not here")
    return SAVED


@pytest.fixture(scope="session")
def own_folder() -> Path:
    """Where our own pages are."""
    return OWN


@pytest.fixture(scope="session")
def saved_names() -> set[str]:
    """The saved pages whose reading is told."""
    return {one.told["file"] for one in SAVED_SAMPLES}


@pytest.fixture(scope="session")
def own_names() -> set[str]:
    """Our own pages whose reading is told."""
    return {one.path.name for one in OWN_SAMPLES}
