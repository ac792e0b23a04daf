"""The budget of a quota: whoever spends from it, and however they end, a day's units are never exceeded."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.budget import BLOCK_UNITS, Budget, Unlimited, balances
from resources.errors import BucketSpent, BudgetSpent, ParkingError, ProviderError, QuotaExhausted
from resources.provider import Quota
from resources.providers import PROVIDERS
from resources.settings import REPOSITORY

pytestmark = pytest.mark.providers

PACIFIC = "America/Los_Angeles"
QUOTA = Quota({"main": 100, "stats": 50}, zone=PACIFIC, manual_share=0.1)
NOON = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_budget(database, clock):
    """Return a function that opens a budget as a process of its own would."""

    def open_one(*, by_hand=False, quota=QUOTA, provider=PROVIDERS["youtube"]):
        return Budget(database, provider, quota, by_hand=by_hand, clock=clock)

    return open_one


async def taken(budget, wanted, bucket="main"):
    """Take units until there are none; return how many there were, and why there are no more."""
    for count in range(wanted):
        try:
            await budget.take(bucket)
        except ProviderError as error:
            return count, error
    return wanted, None


def units_of(database, bucket="main", now=NOON, quota=QUOTA):
    found = balances(database, PROVIDERS["youtube"], quota, now)
    return next(one for one in found if one.bucket == bucket)


class TestRefusals:
    """Which error says what is spent."""

    def test_a_schedule_stops_at_what_is_kept_for_people(self, open_budget):
        count, error = asyncio.run(taken(open_budget(), 1_000))
        assert count == 90
        assert type(error) is BudgetSpent
        assert isinstance(error, ParkingError)
        assert "the 90 of today's 100 units that schedules may use are spent" in str(error)

    def test_a_person_may_spend_the_rest(self, open_budget):
        asyncio.run(taken(open_budget(), 1_000))
        count, error = asyncio.run(taken(open_budget(by_hand=True), 1_000))
        assert count == 10
        assert type(error) is QuotaExhausted

    def test_a_lesser_bucket_stops_nothing_but_itself(self, open_budget):
        budget = open_budget()
        count, error = asyncio.run(taken(budget, 1_000, "stats"))
        assert count == 45
        assert type(error) is BucketSpent
        assert not error.whole_account
        assert "today's 45 units for `stats` are spent until 2026-11-24 08:00 UTC" in str(error)
        assert asyncio.run(taken(budget, 5)) == (5, None)

    def test_they_end_at_the_next_midnight_of_the_providers_zone(self, open_budget, clock):
        clock.now = datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC)
        _, error = asyncio.run(taken(open_budget(), 1_000))
        assert error.retry_at == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

    def test_a_quota_of_nothing_lets_nothing_through(self, open_budget):
        none = replace(QUOTA, buckets={"main": 0})
        assert asyncio.run(taken(open_budget(quota=none, by_hand=True), 1))[0] == 0

    def test_all_of_it_may_be_kept_for_people(self, open_budget):
        kept = replace(QUOTA, manual_share=1.0)
        assert asyncio.run(taken(open_budget(quota=kept), 1))[0] == 0
        assert asyncio.run(taken(open_budget(quota=kept, by_hand=True), 1_000))[0] == 100


class TestBlocks:
    """Units are taken in blocks, and what is left of them is given back."""

    def test_what_was_not_used_is_given_back(self, open_budget, database):
        async def spend():
            budget = open_budget()
            await taken(budget, 3)
            held = units_of(database).spent
            await budget.aclose()
            return held

        assert asyncio.run(spend()) == BLOCK_UNITS
        assert units_of(database).spent == 3

    def test_a_crash_loses_a_block_at_most(self, open_budget, database):
        asyncio.run(taken(open_budget(), 3))
        assert units_of(database).spent == BLOCK_UNITS
        assert asyncio.run(taken(open_budget(by_hand=True), 1_000))[0] == 100 - BLOCK_UNITS

    def test_closing_twice_gives_back_once(self, open_budget, database):
        async def spend():
            budget = open_budget()
            await taken(budget, 3)
            await budget.aclose()
            await budget.aclose()

        asyncio.run(spend())
        assert units_of(database).spent == 3

    def test_paid_counts_what_was_let_through(self, open_budget):
        async def spend():
            budget = open_budget()
            await taken(budget, 3)
            await taken(budget, 2, "stats")
            await budget.take(None)
            await budget.aclose()
            return dict(budget.paid)

        assert asyncio.run(spend()) == {"main": 3, "stats": 2}


class TestMidnight:
    """A day ends at the provider's midnight, whatever was held before."""

    @pytest.mark.parametrize(
        ("before", "hours"),
        [
            (datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC), 24),
            (datetime(2026, 3, 8, 7, 59, 59, tzinfo=UTC), 23),  # clocks go forward
            (datetime(2026, 11, 1, 6, 59, 59, tzinfo=UTC), 25),  # and back
        ],
    )
    def test_a_new_day_has_all_of_its_units(self, open_budget, clock, database, before, hours):
        async def spend():
            budget, clock.now = open_budget(by_hand=True), before
            first, _ = await taken(budget, 1_000)
            clock.now = before + timedelta(seconds=1)
            second, _ = await taken(budget, 1_000)
            clock.now += timedelta(hours=hours) - timedelta(seconds=1)
            third, _ = await taken(budget, 1_000)
            clock.now += timedelta(seconds=1)
            return first, second, third, (await taken(budget, 1_000))[0]

        assert asyncio.run(spend()) == (100, 100, 0, 100)

    def test_what_is_held_of_yesterday_is_not_spent_today(self, open_budget, clock, database):
        async def spend():
            budget = open_budget()
            await taken(budget, 1)
            clock.now += timedelta(days=1)
            await taken(budget, 1)
            await budget.aclose()

        asyncio.run(spend())
        assert units_of(database, now=NOON + timedelta(days=1)).spent == 1

    def test_a_refusal_that_comes_after_midnight_is_of_the_day_that_was_asked(
        self, open_budget, clock, database
    ):
        async def spend():
            budget, clock.now = open_budget(), datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC)
            await budget.take("main")
            asked_at, clock.now = clock.now, clock.now + timedelta(seconds=2)
            await budget.take("main")
            await budget.spent("main", asked_at)
            return await taken(budget, 1_000)

        assert asyncio.run(spend())[0] == 89
        assert units_of(database, now=datetime(2026, 11, 24, 7, tzinfo=UTC)).left == 0


