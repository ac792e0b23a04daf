"""The page on scrapers says every outcome, every button and every state that the console shows."""

import re

from console.outcomes import MEANINGS
from resources.settings import REPOSITORY
from resources.visiting.controls import RANGES

NAME = "docs/how-to/run-and-mend-scrapers.md"
TEMPLATES = REPOSITORY / "console" / "templates"
BUTTON = re.compile(r"<(?:button|a class=\"button)[^>]*>([A-Z][a-z …]+)</")


def test_every_outcome_is_explained_under_the_consoles_word(page, cells) -> None:
    section = page(NAME).section("## By outcome")
    assert set(cells(section)) == set(MEANINGS)
    for outcome, meaning in MEANINGS.items():
        assert f"| `{outcome}` | {meaning.label} |" in section


def test_every_button_is_explained(page) -> None:
    text = page(NAME).text
    files = ("scraper_card.html", "scraper_kind.html", "scraper_jobs.html", "scraper_failures.html")
    shown = {
        name for file in files for name in BUTTON.findall((TEMPLATES / file).read_text(encoding="utf-8"))
    }
    assert len(shown) >= 8
    assert not [name for name in shown if f"**{name}**" not in text and name != "Show all"]


def test_ranges_are_those_that_hold(page) -> None:
    text = page(NAME).text
    assert not [name for name, (low, high) in RANGES.items() if f"{low:,.0f}–{high:,.0f}" not in text]
