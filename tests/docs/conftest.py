"""The documentation as the tests read it: its pages, and the parts of Backline that they are held against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from resources.settings import REPOSITORY

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Its path in the repository."""
        return str(self.path.relative_to(REPOSITORY))

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """The code blocks of a language."""
        return [body for kind, body in FENCE.findall(self.text) if kind == language]

    @property
    def anchors(self) -> set[str]:
        """What links may point at within the page, as GitHub names headings."""
        titles = (re.sub(r"[^\w\- ]", "", title.lower()) for _, title in HEADING.findall(self.prose))
        return {title.strip().replace(" ", "-") for title in titles}

    def section(self, heading: str) -> str:
        """The text under a heading, up to the next of its rank or higher."""
        level = heading.partition(" ")[0]
        start = self.text.index(f"{heading}\n") + len(heading)
        following = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(self.text, start)
        return self.text[start : following.start() if following else None]


def first_cells(text: str) -> list[str]:
    """Return what stands as code in the first cell of each row of the tables in a text."""
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


def _page(path: Path) -> Page:
    return Page(path, path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def pages() -> list[Page]:
    """All pages for users and contributors."""
    tops = [REPOSITORY / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return [_page(path) for path in (*tops, *sorted((REPOSITORY / "docs").rglob("*.md")))]


@pytest.fixture(scope="session")
def page(pages):
    """A page by its path in the repository."""
    return {one.name: one for one in pages}.__getitem__


@pytest.fixture(scope="session")
def cells():
    """The reader of tables."""
    return first_cells
