"""Delivery as a state machine: whatever happens in whichever order, nothing is lost and all adds up."""

# ruff: noqa: D102  # a rule's name states what happens

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections import Counter
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from resources.backline import Backline
from resources.database import Database, utc_now
from resources.delivery import endpoints
from resources.delivery.breaker import OPENS_AFTER
from resources.delivery.dispatcher import Dispatcher
from resources.delivery.endpoints import Draft
from resources.delivery.outbox import claim, due_endpoints
from resources.delivery.replay import Selection, replay
from resources.delivery.retries import RETRY_SECONDS
from resources.events import Event, event_id, write_events
from resources.settings import Settings
from resources.tables import Org, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from resources.vault import EncryptionKey

pytestmark = pytest.mark.webhooks

STATUSES = st.sampled_from([200, 204, 301, 404, 429, 500, 503, None])
PAYLOAD = {"error": "internal", "message": "m", "cure": "c", "accountId": None, "runId": None}
LONGER_AGO = timedelta(days=2)


class Deliveries(RuleBasedStateMachine):
    """One org, n8n and an endpoint of its own; receivers answer as each rule says."""

    template = None
    folder = None

    @initialize(count=st.integers(1, 12))
    def begin(self, count):
        path = self.folder / f"{uuid.uuid4()}.db"
        shutil.copyfile(self.template, path)
        self.backline = Backline(
            Settings(
                home=self.folder,
                database_url=f"sqlite:///{path}",
                n8n_url="http://n8n.test",
                encryption_keys=EncryptionKey(b"k" * 32).text(),
            )
        )
        self.backline.database = self.database = Database(f"sqlite:///{path}")
        self.org, self.written = uuid.uuid4(), 0
        self.received, self.sent = Counter(), Counter()
        with self.database.write() as connection:
            row = {"id": self.org, "slug": "acme", "name": "acme", "created_at": utc_now()}
            connection.execute(sa.insert(Org).values(row))
        self.own, _ = endpoints.add(self.backline, "test", "acme", Draft("own", "http://own.test/"))
        self.write(count)

    def teardown(self):
        if hasattr(self, "database"):
            self.database.close()

    def rows(self, query):
        with self.database.read() as connection:
            return connection.execute(query).all()

    def change(self, table, **values):
        with self.database.write() as connection:
            connection.execute(sa.update(table).values(**values))

    @rule(count=st.integers(1, 12))
    def more_events_are_written(self, count):
        self.write(count)

    def write(self, count):
        numbers = range(self.written, self.written + count)
        self.written += count
        made = [
            Event(event_id(n), "error.occurred", "spotify", self.org, PAYLOAD, utc_now()) for n in numbers
        ]
        for _ in range(2):  # told twice
            with self.database.write() as connection:
                write_events(connection, made)

    @rule(n8n=STATUSES, own=STATUSES, odd=st.booleans())
    def a_dispatcher_delivers(self, n8n, own, odd):
        """Receivers answer each with one status; where ``odd``, every second event is taken."""

        def answer(request):
            name = request.headers["webhook-id"]
            status = n8n if request.url.host == "n8n.test" else own
            self.sent[name, request.url.host] += 1
            if odd and self.sent.total() % 2:
                status = 200
            if status is None:
                raise httpx.ConnectError("gone")
            if 200 <= status < 300:
                self.received[name, request.url.host] += 1
            return httpx.Response(status, headers={"retry-after": "3"} if status == 429 else {})

        asyncio.run(Dispatcher(self.backline, httpx.MockTransport(answer)).deliver_due(20))

    @rule(count=st.integers(1, 5))
    def a_dispatcher_dies_with_what_it_claimed(self, count):
        for endpoint in due_endpoints(self.database, with_n8n=True):
            claim(self.database, endpoint.id, count)

    @rule()
    def leases_run_out(self):
        self.change(WebhookDelivery, lease_until=utc_now() - timedelta(seconds=1))

    @rule()
    def all_waits_pass(self):
        past = utc_now() - LONGER_AGO
        with self.database.write() as connection:
            waiting = sa.update(WebhookDelivery).where(WebhookDelivery.status == "pending")
            connection.execute(waiting.values(next_attempt_at=past))
            asked = sa.update(WebhookEndpoint).where(WebhookEndpoint.probe_at.is_not(None))
            connection.execute(asked.values(probe_at=past))
            connection.execute(sa.update(WebhookEndpoint).values(held_until=None))

    @rule(status=st.sampled_from(["pending", "delivered", "failed", None]), mine=st.booleans())
    def somebody_replays(self, status, mine):
        with self.database.write() as connection:
            replay(connection, Selection(status=status, endpoint_id=self.own if mine else None))

    @rule(enabled=st.booleans())
    def the_endpoint_is_switched(self, enabled):
        endpoints.change(self.backline, "test", self.own, enabled=enabled)

    @invariant()
    def attempts_add_up(self):
        counted = dict.fromkeys(((row[0], row[1]) for row in self.deliveries()), 0)
        for event, endpoint, attempts, highest in self.rows(
            sa.select(
                WebhookAttempt.event_id,
                WebhookAttempt.endpoint_id,
                sa.func.count(),
                sa.func.max(WebhookAttempt.attempt),
            ).group_by(WebhookAttempt.event_id, WebhookAttempt.endpoint_id)
        ):
            assert attempts == highest
            counted[event, endpoint] = attempts
        assert counted == {(row[0], row[1]): row.attempts for row in self.deliveries()}
        assert sum(counted.values()) == self.sent.total()

    def deliveries(self):
        return self.rows(sa.select(WebhookDelivery.__table__))

    @invariant()
    def what_is_delivered_was_received_under_its_id(self):
        hosts = {self.own: "own.test"}
        for row in self.deliveries():
            if row.status == "delivered":
                assert self.received[row.event_id, hosts.get(row.endpoint_id, "n8n.test")] > 0

    @invariant()
    def an_event_is_the_sum_of_its_deliveries(self):
        found = {}
        for row in self.deliveries():
            found.setdefault(row.event_id, []).append(row)
        for event in self.rows(sa.select(WebhookEvent.__table__)):
            states = {row.status for row in found[event.id]}
            expected = next((state for state in ("pending", "failed") if state in states), "delivered")
            assert event.status == expected
            assert event.attempts == sum(row.attempts for row in found[event.id])

    @invariant()
    def every_event_is_there_once_and_goes_to_n8n(self):
        assert len(self.rows(sa.select(WebhookEvent.id))) == self.written
        n8n = [row for row in self.deliveries() if row.endpoint_id != self.own]
        assert len(n8n) == self.written

    @invariant()
    def a_schedule_is_never_overspent_and_what_waits_has_a_time(self):
        for row in self.deliveries():
            assert row.retries <= len(RETRY_SECONDS) + 1
            assert (row.status == "pending") == (row.next_attempt_at is not None)
            assert (row.status == "failed") <= (row.retries == len(RETRY_SECONDS) + 1)

    @invariant()
    def a_breaker_is_open_after_failures_in_a_row_alone(self):
        for row in self.rows(sa.select(WebhookEndpoint.__table__)):
            assert (row.breaker == "closed") == (row.opened_at is None)
            assert row.breaker == "closed" or row.failures >= OPENS_AFTER


def test_nothing_is_lost_and_all_adds_up(migrated_sqlite, tmp_path):
    class Machine(Deliveries):
        template, folder = migrated_sqlite, tmp_path

    run_state_machine_as_test(Machine, settings=settings(max_examples=40, stateful_step_count=25))
