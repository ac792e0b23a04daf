"""What an operator does about each outcome that is not what was wanted, for checks and console alike."""

from __future__ import annotations

from collections.abc import Mapping

from resources.reading.verdict import Outcome

CURES: Mapping[Outcome, str] = {
    Outcome.NOT_FOUND: "Compare the id with the account's configuration, and correct it there.",
    Outcome.GONE: "Ask the account's owner, then correct its ids or disconnect it.",
    Outcome.CONSENT_WALL: "Start it once more. If it stays, an engineer renews the choice in the "
    "provider's declaration.",
    Outcome.LOGIN_WALL: "Pause for some hours, then configure a longer pause between pages.",
    Outcome.BLOCKED: "Pause for some hours, then configure a longer pause and fewer pages. Leave what "
    "robots.txt forbids.",
    Outcome.LAYOUT_CHANGED: "An engineer teaches the reader the new layout by the evidence, then "
    "`backline evidence replay`.",
    Outcome.WRONG_PAGE: "Open the page and compare it with the account; correct the account's ids.",
    Outcome.TIMED_OUT: "Nothing for a few. If many: look at this machine's network and memory, then start "
    "it once more.",
}