class TestSpentElsewhere:
    """The provider says that nothing is left, because another program spends too."""

    def test_nothing_more_is_let_through(self, open_budget, database):
        async def spend():
            budget = open_budget(by_hand=True)
            await taken(budget, 3)
            await budget.spent("main", NOON)
            count, error = await taken(budget, 1)
            await budget.aclose()
            return count, type(error)

        assert asyncio.run(spend()) == (0, QuotaExhausted)
        assert units_of(database).left == 0

    def test_the_other_bucket_goes_on(self, open_budget):
        async def spend():
            budget = open_budget()
            await budget.spent("stats", NOON)
            await budget.spent(None, NOON)
            return await taken(budget, 3), (await taken(budget, 3, "stats"))[0]

        assert asyncio.run(spend()) == ((3, None), 0)


def test_a_provider_without_a_quota_pays_nothing():
    async def spend():
        purse = Unlimited()
        await purse.take("main")
        await purse.spent("main", NOON)
        await purse.aclose()
        return dict(purse.paid)

    assert asyncio.run(spend()) == {}


STEPS = st.one_of(
    st.tuples(st.just("take"), st.integers(0, 3), st.integers(1, 40)),
    st.tuples(st.sampled_from(["close", "crash", "spent"]), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("wait"), st.just(0), st.integers(1, 30)),
)
STARTS = st.sampled_from([NOON, datetime(2026, 3, 8, 6, tzinfo=UTC), datetime(2026, 11, 1, 5, tzinfo=UTC)])


class Model:
    """Four budgets of one quota, two of schedules and two of people, and what they let through."""

    def __init__(self, database, start):
        self.provider = replace(PROVIDERS["youtube"], name=uuid.uuid4().hex)
        self.database, self.clock = database, Clock(start)
        self.through: Counter[tuple[date, bool]] = Counter()
        self.crashes: Counter[date] = Counter()
        self.emptied: set[date] = set()
        self.budgets = [self.new(number) for number in range(4)]

    def new(self, number):
        return Budget(self.database, self.provider, QUOTA, by_hand=number > 1, clock=self.clock)

    @property
    def today(self):
        return QUOTA.day(self.clock.now)

    async def step(self, action, number, amount):
        if action == "wait":
            self.clock.now += timedelta(hours=amount)
        elif action == "take":
            count, _ = await taken(self.budgets[number], amount)
            self.through[self.today, number > 1] += count
        elif action == "spent":
            await self.budgets[number].spent("main", self.clock.now)
            self.emptied.add(self.today)
        else:
            if action == "close":
                await self.budgets[number].aclose()
            else:
                self.crashes[self.today] += 1
            self.budgets[number] = self.new(number)

    async def drain(self):
        """Close all, and let a person spend the rest of the day."""
        for budget in self.budgets:
            await budget.aclose()
        count, _ = await taken(self.new(3), 1_000)
        self.through[self.today, True] += count


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(start=STARTS, steps=st.lists(STEPS, max_size=25))
def test_no_interleaving_lets_more_through_than_a_days_units(database, start, steps):
    async def play():
        model = Model(database, start)
        for step in steps:
            await model.step(*step)
        await model.drain()
        return model

    model = asyncio.run(play())
    for day in {day for day, _ in model.through}:
        scheduled, by_hand = model.through[day, False], model.through[day, True]
        assert scheduled <= 90
        assert scheduled + by_hand <= 100
    if model.today not in model.emptied:
        total = model.through[model.today, False] + model.through[model.today, True]
        assert total >= 100 - BLOCK_UNITS * model.crashes[model.today], "a crash loses a block at most"


def test_threads_together_let_through_exactly_the_units(open_budget):
    barrier = threading.Barrier(4)

    def spend(_):
        async def go():
            budget = open_budget()
            barrier.wait()
            count, _ = await taken(budget, 1_000)
            await budget.aclose()
            return count

        return asyncio.run(go())

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(spend, range(4))) == 90


def test_tasks_of_one_budget_let_through_exactly_the_units(open_budget):
    async def go():
        budget = open_budget()
        return sum([count for count, _ in await asyncio.gather(*(taken(budget, 30) for _ in range(10)))])

    assert asyncio.run(go()) == 90


PROGRAM = """
import asyncio, sys
from resources.budget import Budget
from resources.database import Database
from resources.errors import ProviderError
from resources.provider import Quota
from resources.providers import PROVIDERS

async def spend():
    quota = Quota({"main": 500}, zone="UTC")
    budget = Budget(Database(sys.argv[1]), PROVIDERS["youtube"], quota, by_hand=False)
    count = 0
    try:
        while True:
            await budget.take("main")
            count += 1
    except ProviderError:
        await budget.aclose()
    print(count)

asyncio.run(spend())
"""


@pytest.mark.integration
def test_processes_together_let_through_exactly_the_units(database):
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", PROGRAM, url]
    spenders = [
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert sum(int(spender.communicate()[0]) for spender in spenders) == 450
