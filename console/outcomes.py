"""What each outcome of a visit is called, what it means, and what an operator does about it."""

from collections.abc import Mapping
from typing import NamedTuple

from console.pages import Tone
from resources.reading.verdict import Outcome


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
        "Compare the id with the account's configuration, and correct it there.",
    ),
    Outcome.GONE: Meaning(
        "Gone",
        "plain",
        "The page was there once and was taken down.",
        "Ask the account's owner, then correct its ids or disconnect it.",
    ),
    Outcome.CONSENT_WALL: Meaning(
        "Consent wall",
        "warn",
        "The site asked for a choice about cookies in place of the page.",
        "Start it once more. If it stays, an engineer renews the choice in the provider's declaration.",
    ),
    Outcome.LOGIN_WALL: Meaning(
        "Login wall",
        "bad",
        "The site shows the page to signed-in visitors alone, as it does to those who come too often.",
        "Pause for some hours, then configure a longer pause between pages.",
    ),
    Outcome.BLOCKED: Meaning(
        "Blocked",
        "bad",
        "The site took the visits for a robot's, or for too many, or its robots.txt forbids the page.",
        "Pause for some hours, then configure a longer pause and fewer pages. Leave what robots.txt forbids.",
    ),
    Outcome.LAYOUT_CHANGED: Meaning(
        "Layout changed",
        "bad",
        "The page came without fields that must be there; nothing of it was stored, older values stay.",
        "An engineer teaches the reader the new layout by the evidence, then `backline evidence replay`.",
    ),
    Outcome.WRONG_PAGE: Meaning(
        "Wrong page",
        "bad",
        "A sound page came, of another kind or of somebody else.",
        "Open the page and compare it with the account; correct the account's ids.",
    ),
    Outcome.TIMED_OUT: Meaning(
        "Timed out",
        "warn",
        "No whole page came within the time and size that one may take.",
        "Nothing for a few. If many: look at this machine's network and memory, then start it once more.",
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
