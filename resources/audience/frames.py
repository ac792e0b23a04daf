"""Rows of the audience as pandas frames, and back; orgs and accounts are hexadecimal ids in them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa

from resources.records import Row

PREVIEW_ROWS = 20


def frame_of(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """Return what a query finds, its days as timestamps."""
    result = connection.execute(query)
    names = list(result.keys())
    rows = [tuple(map(_plain, row)) for row in result]
    frame = pd.DataFrame(rows, columns=names)
    if "day" in names:
        frame["day"] = frame["day"].astype("datetime64[us]")
    return frame


def _plain(value: Any) -> Any:
    return value.hex if isinstance(value, uuid.UUID) else value


def rows_of(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[Row]:
    """Yield a frame's rows as the database takes them; what is missing is null."""
    values = []
    for name in columns:
        column = frame[name]
        if name == "day":
            column = column.dt.strftime("%Y-%m-%d")
        plain = column.astype(object)
        values.append(plain.where(plain.notna(), None).tolist())
    yield from zip(*values, strict=True)


def preview_of(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the newest rows of a frame, few enough to be looked at."""
    newest = frame.sort_values(["day", "value"], ascending=False, kind="stable").head(PREVIEW_ROWS)
    return [dict(zip(columns, row, strict=True)) for row in rows_of(newest, columns)]
