"""What all readers have in common: the first look at the status, and that none of them ever raises."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from resources.reading.values import Unreadable
from resources.reading.verdict import Capture, Outcome, Reader, Refusal, Verdict

LONGEST_BODY = 32_000_000
STATUSES: Mapping[int, Outcome] = {
    HTTPStatus.UNAUTHORIZED: Outcome.LOGIN_WALL,
    HTTPStatus.FORBIDDEN: Outcome.BLOCKED,
    HTTPStatus.NOT_FOUND: Outcome.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: Outcome.TIMED_OUT,
    HTTPStatus.GONE: Outcome.GONE,
    HTTPStatus.TOO_MANY_REQUESTS: Outcome.BLOCKED,
}

Look = Callable[[Capture], Refusal | None]


def guarded(first: Look) -> Callable[[Reader], Reader]:
    """Make a reader of a function that reads sound pages.

    ``first`` is the site's own look, at addresses and statuses that mean something else there than
    everywhere; then come the statuses. Whatever is raised is a refusal.
    """

    def wrap(read: Reader) -> Reader:
        @functools.wraps(read)
        def reader(capture: Capture, subject: str) -> Verdict:
            if len(capture.body) > LONGEST_BODY:
                return Refusal(Outcome.TIMED_OUT, "The page is larger than a page may be.")
            try:
                return first(capture) or refusal_by_status(capture) or read(capture, subject)
            except Unreadable as error:
                return Refusal(Outcome.LAYOUT_CHANGED, f"The page could not be read: {error}.")
            except Exception as error:  # noqa: BLE001  # a page must not stop the visits to all others
                return Refusal(Outcome.LAYOUT_CHANGED, f"The reader stumbled: {type(error).__name__}.")

        return reader

    return wrap


def refusal_by_status(capture: Capture) -> Refusal | None:
    """Return what a status other than 200, or an empty page, means everywhere."""
    status = capture.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not status:
        return Refusal(Outcome.TIMED_OUT, f"The site is out of order: it answered {status}.")
    if status in STATUSES:
        return Refusal(STATUSES[status], f"The site answered {status}.")
    if status != HTTPStatus.OK:
        return Refusal(Outcome.LAYOUT_CHANGED, f"The address is no longer understood: {status}.")
    if not capture.body.strip():
        return Refusal(Outcome.TIMED_OUT, "The site answered with nothing.")
    return None


def layout_changed(*missing: str) -> Refusal:
    """Return the refusal of a page that lacks fields which it must have."""
    names = ", ".join(missing)
    return Refusal(Outcome.LAYOUT_CHANGED, f"The page no longer says {names} where it did.", missing)


def missing_of(row: Mapping[str, Any], must: Sequence[str]) -> tuple[str, ...]:
    """Return which of the columns that must be there a row lacks."""
    return tuple(name for name in must if row.get(name) is None)
