"""YouTube Analytics' reports: a table whose header names its columns, in whatever order they come."""

from __future__ import annotations

from typing import Any


def rows_by_header(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a report's rows by the names of their columns; a report without rows has none."""
    names = [header["name"] for header in report["columnHeaders"]]
    return [dict(zip(names, row, strict=True)) for row in report.get("rows") or ()]
