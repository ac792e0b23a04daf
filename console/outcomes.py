"""What each outcome of a visit is called, what it means, and what an operator does about it."""

from collections.abc import Mapping
from typing import NamedTuple

from console.pages import Tone
from resources.reading.verdict import Outcome
from resources.scraping.cures import CURES


class Meaning(NamedTuple):
    """One outcome in words."""

    label: str
    tone: Tone
    cause: str
    cure: str


MEANINGS: Mapping[Outcome, Meaning] = {
    Outcome.READING: Meaning("Read", "ok", "The page was read.", ""),
    Outcome.NOT_FOUND: Meaning(
        "Not found",
        "plain",
        "The site says that this page never was.",
        CURES[Outcome.NOT_FOUND],
    ),
    Outcome.GONE: Meaning(
        "Gone",
        "plain",
        "The page was there once and was taken down.",
        CURES[Outcome.GONE],
    ),
    Outcome.CONSENT_WALL: Meaning(
        "Consent wall",
        "warn",
        "The site asked for a choice about cookies in place of the page.",
        CURES[Outcome.CONSENT_WALL],
    ),
    Outcome.LOGIN_WALL: Meaning(
        "Login wall",
        "bad",
        "The site shows the page to signed-in visitors alone, as it does to those who come too often.",
        CURES[Outcome.LOGIN_WALL],
    ),
    Outcome.BLOCKED: Meaning(
        "Blocked",
        "bad",
        "The site took the visits for a robot's, or for too many, or its robots.txt forbids the page.",
        CURES[Outcome.BLOCKED],
    ),
    Outcome.LAYOUT_CHANGED: Meaning(
        "Layout changed",
        "bad",
        "The page came without fields that must be there; nothing of it was stored, older values stay.",
        CURES[Outcome.LAYOUT_CHANGED],
    ),
    Outcome.WRONG_PAGE: Meaning(
        "Wrong page",
        "bad",
        "A sound page came, of another kind or of somebody else.",
        CURES[Outcome.WRONG_PAGE],
    ),
    Outcome.TIMED_OUT: Meaning(
        "Timed out",
        "warn",
        "No whole page came within the time and size that one may take.",
        CURES[Outcome.TIMED_OUT],
    ),
}


def meaning_of(outcome: str) -> Meaning:
    """Return an outcome in words; one that is not known here yet is said as it is written."""
    try:
        return MEANINGS[Outcome(outcome)]
    except ValueError:
        return Meaning(outcome.replace("_", " ").capitalize(), "warn", "", "")


def by_number(outcomes: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the outcomes that occurred: readings first, then the most frequent."""
    counted = [(outcome, count) for outcome, count in outcomes.items() if count]
    return sorted(counted, key=lambda pair: (pair[0] != Outcome.READING, -pair[1], pair[0]))
