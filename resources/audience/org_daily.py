"""Writing ``org_audience_daily``: an org's numbers by day, summed over its accounts.

A number of now is carried forward where an account was not synced on a day, so that totals do not dip;
for an account that was disconnected it ends with its last day.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from resources.audience.frames import frame_of, preview_of, rows_of
from resources.audience.positions import keep_position, position_of
from resources.audience.report import OrgReport, Snapshots
from resources.audience.shards import Shard, account_chunks, org_chunks
from resources.bulk import upsert_differing
from resources.database import Database, utc_now
from resources.tables import AudienceDaily, ConnectedAccount, OrgAudienceDaily

PART = "org_daily"
CARRY, WINDOW = timedelta(days=90), timedelta(days=64)
OF_ORG = ["org_id", "provider", "metric", "day"]
COLUMNS = ("org_id", "provider", "day", "metric", "value", "accounts", "carried")


def refresh_org_daily(
    database: Database, snapshots: Snapshots, shard: Shard, *, full: bool = False
) -> OrgReport:
    """Write the days of which an account's number changed since the last time, and every day since."""
    now, report = utc_now(), OrgReport()
    since = None if full else position_of(database, PART, shard)
    for org_ids in org_chunks(database, shard):
        first_days = _first_days(database, org_ids, since, now)
        report.orgs += len(first_days)
        for begin, end in _windows(first_days, now.date()):
            totals = _totals(database, first_days, snapshots, begin, end)
            _write(database, totals, now)
            report.rows += len(totals)
            report.preview = preview_of(totals, COLUMNS)
    keep_position(database, PART, shard, now)
    return report


def _windows(first_days: Mapping[str, date], today: date) -> Iterator[tuple[date, date]]:
    """Yield first and last days, the oldest first, so that memory does not grow with the history."""
    begin = min(first_days.values(), default=None)
    while begin is not None and begin <= today:
        end = min(begin + WINDOW - timedelta(days=1), today)
        yield begin, end
        begin = end + timedelta(days=1)


def _write(database: Database, totals: pd.DataFrame, now: datetime) -> None:
    table: Any = OrgAudienceDaily.__table__
    with database.write() as connection:
        upsert_differing(connection, table, COLUMNS, rows_of(totals, COLUMNS), same={"updated_at": now})


def _first_days(
    database: Database, org_ids: Sequence[uuid.UUID], since: datetime | None, now: datetime
) -> dict[str, date]:
    """Return the day from which on each org is summed again; orgs of which nothing is new are left out."""
    row = AudienceDaily
    query = sa.select(row.org_id, sa.func.min(row.day)).where(row.org_id.in_(org_ids)).group_by(row.org_id)
    if since is not None:
        query = query.where(row.updated_at >= since)
    with database.read() as connection:
        days: dict[str, date] = {org_id.hex: day for org_id, day in connection.execute(query)}
    if since is not None and since.date() < now.date():  # a new day begins with what is carried into it
        for org_id in org_ids:
            days[org_id.hex] = min(days.get(org_id.hex, since.date()), since.date())
    return days


def _totals(
    database: Database, first_days: Mapping[str, date], snapshots: Snapshots, begin: date, end: date
) -> pd.DataFrame:
    """Return the sums of some days of orgs, each from its first day on; accounts are read in pieces."""
    which = ConnectedAccount.org_id.in_([uuid.UUID(org_id) for org_id in first_days])
    totals = _empty()
    for ids in account_chunks(database, which):
        rows, last_days = _rows(database, ids, begin, end), _last_days(database, ids)
        totals = _added([totals, _summed(rows, last_days, snapshots, begin, end)])
    starts = totals["org_id"].map(first_days).astype("datetime64[us]")
    return totals[totals["day"] >= starts]


def _empty() -> pd.DataFrame:
    frame = pd.DataFrame({name: [] for name in COLUMNS})
    frame["day"] = frame["day"].astype("datetime64[us]")
    return frame


def _added(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    known = [part for part in parts if len(part)] or list(parts[:1])
    frame = known[0] if len(known) == 1 else pd.concat(known, ignore_index=True)
    return frame.groupby(OF_ORG, as_index=False)[["value", "accounts", "carried"]].sum()


def _rows(database: Database, account_ids: Sequence[uuid.UUID], begin: date, end: date) -> pd.DataFrame:
    """Read the accounts' numbers of some days, and the last one before them of each."""
    row = AudienceDaily
    names = (row.org_id, row.account_id, row.provider, row.metric, row.day, row.value)
    age = sa.func.row_number().over(partition_by=(row.account_id, row.metric), order_by=row.day.desc())
    earlier = (
        sa.select(*names, age.label("age"))
        .where(row.account_id.in_(account_ids), row.day < begin, row.day >= begin - CARRY)
        .subquery()
    )
    last = sa.select(*(earlier.c[column.key] for column in names)).where(earlier.c.age == 1)
    within = sa.select(*names).where(row.account_id.in_(account_ids), row.day.between(begin, end))
    both = sa.union_all(within, last).subquery()
    with database.read() as connection:
        return frame_of(connection, sa.select(both))


def _last_days(database: Database, account_ids: Sequence[uuid.UUID]) -> pd.DataFrame:
    """Read the last day of each number of those accounts that were disconnected."""
    row, account = AudienceDaily, ConnectedAccount
    names: list[Any] = [row.account_id, row.metric, sa.func.max(row.day).label("last_day")]
    query = (
        sa.select(*names)
        .join(account, account.id == row.account_id)
        .where(row.account_id.in_(account_ids), account.status == "disconnected")
        .group_by(row.account_id, row.metric)
    )
    with database.read() as connection:
        frame = frame_of(connection, query)
    return frame.assign(last_day=frame["last_day"].astype("datetime64[us]"))


def _summed(
    rows: pd.DataFrame, last_days: pd.DataFrame, snapshots: Snapshots, begin: date, end: date
) -> pd.DataFrame:
    pairs = pd.MultiIndex.from_frame(rows[["provider", "metric"]])
    is_snapshot = pairs.isin(list(snapshots))
    flows = rows[~is_snapshot].assign(carried=0)
    carried = _carried(rows[is_snapshot], last_days, end)
    known = [frame for frame in (flows, carried) if len(frame)]
    if not known:
        return _empty()
    every = pd.concat(known, ignore_index=True)
    every = every[every["day"] >= pd.Timestamp(begin)].assign(accounts=1)
    return every.groupby(OF_ORG, as_index=False)[["value", "accounts", "carried"]].sum()


def _carried(rows: pd.DataFrame, last_days: pd.DataFrame, end: date) -> pd.DataFrame:
    """Return the rows with a row for each day without one, for as long as the number is carried."""
    if rows.empty:
        return rows
    of_account = ["org_id", "account_id", "provider", "metric"]
    known = rows.pivot_table(index="day", columns=of_account, values="value", aggfunc="last")
    known = known.reindex(pd.date_range(known.index[0], pd.Timestamp(end), name="day"))
    long = known.ffill(limit=CARRY.days).melt(ignore_index=False).reset_index()
    long["carried"] = known.melt()["value"].isna().astype(int)
    long = long.merge(last_days, how="left", on=["account_id", "metric"])
    return long[long["value"].notna() & ~(long["day"] > long["last_day"])]
