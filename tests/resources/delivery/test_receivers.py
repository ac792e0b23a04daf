"""Receivers of every kind on real sockets: each leads to what is documented, and none holds up another."""

from __future__ import annotations

import asyncio
import importlib.util
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.delivery import endpoints
from resources.delivery.breaker import OPENS_AFTER
from resources.delivery.dispatcher import Dispatcher
from resources.delivery.endpoints import Draft
from resources.tables import WebhookAttempt, WebhookEndpoint

pytestmark = [pytest.mark.webhooks, pytest.mark.integration]

SPEC = importlib.util.spec_from_file_location("receivers", Path(__file__).with_name("receivers.py"))
MODULE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MODULE)
Receivers = MODULE.Receivers

PATIENCE_SECONDS, SECONDS = 1.0, 5


@pytest.fixture
def inside(outbox):
    """An outbox whose endpoints may be on this machine, and which has no n8n."""
    outbox.backline.settings.webhook_allowed_hosts = "127.0.0.0/8"
    outbox.backline.settings.n8n_url = ""
    return outbox


def deliver(outbox, receivers, *names, events=1, patience=PATIENCE_SECONDS):
    """Deliver some events to receivers on real sockets; return each one's last attempt by its name."""

    async def go():
        async with receivers.open(*names, *({"good"} - set(names))):
            for name in names:
                endpoints.add(outbox.backline, "test", "acme", Draft(name, receivers.urls[name]))
            outbox.write(events)
            return await Dispatcher(outbox.backline, patience=patience).deliver_due(SECONDS)

    report = asyncio.run(go())
    columns = (WebhookAttempt.__table__, WebhookEndpoint.name)
    query = sa.select(*columns).join(WebhookEndpoint, WebhookEndpoint.id == WebhookAttempt.endpoint_id)
    return report, {row["name"]: row for row in outbox.rows(query.order_by(WebhookAttempt.started_at))}


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("good", 204, None),
        ("slow", 204, None),
        ("hangs", None, "no answer within 1 s"),
        ("fails", 500, "answered 500"),
        ("throttles", 429, "answered 429"),
        ("redirects", 301, "answered 301"),
        ("endless", 200, None),
        ("drips", 200, None),
        ("closes", None, "it closed the connection without an answer"),
        ("babbles", None, "it does not speak HTTP as it should"),
        ("bad_tls", None, "its certificate is not valid (self-signed certificate)"),
    ],
)
def test_each_receiver_leads_to_what_is_documented(inside, tmp_path, name, status, error):
    receivers = Receivers(tmp_path)
    report, attempts = deliver(inside, receivers, name)
    attempt = attempts[name]
    assert (attempt["status_code"], attempt["error_message"]) == (status, error)
    assert (report.delivered, report.retried) == ((1, 0) if error is None else (0, 1))
    assert attempt["duration_ms"] < (PATIENCE_SECONDS + 1) * 1_000
    assert len(attempt["response_excerpt"] or "") <= 512
    if name == "redirects":
        assert receivers.got["good"] == 0


def test_nobody_listening_is_said(inside):
    inside.add(url="http://127.0.0.1:9/hook")
    inside.write()
    asyncio.run(Dispatcher(inside.backline).deliver_due(20))
    assert inside.attempts()[0]["error_message"] == "it cannot be connected to"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_an_address_inside_is_refused_where_the_socket_is_made(outbox, tmp_path, host):
    """As though a public name had come to mean this machine after the endpoint was added."""
    outbox.backline.settings.n8n_url = ""
    receivers = Receivers(tmp_path)

    async def go():
        async with receivers.open("good"):
            outbox.add()
            url = receivers.urls["good"].replace("127.0.0.1", host)
            outbox.set_endpoint("ours", url=url)
            outbox.write()
            return await Dispatcher(outbox.backline).deliver_due(SECONDS)

    assert asyncio.run(go()).retried == 1
    assert "is not a public address; allow it in BACKLINE_WEBHOOK" in outbox.attempts()[0]["error_message"]
    assert receivers.got["good"] == 0


def test_a_host_that_the_operator_named_may_be_inside(outbox, tmp_path):
    outbox.backline.settings.n8n_url = ""
    outbox.backline.settings.webhook_allowed_hosts = "localhost"
    receivers = Receivers(tmp_path)

    async def go():
        async with receivers.open("good"):
            outbox.add(url=receivers.urls["good"].replace("127.0.0.1", "localhost"))
            outbox.write()
            return await Dispatcher(outbox.backline).deliver_due(SECONDS)

    assert asyncio.run(go()).delivered == 1


def test_n8ns_own_host_may_be_inside(outbox, tmp_path):
    receivers = Receivers(tmp_path)

    async def go():
        async with receivers.open("good"):
            outbox.backline.settings.n8n_url = receivers.urls["good"].removesuffix("/hook")
            outbox.write()
            return await Dispatcher(outbox.backline).deliver_due(SECONDS)

    assert asyncio.run(go()).delivered == 1


def test_an_endpoint_that_asks_for_time_is_left_alone_for_a_minute_at_most(inside, tmp_path):
    deliver(inside, Receivers(tmp_path), "throttles")
    held = inside.endpoint("throttles")["held_until"] - utc_now()
    assert timedelta(seconds=50) < held <= timedelta(minutes=1)
    wait = inside.delivery_to("throttles")["next_attempt_at"] - utc_now()
    assert timedelta(seconds=890) < wait <= timedelta(seconds=900)


def test_a_receiver_that_fails_opens_its_breaker_and_spends_few_retries(inside, tmp_path):
    report, _ = deliver(inside, Receivers(tmp_path), "fails", events=100)
    assert OPENS_AFTER <= report.retried <= OPENS_AFTER + 8
    endpoint = inside.endpoint("fails")
    assert (endpoint["breaker"], endpoint["last_error"]) == ("open", "answered 500")
    untried = [row for row in inside.deliveries() if row["attempts"] == 0 and row["status"] == "pending"]
    assert len(untried) >= 100 - 18
    assert all(row["lease_until"] is None for row in untried if row["endpoint_id"] == endpoint["id"])


def test_all_that_is_wrong_with_others_holds_up_nobody(inside, tmp_path):
    """All events reach the good one before the first of those that hang is given up."""
    receivers, patience = Receivers(tmp_path), 3.0
    names = ("hangs", "slow", "fails", "throttles", "redirects", "endless", "drips", "closes", "bad_tls")
    _, attempts = deliver(inside, receivers, *names, "good", events=40, patience=patience)
    assert receivers.got["good"] == 40
    hanging = WebhookAttempt.endpoint_id == inside.endpoint("hangs")["id"]
    (first,) = inside.rows(sa.select(sa.func.min(WebhookAttempt.started_at).label("at")).where(hanging))
    assert attempts["good"]["started_at"] < first["at"] + timedelta(seconds=patience)
