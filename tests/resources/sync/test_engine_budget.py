"""Syncs that a quota cannot pay for: whoever waits today is first tomorrow, and nothing is lost meanwhile."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import uuid
from collections import Counter

import pytest
import sqlalchemy as sa

from resources.errors import BudgetSpent
from resources.sync.engine import SyncEngine
from resources.tables import Base, QuotaUsage

pytestmark = pytest.mark.providers

WHOLE = "youtube/channel_daily"  # it comes after all that is paid for


class Rationed:
    """Accounts of several orgs, and a budget of so many units a day."""

    def __init__(self, simulated, syncing, monkeypatch):
        self.simulated, self.syncing, self._env = simulated, syncing, monkeypatch
        monkeypatch.setenv("BACKLINE_YOUTUBE_MANUAL_SHARE", "0")
        self.accounts: list[uuid.UUID] = []

    def connect(self, **orgs):
        """Connect so many accounts to each org; remember them in the order of runs."""
        numbers = iter(range(100))
        for org, count in orgs.items():
            for _ in range(count):
                self.accounts.append(self.simulated.connect(org, next(numbers), provider="youtube"))
        table = Base.metadata.tables["connected_accounts"]
        query = sa.select(table.c.id).order_by(table.c.org_id, table.c.id)
        self.accounts = [row["id"] for row in self.simulated.rows(query)]
        self.simulated.requests()

    def ration(self, units, stats=10_000):
        self._env.setenv("BACKLINE_YOUTUBE_QUOTA", f"main={units},stats={stats}")

    def new_day(self):
        with self.simulated.database.write() as connection:
            connection.execute(sa.delete(QuotaUsage))

    def run(self, units, stats=10_000, **more):
        """Let a new day come, and sync with so many units; return the report, and who was read whole."""
        self.new_day()
        self.ration(units, stats)
        name, backline = uuid.uuid4().hex, self.simulated.backline
        request = self.syncing.request(run=name, **more)
        engine = SyncEngine(backline, request, transport=self.simulated.wire, concurrency=1)
        report = self.simulated.run(engine.run())
        read = [row["account_id"] for row in self.syncing.results(run_id=name, asset=WHOLE)]
        return report, sorted(read, key=self.accounts.index)


@pytest.fixture
def rationed(simulated, on_youtube, monkeypatch):
    return Rationed(simulated, on_youtube, monkeypatch)


@pytest.mark.parametrize("orgs", [{"one": 3, "two": 4, "three": 1}, {"large": 8}])
def test_nobody_is_read_again_before_everybody_was_read_once(rationed, orgs):
    """Also not in an org that is larger than what a day can pay for."""
    rationed.connect(**orgs)
    counts = Counter(dict.fromkeys(rationed.accounts, 0))
    for _ in range(7):
        report, read = rationed.run(12)
        assert report.deferred + report.accounts.total() == len(rationed.accounts)
        counts.update(read)
        assert max(counts.values()) - min(counts.values()) <= 1
    assert min(counts.values()) >= 2


def test_accounts_that_wait_stay_as_they_were(rationed):
    rationed.connect(one=6)
    report, read = rationed.run(8)
    waiting = [account for account in rationed.accounts if account not in read]
    assert isinstance(report.stopped, BudgetSpent)
    assert report.deferred
    assert len(waiting) >= report.deferred
    assert {rationed.syncing.account(one)["sync_status"] for one in waiting[1:]} == {"never"}
    assert {rationed.syncing.account(one)["error_type"] for one in rationed.accounts} == {None}


def test_nothing_is_wrong_where_the_budget_ended(rationed):
    rationed.connect(one=6)
    report, _ = rationed.run(8)
    assert report.accounts["failed"] == 0
    assert report.failed_share == 0
    assert rationed.syncing.results(status="failed") == []
    assert rationed.syncing.events("error.occurred") == []
    assert rationed.simulated.rows("SELECT * FROM provider_parks") == [], "a person may still sync"


def test_only_orgs_with_results_are_told_of_and_their_counts_are_right(rationed):
    rationed.connect(one=2, two=2, three=2)
    rationed.run(8)
    results = rationed.syncing.results()
    told = {event["org_id"]: event["payload"]["accounts"] for event in rationed.syncing.events()}
    by_org = {}
    for row in results:
        by_org.setdefault(row["org_id"], set()).add(row["account_id"])
    assert {org: counts["synced"] for org, counts in told.items()} == {
        org: len(accounts) for org, accounts in by_org.items()
    }
    assert 0 < len(told) < 3


def test_an_org_that_a_run_began_in_the_middle_of_is_told_of_once_and_whole(rationed):
    rationed.connect(one=3, two=3)
    rationed.run(10)
    before = {event["id"] for event in rationed.syncing.events()}
    report, read = rationed.run(10_000)
    assert set(read) == set(rationed.accounts)
    assert report.deferred == 0
    told = [event for event in rationed.syncing.events() if event["id"] not in before]
    assert [event["payload"]["accounts"]["synced"] for event in told] == [3, 3]
    assert rationed.simulated.rows("SELECT * FROM sync_positions") == []


def test_the_next_run_begins_where_the_last_one_stopped(rationed):
    rationed.connect(one=3, two=3)
    _, first = rationed.run(10)
    (position,) = rationed.simulated.rows(sa.select(Base.metadata.tables["sync_positions"]))
    assert position["account_id"] in rationed.accounts
    place = rationed.accounts.index(position["account_id"])
    assert first == rationed.accounts[:place]
    _, second = rationed.run(10)
    assert rationed.accounts[place] in second


def test_a_run_of_a_part_moves_no_position(rationed):
    rationed.connect(one=6)
    rationed.run(8)
    before = rationed.simulated.rows("SELECT account_id FROM sync_positions")
    assert len(before) == 1
    rationed.ration(10_000)
    rationed.syncing.sync("channels")
    rationed.syncing.sync(accounts=(rationed.accounts[0],))
    rationed.syncing.sync(orgs=("one",))
    rationed.syncing.sync(only_failed=True)
    assert rationed.simulated.rows("SELECT account_id FROM sync_positions") == before


def test_what_an_account_had_read_when_the_budget_ended_is_kept(rationed):
    rationed.connect(one=1)
    report, _ = rationed.run(1)
    (account,) = rationed.accounts
    assert report.deferred == 0
    assert rationed.syncing.stored("channels", account)
    assert rationed.syncing.stored("uploads", account) == []
    assert rationed.syncing.account(account)["error_type"] is None
    rationed.run(10_000)
    assert rationed.syncing.stored("uploads", account)
    assert rationed.syncing.stored("channel_daily", account)


def test_the_simulator_counts_no_more_than_the_budget(rationed):
    rationed.connect(one=4, two=4)
    report, _ = rationed.run(30)
    used = rationed.simulated.ask("GET", "/control/youtube/quota")["used"]
    assert used["default"] == report.paid["main"] == 30
    assert used["stats"] == report.paid.get("stats", 0)


def test_a_lesser_bucket_that_is_spent_lets_who_waits_be_first_next_time(rationed):
    rationed.connect(one=4)
    seen = set()
    for _ in range(6):
        before = {(row["run_id"], row["account_id"]) for row in rationed.syncing.results()}
        report, _ = rationed.run(10_000, stats=4)
        assert report.accounts["failed"] == 0
        read = rationed.syncing.results(asset="youtube/video_statistics", status="ok")
        seen |= {row["account_id"] for row in read if (row["run_id"], row["account_id"]) not in before}
    assert seen == set(rationed.accounts)


def test_a_quota_that_the_provider_calls_spent_parks_and_is_believed(rationed, simulated):
    rationed.connect(one=3)
    simulated.control("youtube/mode", daily_units=3)
    report, _ = rationed.run(10_000)
    assert type(report.stopped).__name__ == "QuotaExhausted"
    assert len(simulated.rows("SELECT * FROM provider_parks")) == 1
    (spent,) = simulated.rows("SELECT units FROM quota_usage WHERE bucket = 'main'")
    assert spent["units"] == 10_000
