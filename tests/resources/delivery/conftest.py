"""Events in a database, endpoints of an org, and a receiver that answers as it is told."""

# ruff: noqa: D102  # a name states what is asked for

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.delivery import endpoints
from resources.delivery.dispatcher import Dispatcher
from resources.delivery.endpoints import Draft
from resources.delivery.replay import Selection, replay
from resources.events import Event, event_id, write_events
from resources.tables import Org, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent

TABLE, DELIVERIES, ATTEMPTS = WebhookEvent.__table__, WebhookDelivery.__table__, WebhookAttempt.__table__


class Outbox:
    """The outbox of one org, ``acme``, whose alerts go to n8n, and what was posted."""

    def __init__(self, simulated):
        self.simulated, self.backline, self.database = simulated, simulated.backline, simulated.database
        simulated.connect("acme", 1)
        self.org = self.rows(sa.select(Org.id))[0]["id"]
        self.n8n = self.endpoint("n8n error-alerts")["id"]
        self.posted = []

    def rows(self, query):
        return self.simulated.rows(query)

    def write(self, count=1, first=0, **fields):
        """Write some events that are due, and return their ids."""
        same = {"type": "error.occurred", "provider": "spotify", "org_id": self.org, **fields}
        events = [
            Event(
                event_id("test", number, *fields.values()),
                payload=payload(number),
                created_at=utc_now(),
                **same,
            )
            for number in range(first, first + count)
        ]
        with self.database.write() as connection:
            write_events(connection, events)
        return [event.id for event in events]

    def add(self, name="ours", url="http://receiver.test/hook", **fields):
        """Add an endpoint of the org; return its id and secret."""
        return endpoints.add(self.backline, "test", "acme", Draft(name=name, url=url, **fields))

    def endpoint(self, name):
        (row,) = self.rows(sa.select(WebhookEndpoint.__table__).where(WebhookEndpoint.name == name))
        return row

    def endpoint_row(self, name):
        with self.database.read() as connection:
            return endpoints.find(connection, name)

    def set_endpoint(self, name, **values):
        with self.database.write() as connection:
            mine = sa.update(WebhookEndpoint).where(WebhookEndpoint.name == name)
            connection.execute(mine.values(**values))

    def change(self, **values):
        """Change every delivery."""
        with self.database.write() as connection:
            connection.execute(sa.update(DELIVERIES).values(**values))

    def make_due(self):
        self.change(next_attempt_at=utc_now(), lease_until=None)

    def replay(self, **selection):
        with self.database.write() as connection:
            return replay(connection, Selection(**selection))

    def deliver(self, answer=None, seconds=20):
        """Deliver what is due without waiting for real."""
        transport = httpx.MockTransport(self.noting(answer)) if answer else self.simulated.wire
        return self.simulated.run(Dispatcher(self.backline, transport).deliver_due(seconds))

    def noting(self, answer):
        async def answered(request):
            self.posted.append((request.headers["webhook-id"], dict(request.headers), request.content))
            found = answer(request)
            return await found if asyncio.iscoroutine(found) else found

        return answered

    def event(self):
        (row,) = self.rows(sa.select(TABLE))
        return row

    def delivery(self):
        (row,) = self.rows(sa.select(DELIVERIES))
        return row

    def delivery_to(self, name):
        mine = DELIVERIES.c.endpoint_id == self.endpoint(name)["id"]
        (row,) = self.rows(sa.select(DELIVERIES).where(mine))
        return row

    def deliveries(self):
        return self.rows(sa.select(DELIVERIES).order_by(DELIVERIES.c.event_id, DELIVERIES.c.endpoint_id))

    def attempts(self):
        return self.rows(sa.select(ATTEMPTS).order_by(ATTEMPTS.c.event_id, ATTEMPTS.c.attempt))


def payload(number):
    return {
        "error": "internal",
        "message": f"number {number}",
        "cure": "none",
        "accountId": None,
        "runId": str(uuid.UUID(int=number)),
    }


@pytest.fixture
def outbox(simulated):
    return Outbox(simulated)
