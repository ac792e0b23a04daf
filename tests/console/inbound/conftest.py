"""A caller as n8n is one: it signs by the standard's own Python package, not by ours."""

import asyncio
import datetime as dt
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook

from console.app import create_app
from resources.backline import Backline
from resources.database import utc_now
from resources.signing import SigningSecret
from resources.tables import AuditEntry, Base, InboundCall, RequestedSync, ScraperJob, WebhookEvent

SECRET = SigningSecret(b"canary-signing-secret-of-n8n-000")
EFFECTS = (InboundCall, RequestedSync, ScraperJob, WebhookEvent)


@dataclass
class Caller:
    """Sends calls to the application without a socket; ``address`` is where it seems to be."""

    app: FastAPI
    address: str = "127.0.0.1"
    secret: str = SECRET.text()
    base_url: str = "http://console.internal:8700"
    headers: dict[str, str] = field(default_factory=dict)

    def signed(self, body: bytes, call_id: str, at: dt.datetime | None = None) -> dict[str, str]:
        """Return the headers of a signed call."""
        moment = at or utc_now()
        signature = Webhook(self.secret).sign(call_id, moment, body.decode())
        stamp = str(int(moment.timestamp()))
        return {"webhook-id": call_id, "webhook-timestamp": stamp, "webhook-signature": signature}

    def call(
        self, call_type: str = "sync.requested", call_id: str = "", at: dt.datetime | None = None, **data: Any
    ) -> httpx.Response:
        """Send a good call; ``data`` is what it asks for."""
        body = self.body(call_type, **data)
        return self.send(body, self.signed(body, call_id or f"msg_{uuid.uuid4().hex}", at))

    def body(self, call_type: str = "sync.requested", **data: Any) -> bytes:
        """Return a body as n8n makes it."""
        call = {"type": call_type, "timestamp": "2026-11-23T10:00:00.000Z", "data": data}
        return json.dumps(call).encode()

    def send(self, body: Any, headers: dict[str, str]) -> httpx.Response:
        """Send these bytes under these headers."""
        return self.ask("POST", "/hooks/n8n", content=body, headers={**headers, **self.headers})

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the console anything."""

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(
                self.app, raise_app_exceptions=False, client=(self.address, 5_000)
            )
            async with httpx.AsyncClient(transport=transport, base_url=self.base_url) as client:
                return await client.request(method, path, **options)

        return asyncio.run(once())

    def follow(self, reply: httpx.Response) -> Any:
        """Return what a taken call says of itself now."""
        assert reply.status_code == 202, reply.text
        answer = self.ask("GET", reply.json()["follow"])
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def inbound_settings() -> dict[str, Any]:
    """Settings of the test's own."""
    return {}


@pytest.fixture
def caller(backline: Backline, inbound_settings: dict[str, Any]) -> Caller:
    backline.settings.n8n_signing_secrets = type(backline.settings.n8n_signing_secrets)(SECRET.text())
    backline.settings.dagster_url = "http://dagster.example:3000"
    for name, value in inbound_settings.items():
        setattr(backline.settings, name, value)
    return Caller(create_app(backline))


class Stored:
    """What the database holds."""

    def __init__(self, backline: Backline) -> None:
        self._database = backline.database

    def refusals(self) -> dict[str, int]:
        """Return how many calls were refused, by reason."""
        query = sa.select(AuditEntry).where(AuditEntry.action == "inbound.refused")
        found: dict[str, int] = {}
        for row in self.rows(query):
            reason = row.details["reason"]
            found[reason] = found.get(reason, 0) + row.details["count"]
        return found

    def effects(self) -> dict[str, int]:
        """Return how many rows there are of all that calls can cause."""
        with self._database.read() as connection:
            count = sa.select(sa.func.count())
            return {
                table.__tablename__: connection.execute(count.select_from(table)).scalar_one()
                for table in EFFECTS
            }

    def rows(self, query: Any) -> list[Any]:
        """Return what a query finds."""
        with self._database.read() as connection:
            return list(connection.execute(query).all())

    def everything(self) -> str:
        """Return every row of every table, as text."""
        with self._database.read() as connection:
            tables = Base.metadata.sorted_tables
            return "\n".join(str(row) for table in tables for row in connection.execute(sa.select(table)))


@pytest.fixture
def rows(backline: Backline) -> Stored:
    return Stored(backline)


@pytest.fixture
def nothing() -> dict[str, int]:
    """What is there where nothing was caused."""
    return {table.__tablename__: 0 for table in EFFECTS}
