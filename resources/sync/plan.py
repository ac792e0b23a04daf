"""What a run will cost of its app's quota, told before it begins: learned from the runs of the last day."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    """Units that a run is expected to cost, and those it may spend, by bucket.

    ``left_out`` are the streams that wait for a day on which everything can be paid for.
    """

    accounts: int
    costs: Mapping[str, int]
    left: Mapping[str, int]
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            f"{cost:,} of {self.left[bucket]:,} units left"
            + ("" if bucket == MAIN_BUCKET else f" for `{bucket}`")
            for bucket, cost in self.costs.items()
        ]
        waiting = f"; {', '.join(self.left_out)} and what is private wait" if self.left_out else ""
        accounts = f"{self.accounts:,} account{'' if self.accounts == 1 else 's'}"
        return f"this sync of {accounts} will cost {' and '.join(parts)}{waiting}"

    @property
    def is_affordable(self) -> bool:
        """Whether everything can be paid for today."""
        return all(cost <= self.left[bucket] for bucket, cost in self.costs.items())


def plan_of(database: Database, request: SyncRequest, quota: Quota) -> Plan:
    """Estimate what a run will cost, from what its streams cost an account in the last day."""
    accounts, learned = count_accounts(database, request), _learned(database, request)
    by_hand = request.source == "manual"
    left = {
        one.bucket: one.left if by_hand else one.left_for_schedules
        for one in balances(database, request.provider, quota)
    }
    plan = Plan(accounts, _costs(request, request.streams, accounts, learned), left)
    waiting = tuple(stream for stream in request.streams if stream.may_wait)
    if plan.is_affordable or not waiting or len(waiting) == len(request.streams):
        return plan
    rest = [stream for stream in request.streams if not stream.may_wait]
    names = tuple(stream.name for stream in waiting)
    return replace(plan, costs=_costs(request, rest, accounts, learned), left_out=names)


def _costs(
    request: SyncRequest, streams: Sequence[Stream], accounts: int, learned: Mapping[str, float]
) -> dict[str, int]:
    costs: dict[str, float] = defaultdict(float)
    for stream in streams:
        bucket = request.provider.bucket(stream)
        if bucket is not None:
            costs[bucket] += accounts * learned.get(request.asset(stream), _first_guess(stream))
    return {bucket: math.ceil(round(cost, 6)) for bucket, cost in costs.items()}


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
