"""How a run went: one sum a stream, and the accounts that went worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from resources.errors import BudgetSpent, ParkingError
from resources.http import Usage
from resources.sync.passes import AccountPass, StreamPass
from resources.sync.plan import Plan

NAMED_ACCOUNTS = 100
NAMED_PROBLEMS = 20


@dataclass(frozen=True)
class Trouble:
    """An account that did not go well, and why."""

    org: str
    account: str
    account_id: str
    error: str
    message: str


@dataclass
class StreamReport:
    """One stream over all accounts of the run."""

    accounts: Counter[str] = field(default_factory=Counter)
    records: int = 0
    rejected: int = 0
    deleted: int = 0
    unchanged: int = 0
    incomplete: int = 0
    usage: Usage = field(default_factory=Usage)
    problems: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def failed_share(self) -> float:
        """The share of accounts whose stream failed, 0 where there were none."""
        total = self.accounts.total()
        return self.accounts["failed"] / total if total else 0.0

    def add(self, account: AccountPass, stream: StreamPass) -> None:
        """Count one account's pass."""
        self.accounts[stream.status] += 1
        self.records += len(stream.rows)
        self.rejected += stream.rejected
        self.deleted += stream.deleted
        self.unchanged += len(stream.unchanged)
        self.incomplete += not stream.complete
        self.usage.add(stream.usage)
        self.problems += stream.problems[: NAMED_PROBLEMS - len(self.problems)]
        if stream.error and len(self.troubles) < NAMED_ACCOUNTS:
            self.troubles.append(
                Trouble(
                    account.account.org_slug,
                    account.account.name,
                    str(account.account.id),
                    stream.error.code,
                    str(stream.error),
                )
            )


@dataclass
class SyncReport:
    """A whole run.

    ``deferred`` are accounts that were not asked for, ``stopped`` is why. ``plan`` is what the run was
    expected to cost of the app's quota, ``paid`` what it did, by bucket.
    """

    streams: dict[str, StreamReport]
    accounts: Counter[str] = field(default_factory=Counter)
    events: int = 0
    deferred: int = 0
    stopped: ParkingError | None = None
    plan: Plan | None = None
    paid: Mapping[str, int] = field(default_factory=dict)

    def add(self, account: AccountPass) -> None:
        """Count one committed account."""
        if account.deferred:
            self.deferred += 1
            return
        self.accounts[account.status] += 1
        for stream in account.streams:
            self.streams[stream.stream.name].add(account, stream)

    @property
    def records(self) -> int:
        """All records written."""
        return sum(stream.records for stream in self.streams.values())

    @property
    def failed_share(self) -> float:
        """The share of accounts that failed wholly; what an app's stop deferred counts as such.

        Not so where it stopped by itself, at the end of its budget.
        """
        unplanned = 0 if isinstance(self.stopped, BudgetSpent) else self.deferred
        total = self.accounts.total() + unplanned
        return (self.accounts["failed"] + unplanned) / total if total else 0.0
