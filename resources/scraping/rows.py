"""Rows of readings: held against the page's declaration before they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from resources.provider import STEP_SUFFIX, Page
from resources.reading.verdict import Outcome, Reading, Refusal, Verdict
from resources.records import Row

LARGEST = 2**63 - 1


def checked(page: Page, verdict: Verdict) -> Verdict:
    """Return the verdict, or ``layout_changed`` where a reading lacks a field that must be there.

    A number that is negative, too large or without its exactness is no number.
    """
    if not isinstance(verdict, Reading):
        return verdict
    missing = dict.fromkeys(name for row in verdict.rows for name in _missing(page, row))
    if not missing:
        return verdict
    detail = f"The page came as {verdict.layout}, but without a usable {' and '.join(missing)}."
    return Refusal(Outcome.LAYOUT_CHANGED, detail, tuple(missing))


def _missing(page: Page, row: Mapping[str, Any]) -> list[str]:
    numbers = set(page.numbers)
    return [
        column.name
        for column in page.reader.columns
        if not _is_usable(row.get(column.name), nullable=column.nullable)
        or (column.name in numbers and not _is_exact_about(row, column.name))
    ]


def _is_usable(value: Any, *, nullable: bool) -> bool:
    if value is None:
        return nullable
    if isinstance(value, int) and not isinstance(value, bool):
        return 0 <= value <= LARGEST
    return bool(value != "")


def _is_exact_about(row: Mapping[str, Any], name: str) -> bool:
    if row.get(name) is None:
        return True
    step = row.get(f"{name}{STEP_SUFFIX}")
    return isinstance(step, int) and step >= 1


def values_of(page: Page, row: Mapping[str, Any]) -> Row:
    """Return a row's values in the columns' order, lists and objects as JSON text."""
    return tuple(
        msgspec.json.encode(value).decode() if column.is_json and value is not None else value
        for column in page.reader.columns
        for value in (row.get(column.name),)
    )
