"""Lanes: each endpoint's own rate, breaker and pace, as dispatchers keep them on both databases."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.delivery.breaker import OPENS_AFTER
from resources.delivery.dispatcher import Dispatcher
from resources.delivery.outbox import begin_probe
from resources.tables import AuditEntry

pytestmark = pytest.mark.webhooks
NAME = "n8n error-alerts"


def failing(_):
    return httpx.Response(500)


def taken(_):
    return httpx.Response(204)


@pytest.fixture
def down(outbox):
    """An outbox whose receiver has failed until its breaker opened, and thirty events that wait."""
    outbox.write(30)
    outbox.deliver(failing)
    outbox.make_due()
    outbox.set_endpoint(NAME, probe_at=utc_now() + timedelta(minutes=1))
    outbox.posted.clear()
    assert outbox.endpoint(NAME)["breaker"] == "open"
    return outbox


def said_of_breakers(outbox):
    query = sa.select(AuditEntry.action, AuditEntry.details).where(AuditEntry.actor == "delivery")
    return [(row["action"], row["details"]["error"]) for row in outbox.rows(query.order_by(AuditEntry.at))]


def let_probe(outbox):
    outbox.set_endpoint(NAME, probe_at=utc_now() - timedelta(seconds=1))


class TestBreakers:
    """An endpoint that does not answer is asked by one event at a time."""

    def test_open_after_failures_in_a_row_and_say_so(self, outbox):
        outbox.write(30)
        report = outbox.deliver(failing)
        assert OPENS_AFTER <= report.retried < 30
        endpoint = outbox.endpoint(NAME)
        assert (endpoint["breaker"], endpoint["last_error"], endpoint["trips"]) == ("open", "answered 500", 1)
        assert said_of_breakers(outbox) == [("endpoint.breaker_opened", "answered 500")]

    def test_send_nothing_while_they_are_open(self, down):
        before = down.deliveries()
        assert down.deliver(taken).attempts == 0
        assert down.posted == []
        assert down.deliveries() == before

    def test_spend_no_retry_on_a_probe_and_take_another_event_next(self, down):
        retries = sum(row["retries"] for row in down.deliveries())
        for _ in range(3):
            let_probe(down)
            assert down.deliver(failing).retried == 1
        assert len({sent[0] for sent in down.posted}) == 3
        assert sum(row["retries"] for row in down.deliveries()) == retries
        assert down.endpoint(NAME)["trips"] == 4

    def test_wait_longer_after_each_probe_that_fails(self, down):
        waits = []
        for _ in range(3):
            let_probe(down)
            down.deliver(failing)
            waits.append((down.endpoint(NAME)["probe_at"] - utc_now()).total_seconds())
        assert waits == pytest.approx([10, 20, 40], abs=5)

    def test_let_everything_through_once_one_event_is_taken(self, down):
        let_probe(down)
        assert down.deliver(taken).delivered == 30
        endpoint = down.endpoint(NAME)
        assert (endpoint["breaker"], endpoint["failures"], endpoint["opened_at"]) == ("closed", 0, None)
        assert [action for action, _ in said_of_breakers(down)] == [
            "endpoint.breaker_opened",
            "endpoint.breaker_closed",
        ]

    def test_let_one_of_several_dispatchers_probe(self, down):
        let_probe(down)

        async def all_at_once():
            transport = httpx.MockTransport(down.noting(failing))
            dispatchers = [Dispatcher(down.backline, transport) for _ in range(4)]
            return await asyncio.gather(*(one.deliver_due(20) for one in dispatchers))

        assert sum(report.attempts for report in asyncio.run(all_at_once())) == 1

    def test_let_another_probe_where_the_first_was_killed(self, down):
        let_probe(down)
        soon = utc_now() + timedelta(seconds=60)
        assert begin_probe(down.database, down.endpoint_row(NAME), soon)
        assert down.endpoint(NAME)["breaker"] == "half_open"
        assert down.deliver(taken).attempts == 0
        let_probe(down)
        assert down.deliver(taken).delivered == 30

    def test_leave_other_endpoints_alone(self, down):
        down.add()
        down.write(5, first=100)
        assert down.deliver(taken).delivered == 5
        assert {headers["host"] for _, headers, _ in down.posted} == {"receiver.test"}


def test_a_rate_is_kept_and_what_is_beyond_it_costs_no_attempt(outbox):
    outbox.set_endpoint(NAME, rate_limit="3/60")
    outbox.write(10)
    assert outbox.deliver(taken, seconds=1).delivered == 3
    waiting = [row for row in outbox.deliveries() if row["status"] == "pending"]
    assert len(waiting) == 7
    assert all((row["attempts"], row["lease_until"]) == (0, None) for row in waiting)


def test_no_more_are_on_their_way_than_the_endpoint_allows(outbox):
    outbox.set_endpoint(NAME, max_in_flight=2)
    outbox.write(20)
    under_way, most = 0, 0

    async def answer():
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return httpx.Response(204)

    assert outbox.deliver(lambda _: answer()).delivered == 20
    assert most == 2


def test_an_endpoint_that_is_held_is_left_alone_until_then(outbox):
    outbox.write(20)
    outbox.deliver(lambda _: httpx.Response(429, headers={"retry-after": "30"}))
    assert len(outbox.posted) <= outbox.backline.settings.delivery_concurrency
    outbox.make_due()
    assert outbox.deliver(taken).attempts == 0
    outbox.set_endpoint(NAME, held_until=utc_now() - timedelta(seconds=1))
    let_probe(outbox)
    assert outbox.deliver(taken).delivered == 20
