"""Readings held against what is known already: their own history, and the same numbers of other sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from resources.provider import STEP_SUFFIX, Agreement, Page, Provider
from resources.streams import page_table_of, table_of

HISTORY = timedelta(days=28)
LARGEST_FACTOR = 2.0
SMALL = 100  # below this a number may double any day
NAMED = 20


@dataclass(frozen=True)
class Drift:
    """A number that moved more than it plausibly does since the reading before."""

    subject: str
    column: str
    before: int
    now: int


@dataclass(frozen=True)
class Disagreement:
    """A number for which two sources differ beyond tolerance and rounding."""

    subject: str
    column: str
    page_value: int
    source: str
    source_value: int


@dataclass(frozen=True)
class Comparison:
    """All that was found; ``coverage`` is the share of rows that have a nullable column, by column."""

    coverage: dict[str, float]
    coverage_before: dict[str, float]
    drifts: list[Drift]
    disagreements: list[Disagreement]


def compare(connection: sa.Connection, provider: Provider, page: Page, since: datetime) -> Comparison:
    """Compare the rows seen since a moment with the 28 days before it and with the streams."""
    table = page_table_of(provider, page)
    fresh, old = table.c.seen_at >= since, table.c.seen_at.between(since - HISTORY, since)
    return Comparison(
        _coverage(connection, page, table, fresh),
        _coverage(connection, page, table, old),
        list(_drifts(connection, page, table, since))[:NAMED],
        [
            found
            for agreement in page.agreements
            for found in _disagreements(connection, provider, page, agreement, since)
        ][:NAMED],
    )


def _coverage(
    connection: sa.Connection, page: Page, table: sa.Table, which: sa.ColumnElement[bool]
) -> dict[str, float]:
    names = [column.name for column in page.reader.columns if column.nullable]
    counts = [sa.func.count(table.c[name]).label(name) for name in names]
    row = connection.execute(sa.select(sa.func.count().label("rows_"), *counts).where(which)).one()
    return {name: getattr(row, name) / row.rows_ for name in names} if row.rows_ else {}


def _drifts(connection: sa.Connection, page: Page, table: sa.Table, since: datetime) -> Iterator[Drift]:
    identity = [table.c.account_id, *(table.c[name] for name in page.key)]
    place = sa.func.row_number().over(partition_by=identity, order_by=table.c.day.desc()).label("age")
    ranked = sa.select(table, place).where(table.c.day >= (since - HISTORY).date()).subquery()
    now, before = ranked.alias("now"), ranked.alias("before")
    same = sa.and_(*(now.c[column.name] == before.c[column.name] for column in identity))
    joined = now.join(before, same & (now.c.age == 1) & (before.c.age == 2))  # noqa: PLR2004
    subject = page.key[-1]
    for name in page.numbers:
        query = sa.select(now.c[subject], before.c[name], now.c[name]).select_from(joined)
        for who, was, is_ in connection.execute(query.where(now.c.seen_at >= since)):
            if was is not None and is_ is not None and _is_drift(was, is_):
                yield Drift(str(who), name, was, is_)


def _is_drift(before: int, now: int) -> bool:
    low, high = sorted((before, now))
    return high >= SMALL and high > LARGEST_FACTOR * max(low, 1)


def _disagreements(
    connection: sa.Connection, provider: Provider, page: Page, agreement: Agreement, since: datetime
) -> Iterator[Disagreement]:
    table, stream = page_table_of(provider, page), provider.stream(agreement.stream)
    other, on = table_of(provider, stream), agreement.on
    subject = page.key[-1]
    same = table.c.account_id == other.c.account_id
    if on:
        same &= table.c[on if on in table.c else subject] == other.c[on]
    step = table.c[f"{agreement.column}{STEP_SUFFIX}"]
    numbers = (table.c[agreement.column], step, other.c[agreement.stream_column])
    query = (
        sa.select(table.c[subject], *numbers)
        .join(other, same & other.c.deleted_at.is_(None))
        .where(table.c.seen_at >= since, *(number.is_not(None) for number in numbers))
    )
    for who, mine, rounding, theirs in connection.execute(query):
        slack = rounding - 1 + agreement.tolerance * max(mine, theirs)
        if abs(mine - theirs) > slack and max(mine, theirs) >= SMALL:
            source = f"{provider.name}_{stream.name}.{agreement.stream_column}"
            yield Disagreement(str(who), agreement.column, mine, source, theirs)
