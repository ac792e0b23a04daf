"""What is computed with pandas, which is loaded by the first call.

Loading it takes a third of a second. Dagster runs each run as a process of its own, and few of them compute.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from resources.audience.drops import Volume
from resources.audience.report import OrgReport, Snapshots
from resources.audience.shards import Shard
from resources.database import Database
from resources.provider import Provider

# ruff: noqa: PLC0415  # this module is where they are imported late


def refresh_org_daily(
    database: Database, snapshots: Snapshots, shard: Shard, *, full: bool = False
) -> OrgReport:
    """Write ``org_audience_daily``."""
    from resources.audience import org_daily

    return org_daily.refresh_org_daily(database, snapshots, shard, full=full)


def refresh_growth(database: Database, shard: Shard, *, full: bool = False) -> OrgReport:
    """Write ``org_audience_growth``."""
    from resources.audience import growth

    return growth.refresh_growth(database, shard, full=full)


def measure_volume(database: Database, providers: Iterable[Provider], now: datetime) -> Volume:
    """Compare every connected account's last complete passes with those before them."""
    from resources.audience import volume

    return volume.measure(database, providers, now)
