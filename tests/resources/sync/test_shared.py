"""Requests that accounts share: all are answered, in as few requests as can be, and nobody waits for ever."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import (
    AccountThrottled,
    ContractChanged,
    GrantExpired,
    ParkingError,
    PermissionMissing,
    ProviderError,
    QuotaExhausted,
    Transient,
    Unexpected,
)
from resources.sync.shared import Answer, Crowd

pytestmark = pytest.mark.providers

LATER = datetime(2027, 1, 1, tzinfo=UTC)
ERRORS = {
    "grant": lambda: GrantExpired("acme", "gone"),
    "throttled": lambda: AccountThrottled("acme", "slow down", retry_at=LATER),
    "permission": lambda: PermissionMissing("acme", "no"),
    "unexpected": lambda: Unexpected("acme", "bug"),
    "quota": lambda: QuotaExhausted("acme", "spent", retry_at=LATER),
    "transient": lambda: Transient("acme", "500"),
    "contract": lambda: ContractChanged("acme", "what"),
    "fault": ZeroDivisionError,
}
OWN = {"grant", "throttled", "permission", "unexpected"}


@dataclass
class Member:
    """One account of a run: the ids it needs, stream by stream, and what its own requests meet."""

    name: str
    needs: list[int]
    fault: str = ""
    pauses: int = 0
    outcomes: list[object] = field(default_factory=list)


class Run:
    """A run of members through a crowd, at most ``workers`` at once, its requests of ``size`` ids at most."""

    def __init__(self, members, size=5, workers=4, missing=(), problem=""):
        self.members, self.size, self.workers = members, size, workers
        self.missing, self.problem = set(missing), problem
        self.crowd = Crowd(workers)
        self.queues = [self.crowd.requests(size) for _ in range(max(len(one.needs) for one in members))]
        self.asked: list[tuple[str, list[str]]] = []

    def ids(self, member, stream):
        return [f"{member.name}/{stream}/{number}" for number in range(member.needs[stream])]

    async def ask(self, member, ids):
        self.asked.append((member.name, list(ids)))
        await asyncio.sleep(0)
        if member.fault:
            raise ERRORS[member.fault]()  # noqa: RSE102  # it makes the error
        rows = {one: (one,) for one in ids if one not in self.missing}
        return Answer(rows, (self.problem,) if self.problem else ())

    async def read(self, member):
        for stream in range(len(member.needs)):
            for _ in range(member.pauses):
                await asyncio.sleep(0)
            ids = self.ids(member, stream)
            try:
                wait = await self.queues[stream].read(ids, lambda several: self.ask(member, several))
            except (ProviderError, ZeroDivisionError) as error:
                member.outcomes.append(error)
            else:
                member.outcomes.append(wait)

    async def work(self, waiting):
        while not waiting.empty():
            member = waiting.get_nowait()
            self.crowd.enter()
            try:
                await self.read(member)
            finally:
                self.crowd.leave()
        self.crowd.complete()

    def go(self):
        async def everybody():
            waiting = asyncio.Queue()
            for member in self.members:
                waiting.put_nowait(member)
            async with asyncio.timeout(20), asyncio.TaskGroup() as workers:
                for _ in range(self.workers):
                    workers.create_task(self.work(waiting))

        asyncio.run(everybody())
        return self

    @property
    def counters(self):
        return self.crowd._active, self.crowd._waiting, self.crowd._in_flight


members = st.lists(
    st.tuples(
        st.lists(st.integers(0, 12), min_size=1, max_size=3),
        st.sampled_from(["", "", "", "", *ERRORS]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=14,
).map(
    lambda parts: [
        Member(f"a{number}", needs, fault, pauses) for number, (needs, fault, pauses) in enumerate(parts)
    ]
)


@settings(max_examples=150, deadline=None)
@given(members=members, size=st.integers(1, 9), workers=st.integers(1, 6))
def test_everybody_ends_and_is_answered_for_their_own_ids(members, size, workers):
    run = Run(members, size, workers).go()
    assert run.counters == (0, 0, 0)
    assert all(len(ids) <= size for _, ids in run.asked)
    asked = {one for _, ids in run.asked for one in ids}
    for member in members:
        assert len(member.outcomes) == len(member.needs)
        for stream, outcome in enumerate(member.outcomes):
            ids = set(run.ids(member, stream))
            if isinstance(outcome, Exception):
                continue
            assert set(outcome.rows) == ids <= asked
            assert (outcome.doubtful, outcome.problems) == (set(), [])


@settings(max_examples=150, deadline=None)
@given(members=members, size=st.integers(1, 9), workers=st.integers(1, 6))
def test_an_account_meets_its_own_errors_and_those_of_the_whole_request_alone(members, size, workers):
    run = Run(members, size, workers).go()
    everybodys = {one.fault for one in run.members if one.fault and one.fault not in OWN}
    codes = {type(ERRORS[name]()) for name in everybodys}
    for member in run.members:
        mine = {type(ERRORS[member.fault]())} if member.fault in OWN else set()
        met = {type(one) for one in member.outcomes if isinstance(one, Exception)}
        assert met <= mine | codes


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(0, 30), min_size=1, max_size=20),
    size=st.integers(1, 10),
    workers=st.integers(1, 8),
)
def test_requests_are_full_but_for_one_each_time_everybody_waits(counts, size, workers):
    members = [Member(f"a{number}", [count]) for number, count in enumerate(counts)]
    run = Run(members, size, workers).go()
    partial = [ids for _, ids in run.asked if len(ids) < size]
    assert sum(len(ids) for _, ids in run.asked) == sum(counts), "each id is asked for once"
    assert len(run.asked) <= sum(counts) // size + len(partial)
    assert len(partial) <= math.ceil(len(counts) / workers) + 1


def test_a_hundred_accounts_with_one_id_each_share_two_requests():
    run = Run([Member(f"a{number}", [1]) for number in range(100)], size=50, workers=100).go()
    assert [len(ids) for _, ids in run.asked] == [50, 50]


@pytest.mark.parametrize("fault", sorted(OWN))
def test_an_error_of_the_account_that_asks_is_its_own(fault):
    members = [Member("bad", [1], fault), Member("good", [1]), Member("better", [1])]
    run = Run(members, size=3, workers=3).go()
    assert [isinstance(one.outcomes[0], ProviderError) for one in members] == [True, False, False]
    assert run.asked == [("bad", ["bad/0/0", "good/0/0", "better/0/0"]), ("good", ["good/0/0", "better/0/0"])]


@pytest.mark.parametrize("fault", ["quota", "transient", "contract", "fault"])
def test_an_error_of_the_request_fails_all_that_wait_for_it(fault):
    members = [Member("a", [1], fault), Member("b", [1], fault), Member("c", [1])]
    run = Run(members, size=3, workers=3).go()
    assert [type(one.outcomes[0]) for one in members] == [type(ERRORS[fault]())] * 3
    assert len(run.asked) == 1


def test_a_stop_of_the_app_is_met_by_all():
    assert isinstance(ERRORS["quota"](), ParkingError)


def test_what_is_missing_beside_a_problem_is_doubtful_and_of_nobody_else():
    members = [Member("a", [1]), Member("b", [1])]
    Run(members, size=2, workers=2, missing=["b/0/0"], problem="item 1 is malformed").go()
    (answered,), (doubtful,) = members[0].outcomes, members[1].outcomes
    assert (answered.problems, answered.doubtful) == ([], set())
    assert (doubtful.problems, doubtful.doubtful) == (["item 1 is malformed"], {"b/0/0"})


def test_what_is_missing_without_a_problem_is_gone():
    member = Member("a", [2])
    Run([member], missing=["a/0/1"]).go()
    (wait,) = member.outcomes
    assert (set(wait.rows), wait.doubtful) == ({"a/0/0"}, set())


def test_an_id_named_twice_is_asked_once():
    async def go():
        crowd, asked = Crowd(1), []

        async def ask(ids):
            asked.append(ids)
            return Answer({one: (one,) for one in ids})

        crowd.enter()
        queue = crowd.requests(5)
        wait = await queue.read(["x", "y", "x"], ask)
        crowd.leave()
        return asked, set(wait.rows)

    assert asyncio.run(go()) == ([["x", "y"]], {"x", "y"})


async def until(happened):
    """Let others go on until something is so."""
    while not happened():  # noqa: ASYNC110  # what happens sets no event
        await asyncio.sleep(0)


class Pair:
    """Two accounts under way in a crowd of two, whose requests hang until they are let go."""

    def __init__(self, size):
        self.crowd, self.released = Crowd(2), asyncio.Event()
        self.queue, self.asked = self.crowd.requests(size), []

    async def ask(self, ids):
        self.asked.append(list(ids))
        await self.released.wait()
        return Answer({one: (one,) for one in ids})

    async def read(self, *ids):
        self.crowd.enter()
        try:
            return await self.queue.read(ids, self.ask)
        finally:
            self.crowd.leave()

    @property
    def counters(self):
        return self.crowd._active, self.crowd._waiting, self.crowd._in_flight


def test_an_account_that_is_cancelled_keeps_nobody_waiting():
    async def go():
        pair = Pair(size=4)
        first = asyncio.create_task(pair.read("a", "b"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        pair.crowd.complete()
        pair.released.set()
        async with asyncio.timeout(5):
            wait = await pair.read("c")
        return pair, wait

    pair, wait = asyncio.run(go())
    assert set(wait.rows) == {"c"}
    assert pair.asked == [["c"]]
    assert pair.counters == (0, 0, 0)


def test_an_account_that_is_cancelled_while_its_request_is_under_way_is_forgotten():
    async def go():
        pair = Pair(size=2)
        tasks = [asyncio.create_task(pair.read("a")), asyncio.create_task(pair.read("b"))]
        await until(lambda: pair.asked)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        pair.released.set()
        async with asyncio.timeout(5):
            wait = await tasks[1]
            await until(lambda: pair.counters == (0, 0, 0))
        return wait

    assert set(asyncio.run(go()).rows) == {"b"}


def test_closing_gives_up_what_is_under_way():
    async def go():
        pair = Pair(size=1)
        reading = asyncio.create_task(pair.read("a"))
        await until(lambda: pair.asked)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await pair.crowd.aclose()
        return pair.counters, len(asyncio.all_tasks())

    assert asyncio.run(go()) == ((0, 0, 0), 1)
