"""A console whose outbox holds events of an org, endpoints, and what receivers answered."""

import asyncio
import uuid
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from resources.accounts import org_id_of
from resources.database import utc_now
from resources.delivery import endpoints
from resources.delivery.dispatcher import Dispatcher
from resources.delivery.endpoints import Draft
from resources.events import Event, event_id, write_events
from resources.schemas import kind_of
from resources.tables import Org, WebhookDelivery, WebhookEndpoint

N8N = "http://n8n.example"


class Outbox:
    """Writes events of the org ``acme``, and delivers them to receivers that answer as told."""

    def __init__(self, backline):
        self.backline, self.database = backline, backline.database
        with self.database.write() as connection:
            connection.execute(
                sa.insert(Org).values(id=uuid.uuid4(), slug="acme", name="Acme", created_at=utc_now())
            )
            self.org = org_id_of(connection, "acme")

    def write(self, count=1, event_type="error.occurred", provider="spotify", **ago):
        """Write some events that are due, and return their ids."""
        moment = utc_now() - timedelta(**ago)
        payload = kind_of(event_type).example["payload"]
        events = [
            Event(event_id(uuid.uuid4()), event_type, provider, self.org, payload, created_at=moment)
            for _ in range(count)
        ]
        with self.database.write() as connection:
            write_events(connection, events)
        return [event.id for event in events]

    def add(self, name="ours", url="https://receiver.example/hook", **fields):
        """Add an endpoint of the org; return its id and secret."""
        return endpoints.add(self.backline, "test", "acme", Draft(name=name, url=url, **fields))

    def endpoint(self, name):
        """Return an endpoint's row."""
        with self.database.read() as connection:
            return endpoints.find(connection, name)

    def set_endpoint(self, name, **values):
        """Change an endpoint as deliveries do."""
        with self.database.write() as connection:
            mine = sa.update(WebhookEndpoint).where(WebhookEndpoint.name == name)
            connection.execute(mine.values(**values))

    def change(self, **values):
        """Change every delivery."""
        with self.database.write() as connection:
            connection.execute(sa.update(WebhookDelivery).values(**values))

    def rows(self, table):
        """Return all rows of a table."""
        with self.database.read() as connection:
            return connection.execute(sa.select(table)).all()

    def deliver(self, status=204, text="", broken_hosts=()):
        """Deliver what is due; ``broken_hosts`` answer 500."""

        def answer(request):
            broken = request.url.host in broken_hosts
            return httpx.Response(500 if broken else status, text="<b>no</b>" if broken else text)

        dispatcher = Dispatcher(self.backline, httpx.MockTransport(answer))
        return asyncio.run(dispatcher.deliver_due(20))


@pytest.fixture
def outbox(backline):
    """The outbox; n8n's address is set."""
    backline.settings.n8n_url = N8N
    return Outbox(backline)
