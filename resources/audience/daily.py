"""Writing ``audience_daily`` from the streams that the providers' metrics name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from resources.audience.positions import keep_position, position_of
from resources.audience.shards import Shard, account_chunks
from resources.audience.statements import MetricWrite
from resources.database import Database, utc_now
from resources.provider import Metric, Provider
from resources.tables import ConnectedAccount, SyncResult

# results tell which accounts were synced lately, and are deleted after `RETENTION_DAYS`, at least a day
LONGEST_TRUST = timedelta(days=1)
COUNTED = {"preserve_rowcount": True}  # else the driver's count of an insert is thrown away


@dataclass
class ProviderAudience:
    """What one provider brought: rows written or changed by metric, and what stopped it, if anything did."""

    rows: dict[str, int] = field(default_factory=dict)
    error: Exception | None = None


def refresh_daily(
    database: Database, providers: Iterable[Provider], shard: Shard, *, full: bool = False
) -> dict[str, ProviderAudience]:
    """Write what was synced since the last time, ``full`` all there is; one provider's fault is its own.

    Written again, the same rows change nothing. A number of now is written for the day of its sync;
    numbers by day for the days that were synced.
    """
    done = {provider.name: ProviderAudience() for provider in providers}
    for provider in providers:
        part = done[provider.name]
        try:
            for metric in provider.audience:
                part.rows[metric.name] = _refresh(database, provider, metric, shard, full=full)
        except Exception as error:  # noqa: BLE001  # whatever it is, the other providers go on
            part.error = error
    return done


def part_of(provider: Provider, metric: Metric) -> str:
    """Return a metric's name among the positions."""
    return f"{provider.name}/{metric.name}"


def _refresh(database: Database, provider: Provider, metric: Metric, shard: Shard, *, full: bool) -> int:
    now = utc_now()
    since = None if full else position_of(database, part_of(provider, metric), shard)
    if since is not None and since < now - LONGEST_TRUST:
        since = None
    write, rows = MetricWrite(provider, metric, since, now), 0
    for ids in account_chunks(database, _wanted(write, shard)):
        with database.write() as connection:
            result = connection.execute(write.statement(connection, ids), execution_options=COUNTED)
            rows += result.rowcount
    keep_position(database, part_of(provider, metric), shard, now)
    return rows


def _wanted(write: MetricWrite, shard: Shard) -> sa.ColumnElement[bool]:
    """Say whether an account may have news of a metric."""
    wanted = (ConnectedAccount.provider == write.provider.name) & shard.holds
    if write.metric.is_snapshot:
        wanted &= ConnectedAccount.status != "disconnected"
    return wanted if write.since is None else wanted & _synced_since(write.stream, write.since)


def _synced_since(stream: str, since: datetime) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        SyncResult.account_id == ConnectedAccount.id,
        SyncResult.asset == stream,
        SyncResult.finished_at >= since,
    )
