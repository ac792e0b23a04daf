"""Writing ``org_audience_growth``: where each number of an org stands, and how it got there."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from resources.audience.frames import frame_of, preview_of, rows_of
from resources.audience.positions import keep_position, position_of
from resources.audience.report import OrgReport
from resources.audience.shards import Shard, org_chunks
from resources.bulk import upsert_differing
from resources.database import Database, utc_now
from resources.tables import OrgAudienceDaily, OrgAudienceGrowth

PART = "growth"
SPANS = (7, 28)
LATEST_WITHIN = timedelta(days=30)
OF_METRIC = ["org_id", "provider", "metric"]
CHANGES = tuple(f"{kind}_{span}_days" for span in SPANS for kind in ("change", "growth"))
COLUMNS = (*OF_METRIC, "day", "value", "accounts", *CHANGES, "share")
FOLLOWERS = "followers"


def refresh_growth(database: Database, shard: Shard, *, full: bool = False) -> OrgReport:
    """Write the growth of the orgs whose numbers changed since the last time."""
    now, report = utc_now(), OrgReport()
    since = None if full else position_of(database, PART, shard)
    for org_ids in org_chunks(database, shard):
        growth = _growth(_numbers(database, org_ids, since, now))
        _write(database, growth, now)
        report.rows += len(growth)
        report.orgs += growth["org_id"].nunique()
        if len(growth):
            report.preview = preview_of(growth, COLUMNS)
    keep_position(database, PART, shard, now)
    return report


def _write(database: Database, growth: pd.DataFrame, now: datetime) -> None:
    table: Any = OrgAudienceGrowth.__table__
    with database.write() as connection:
        upsert_differing(connection, table, COLUMNS, rows_of(growth, COLUMNS), same={"updated_at": now})


def _numbers(
    database: Database, org_ids: Sequence[uuid.UUID], since: datetime | None, now: datetime
) -> pd.DataFrame:
    """Read the recent days of the orgs of which something changed."""
    row = OrgAudienceDaily
    begin = now.date() - LATEST_WITHIN - timedelta(days=max(SPANS))
    names: list[Any] = [row.org_id, row.provider, row.metric, row.day, row.value, row.accounts]
    query = sa.select(*names)
    query = query.where(row.org_id.in_(org_ids), row.day >= begin)
    if since is not None:
        changed = sa.select(row.org_id).where(row.org_id.in_(org_ids), row.updated_at >= since)
        query = query.where(row.org_id.in_(changed))
    with database.read() as connection:
        return frame_of(connection, query)


def _growth(numbers: pd.DataFrame) -> pd.DataFrame:
    numbers = numbers.sort_values([*OF_METRIC, "day"])
    latest = numbers.drop_duplicates(OF_METRIC, keep="last")
    for span in SPANS:
        before = numbers[[*OF_METRIC, "day", "value"]].rename(columns={"value": "before"})
        before["day"] += pd.Timedelta(days=span)
        latest = latest.merge(before, how="left", on=[*OF_METRIC, "day"])
        latest[f"change_{span}_days"] = latest["value"] - latest["before"]
        base = latest["before"].where(latest["before"] != 0)  # growth from nothing has no measure
        latest[f"growth_{span}_days"] = latest[f"change_{span}_days"] / base
        latest = latest.drop(columns="before")
    return latest.assign(share=_shares(latest))


def _shares(latest: pd.DataFrame) -> pd.Series:
    """Return each provider's share of its org's followers, of those that are known of the newest day."""
    followers = latest[latest["metric"] == FOLLOWERS]
    newest = followers.groupby("org_id")["day"].transform("max")
    current = followers[followers["day"] == newest]
    total = current.groupby("org_id")["value"].transform("sum")
    return (current["value"] / total.where(total != 0)).reindex(latest.index)
