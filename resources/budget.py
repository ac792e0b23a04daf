"""The budget of a provider app's daily quota: counted in the database, spent before each request.

Units are taken in small blocks, so that a request seldom waits for the database; what is left of a
block is given back at the end. A process that is killed leaves at most a block uncounted for, on the
safe side. See ``docs/decisions/0011-quota-as-a-budget.md``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Protocol

import sqlalchemy as sa

from resources.database import Clock, Database, insert_into, utc_now
from resources.errors import BucketSpent, BudgetSpent, ProviderError, QuotaExhausted
from resources.provider import MAIN_BUCKET, Provider, Quota
from resources.tables import QuotaUsage

BLOCK_UNITS = 20


@dataclass(frozen=True)
class Balance:
    """One bucket of today: units a day, those spent, and those that schedules leave to people."""

    bucket: str
    limit: int
    spent: int
    kept: int

    @property
    def left(self) -> int:
        """Units left for anybody."""
        return max(self.limit - self.spent, 0)

    @property
    def left_for_schedules(self) -> int:
        """Units left for what nobody asked for by hand."""
        return max(self.limit - self.kept - self.spent, 0)


class Purse(Protocol):
    """What a client pays its requests from; ``paid`` are the units paid so far, by bucket."""

    @property
    def paid(self) -> Mapping[str, int]:
        """Units paid so far, by bucket."""

    async def take(self, bucket: str | None) -> None:
        """Pay one request; raise ``ProviderError`` where there is nothing to pay it from."""

    async def spent(self, bucket: str | None, asked_at: datetime) -> None:
        """Note that the provider said a bucket is empty, to a request of that moment."""

    async def aclose(self) -> None:
        """Give back what was not used."""


class Unlimited:
    """The purse of a provider without a quota."""

    paid: Mapping[str, int] = MappingProxyType({})

    async def take(self, bucket: str | None) -> None:
        """Pay nothing."""

    async def spent(self, bucket: str | None, asked_at: datetime) -> None:
        """Note nothing."""

    async def aclose(self) -> None:
        """Give nothing back."""


def balances(
    database: Database, provider: Provider, quota: Quota, now: datetime | None = None
) -> list[Balance]:
    """Return today's balance of every bucket."""
    day = quota.day(now or utc_now())
    query = sa.select(QuotaUsage.bucket, QuotaUsage.units).where(
        QuotaUsage.provider == provider.name, QuotaUsage.day == day
    )
    with database.read() as connection:
        used = {row.bucket: row.units for row in connection.execute(query)}
    return [
        Balance(bucket, limit, used.get(bucket, 0), math.ceil(limit * quota.manual_share))
        for bucket, limit in quota.buckets.items()
    ]


class Budget:
    """Spends one provider app's quota; ``by_hand`` may spend what schedules leave to people."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        quota: Quota,
        *,
        by_hand: bool,
        clock: Clock = utc_now,
    ) -> None:
        self._database, self._provider, self._quota, self._by_hand = database, provider, quota, by_hand
        self._clock = clock
        self._held: dict[str, tuple[date, int]] = {}
        self._paid: dict[str, int] = {}
        self._lock = asyncio.Lock()

    @property
    def paid(self) -> Mapping[str, int]:
        """Units paid so far, by bucket."""
        return self._paid

    async def take(self, bucket: str | None) -> None:
        """Pay one unit; raise ``QuotaExhausted``, ``BudgetSpent`` or, of a lesser bucket, ``BucketSpent``."""
        if bucket is None:
            return
        async with self._lock:
            now = self._clock()
            today = self._quota.day(now)
            day, units = self._held.get(bucket, (today, 0))
            if day != today or not units:
                units = await asyncio.to_thread(self._reserve, bucket, today)
            if not units:
                raise self._refusal(bucket, now)
            self._held[bucket] = (today, units - 1)
            self._paid[bucket] = self._paid.get(bucket, 0) + 1

    async def spent(self, bucket: str | None, asked_at: datetime) -> None:
        """Count a bucket as empty for the day of the request: another program spends from it too."""
        if bucket is None:
            return
        day = self._quota.day(asked_at)
        async with self._lock:
            if bucket in self._held and self._held[bucket][0] == day:
                del self._held[bucket]
            await asyncio.to_thread(self._empty, bucket, day)

    async def aclose(self) -> None:
        """Give back what is left of the blocks."""
        async with self._lock:
            held, self._held = self._held, {}
            for bucket, (day, units) in held.items():
                if units:
                    await asyncio.to_thread(self._add, bucket, day, -units)

    def _allowed(self, bucket: str) -> int:
        limit = self._quota.buckets[bucket]
        return limit if self._by_hand else limit - math.ceil(limit * self._quota.manual_share)

    def _refusal(self, bucket: str, now: datetime) -> ProviderError:
        reset, limit = self._quota.reset(now), self._quota.buckets[bucket]
        if bucket != MAIN_BUCKET:
            units = f"{self._allowed(bucket):,} units for `{bucket}`"
            problem = f"today's {units} are spent until {reset:%Y-%m-%d %H:%M} UTC"
            return BucketSpent(self._provider.name, problem)
        if self._by_hand:
            problem = f"today's {limit:,} units are spent"
            return QuotaExhausted(self._provider.name, problem, retry_at=reset)
        problem = f"the {self._allowed(bucket):,} of today's {limit:,} units that schedules may use are spent"
        return BudgetSpent(self._provider.name, problem, retry_at=reset)

    def _reserve(self, bucket: str, day: date) -> int:
        """Reserve a block, or as much of one as there is; return its units."""
        allowed, mine = self._allowed(bucket), _row(self._provider, bucket, day)
        with self._database.write() as connection:
            _ensure(connection, self._provider, bucket, day)
            used = connection.execute(sa.select(QuotaUsage.units).where(mine).with_for_update()).scalar_one()
            units = min(BLOCK_UNITS, max(allowed - used, 0))
            connection.execute(sa.update(QuotaUsage).where(mine).values(units=QuotaUsage.units + units))
        return units

    def _add(self, bucket: str, day: date, units: int) -> None:
        mine = _row(self._provider, bucket, day)
        with self._database.write() as connection:
            connection.execute(sa.update(QuotaUsage).where(mine).values(units=QuotaUsage.units + units))

    def _empty(self, bucket: str, day: date) -> None:
        limit, mine = self._quota.buckets[bucket], _row(self._provider, bucket, day)
        with self._database.write() as connection:
            _ensure(connection, self._provider, bucket, day)
            connection.execute(
                sa.update(QuotaUsage).where(mine, QuotaUsage.units < limit).values(units=limit)
            )


def _row(provider: Provider, bucket: str, day: date) -> sa.ColumnElement[bool]:
    return sa.and_(QuotaUsage.provider == provider.name, QuotaUsage.bucket == bucket, QuotaUsage.day == day)


def _ensure(connection: sa.Connection, provider: Provider, bucket: str, day: date) -> None:
    insert = insert_into(connection, QuotaUsage).values(
        provider=provider.name, bucket=bucket, day=day, units=0
    )
    connection.execute(insert.on_conflict_do_nothing(index_elements=["provider", "bucket", "day"]))
