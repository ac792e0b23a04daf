"""What a visit to a public page brought back, and the verdict on it: a reading, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

Way = Literal["light", "browser"]


class Outcome(StrEnum):
    """Everything that a page can turn out to be; nothing else exists.

    ``not_found`` never was there, ``gone`` was and is no more; both are answers. ``wrong_page`` is a
    sound page of another kind or of another subject. ``timed_out`` is no page at all in the time and
    size that a page may take: the detail says whether the site was silent, cut off or out of order.
    """

    READING = "reading"
    NOT_FOUND = "not_found"
    GONE = "gone"
    CONSENT_WALL = "consent_wall"
    LOGIN_WALL = "login_wall"
    BLOCKED = "blocked"
    LAYOUT_CHANGED = "layout_changed"
    WRONG_PAGE = "wrong_page"
    TIMED_OUT = "timed_out"


ABSENCES = frozenset({Outcome.NOT_FOUND, Outcome.GONE})


@dataclass(frozen=True)
class Answer:
    """The answer to a further request: one that the page itself made, or one that belongs to it."""

    url: str
    status: int
    body: str


@dataclass(frozen=True)
class Capture:
    """What one visit brought back: the final address, the document, and the answers worth keeping.

    ``body`` is the document as it stood in the end: HTML as rendered, or JSON or XML as sent.
    """

    url: str
    status: int
    body: str
    way: Way = "light"
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a page says: rows of the page's record by column, and the layout it was read from.

    ``layout`` is named by when it was first seen: ``page_header_2024_07``.
    """

    rows: tuple[Mapping[str, Any], ...]
    layout: str

    @property
    def outcome(self) -> Outcome:
        """``reading``."""
        return Outcome.READING


@dataclass(frozen=True)
class Refusal:
    """Why a page gave no reading; ``detail`` is a sentence, ``missing`` names the fields not found."""

    outcome: Outcome
    detail: str
    missing: tuple[str, ...] = ()


Verdict = Reading | Refusal
Reader = Callable[[Capture, str], Verdict]
"""Reads a capture of the page of a subject, an id as it stands in the page's address."""
