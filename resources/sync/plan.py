"""What a run will cost of its app's quota, told before it begins: learned from the runs of the last day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from resources.budget import balances
from resources.database import Database, utc_now
from resources.provider import MAIN_BUCKET, Quota, Stream
from resources.sync.request import SyncRequest, count_accounts
from resources.tables import SyncResult

LEARNED_FROM = timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """Units that a run is expected to cost, and those it may spend, by bucket."""

    accounts: int
    costs: Mapping[str, int]
    left: Mapping[str, int]

    def __str__(self) -> str:
        parts = [
            f"{cost:,} of {self.left[bucket]:,} units left"
            + ("" if bucket == MAIN_BUCKET else f" for `{bucket}`")
            for bucket, cost in self.costs.items()
        ]
        return f"this sync of {self.accounts:,} accounts will cost {' and '.join(parts)}"

    @property
    def is_affordable(self) -> bool:
        """Whether everything can be paid for today."""
        return all(cost <= self.left[bucket] for bucket, cost in self.costs.items())


def plan_of(database: Database, request: SyncRequest, quota: Quota) -> Plan:
    """Estimate what a run will cost, from what its streams cost an account in the last day."""
    accounts, learned = count_accounts(database, request), _learned(database, request)
    costs: Counter[str] = Counter()
    for stream in request.streams:
        bucket = request.provider.bucket(stream)
        if bucket is not None:
            costs[bucket] += round(accounts * learned.get(request.asset(stream), _first_guess(stream)))
    by_hand = request.source == "manual"
    left = {
        one.bucket: one.left if by_hand else one.left_for_schedules
        for one in balances(database, request.provider, quota)
    }
    return Plan(accounts, dict(costs), left)


def _first_guess(stream: Stream) -> float:
    """Return the requests an account of a stream that was never read: one, or its part of a shared one."""
    if stream.optional:
        return 0.0
    return 1 / stream.shared.size if stream.shared else 1.0


def _learned(database: Database, request: SyncRequest) -> dict[str, float]:
    """Return the mean requests an account, by asset."""
    assets = [request.asset(stream) for stream in request.streams]
    query = (
        sa.select(SyncResult.asset, sa.func.sum(SyncResult.requests), sa.func.count())
        .where(SyncResult.asset.in_(assets), SyncResult.finished_at > utc_now() - LEARNED_FROM)
        .where(SyncResult.status != "failed")
        .group_by(SyncResult.asset)
    )
    with database.read() as connection:
        return {row[0]: float(row[1]) / row[2] for row in connection.execute(query)}
