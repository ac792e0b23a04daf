"""The figures of delivery, from what was really delivered, refused, given up and left waiting."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.delivery import endpoints
from resources.delivery.health import LATE, Answers, delivery_rate, endpoint_health
from resources.tables import WebhookAttempt

OK, BROKEN = httpx.Response(204), httpx.Response(500, text="no")


@pytest.fixture
def health(outbox):
    """A function that returns the health of all endpoints by name, now or some time later."""

    def read(**later):
        found = endpoint_health(outbox.backline, utc_now() + timedelta(**later))
        return {one.endpoint.name: one for one in found}

    return read


def test_an_endpoint_without_events_is_idle_and_has_no_rate(outbox, health):
    outbox.add()
    found = health()["ours"]
    assert (found.state, found.rate, found.org, found.oldest_seconds) == ("idle", None, "acme", 0.0)
    assert found.answers.percentile_ms(0.5) is None
    assert len(health()) == 5


def test_delivered_events_are_counted_endpoint_by_endpoint(outbox, health):
    outbox.add(event_types=["data.synced"])
    outbox.write(3)
    outbox.deliver(lambda _: OK)
    found = health()
    n8n, ours = found["n8n error-alerts"], found["ours"]
    assert (n8n.state, n8n.rate, n8n.answers.delivered, n8n.waiting.count) == ("delivering", 1.0, 3, 0)
    assert n8n.answers.delivered_at is not None
    assert n8n.answers.percentile_ms(0.95) >= 0
    assert (ours.answers.delivered, ours.rate) == (0, None)


def test_what_waits_counts_against_the_rate_once_it_is_late(outbox, health):
    outbox.write(3)
    outbox.deliver(lambda _: OK)
    outbox.write(1, first=3)
    early, late = health()["n8n error-alerts"], health(seconds=LATE.total_seconds() + 1)["n8n error-alerts"]
    assert (early.waiting.count, early.waiting.late, early.rate, early.state) == (1, 0, 1.0, "delivering")
    assert (late.waiting.late, late.rate, late.state) == (1, 0.75, "late")
    assert late.oldest_seconds > LATE.total_seconds()


def test_an_event_that_was_given_up_counts_on_the_day_it_was(outbox, health):
    outbox.write(1)
    for _ in range(10):
        outbox.make_due()
        outbox.set_endpoint("n8n error-alerts", breaker="closed", failures=0)
        outbox.deliver(lambda _: BROKEN)
    outbox.change(created_at=utc_now() - timedelta(hours=45))  # as long as the retries take
    found = health()["n8n error-alerts"]
    assert (found.failed, found.waiting.count, found.rate, found.state) == (1, 0, 0.0, "failing")
    assert (found.answers.refused, found.endpoint.last_error) == (10, "answered 500")
    assert found.answers.refused_at is not None
    outbox.replay(status="failed")
    assert health()["n8n error-alerts"].failed == 0


def test_attempts_of_the_day_before_are_none_of_today(outbox, health):
    outbox.write(2)
    outbox.deliver(lambda _: OK)
    with outbox.database.write() as connection:
        connection.execute(sa.update(WebhookAttempt).values(started_at=utc_now() - timedelta(hours=25)))
    found = health()["n8n error-alerts"]
    assert (found.answers.delivered, found.rate, found.state) == (0, None, "idle")


def test_the_worst_stands_first(outbox, health):
    outbox.add("broken")
    outbox.add("off", enabled=False)
    now = utc_now()
    outbox.set_endpoint("broken", breaker="open", opened_at=now, probe_at=now, failures=10)
    outbox.set_endpoint("n8n error-alerts", held_until=now + timedelta(hours=1))
    outbox.write()
    states = [(name, one.state) for name, one in health().items()]
    assert states[0] == ("broken", "open")
    assert dict(states) | {"n8n error-alerts": "held", "off": "disabled"} == dict(states)


def test_without_an_n8n_its_paths_are_not_active(outbox, health):
    outbox.write()
    object.__setattr__(outbox.backline.settings, "n8n_url", "")
    found = health(hours=1)["n8n error-alerts"]
    assert (found.state, found.is_active, found.waiting.late) == ("unset", False, 1)


def test_a_disabled_endpoint_is_disabled_whatever_else(outbox, health):
    endpoints.change(outbox.backline, "test", outbox.n8n, enabled=False)
    outbox.set_endpoint("n8n error-alerts", breaker="open")
    assert health()["n8n error-alerts"].state == "disabled"


def test_the_rate_of_several_is_of_all_their_events(outbox, health):
    outbox.add()
    outbox.write(1)
    outbox.deliver(lambda request: OK if request.url.host == "receiver.test" else BROKEN)
    found = health(hours=1).values()
    assert delivery_rate(found) == 0.5
    assert delivery_rate([]) is None


def test_percentiles_are_of_durations_that_were_measured():
    answers = Answers(durations=Counter({10: 94, 20: 5, 900: 1}))
    assert [answers.percentile_ms(share) for share in (0.5, 0.95, 0.99, 1)] == [10, 20, 20, 900]
