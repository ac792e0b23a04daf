"""Dispatchers that are killed at any instant, two at once, while the database restarts: nothing is lost."""

from __future__ import annotations

import random
import signal
import time
import uuid

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.events import Event, event_id, write_events
from resources.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent

pytestmark = [pytest.mark.webhooks, pytest.mark.integration]

KILLS = {"postgresql": 50, "sqlite": 10}
EVENTS_A_KILL, LONGEST_LIFE_SECONDS = 20, 0.6
PAYLOAD = {"error": "internal", "message": "m", "cure": "c", "accountId": None, "runId": None}
DELIVER = ("events", "deliver")


def write(installed, first):
    org, now = uuid.UUID(int=1), utc_now()
    events = [
        Event(event_id("crash", number), "error.occurred", "spotify", org, PAYLOAD, now)
        for number in range(first, first + EVENTS_A_KILL)
    ]
    with installed.database.write() as connection:
        write_events(connection, events)


def let_leases_run_out(installed):
    """Do as though the minute had passed for which the killed hold their leases, and their probe."""
    past = utc_now().replace(year=2020)
    with installed.database.write() as connection:
        held = sa.update(WebhookDelivery).where(WebhookDelivery.lease_until.is_not(None))
        connection.execute(held.values(lease_until=past))
        waiting = sa.update(WebhookDelivery).where(WebhookDelivery.status == "pending")
        connection.execute(waiting.values(next_attempt_at=past))
        asked = sa.update(WebhookEndpoint).where(WebhookEndpoint.breaker != "closed")
        connection.execute(asked.values(probe_at=past))


def killed(program, seconds):
    """Kill a dispatcher at an instant of its life; return whether it was still at work."""
    time.sleep(seconds)
    program.send_signal(signal.SIGKILL)
    program.communicate()
    return program.returncode == -signal.SIGKILL


def statuses(installed, table):
    return {
        row["status"]: row["n"]
        for row in installed.rows(sa.select(table.status, sa.func.count().label("n")).group_by(table.status))
    }


def test_killed_dispatchers_lose_nothing_and_leave_no_event_behind(install, simulator, postgresql):
    installed = install(**simulator.settings(), DELIVERY_CONCURRENCY="8")
    simulator.fault("server_error", "/receiver/webhook", times=60)
    kind = installed.database.engine.dialect.name
    chance, died = random.Random(kind), 0
    for number in range(KILLS[kind]):
        write(installed, number * EVENTS_A_KILL)
        pair = [installed.start(*DELIVER) for _ in range(2)]
        if kind == "postgresql" and number % 20 == 10:
            time.sleep(chance.uniform(0.1, 0.3))
            postgresql.restart()
        died += killed(pair[0], chance.uniform(0, LONGEST_LIFE_SECONDS))
        pair[1].send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
        pair[1].communicate()
        if number % 5 == 4:
            let_leases_run_out(installed)
    assert died > KILLS[kind] / 2
    simulator.ask("DELETE", "/control/faults")
    for _ in range(5):
        let_leases_run_out(installed)
        installed.run(*DELIVER, code=None)
    check_that_all_is_delivered(installed, simulator.received(), KILLS[kind] * EVENTS_A_KILL)


def check_that_all_is_delivered(installed, received, total):
    assert set(received) == {event_id("crash", number) for number in range(total)}
    assert statuses(installed, WebhookEvent) == statuses(installed, WebhookDelivery) == {"delivered": total}
    delivery = WebhookDelivery
    counted = sa.select(sa.func.count()).where(WebhookAttempt.event_id == delivery.event_id).scalar_subquery()
    wrong = sa.select(delivery.event_id).where(
        sa.or_(delivery.attempts != counted, delivery.lease_until.is_not(None))
    )
    assert installed.rows(wrong) == []
