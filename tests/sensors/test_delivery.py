"""The sensor that guarantees delivery."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.events import Event, event_id, write_events
from resources.schemas import kind_of
from resources.tables import Org
from sensors.delivery import event_delivery

pytestmark = pytest.mark.webhooks


@pytest.fixture
def write(simulated):
    """Return a function that writes pending events of one org."""

    def write(count):
        simulated.connect("north", 0)
        [row] = simulated.rows(sa.select(Org.id))
        with simulated.database.write() as connection:
            write_events(
                connection,
                [
                    Event(
                        id=event_id("test", number),
                        type="provider.connected",
                        provider="spotify",
                        org_id=row["id"],
                        payload=kind_of("provider.connected").example["payload"],
                        created_at=utc_now(),
                    )
                    for number in range(count)
                ],
            )

    return write


def states(simulated):
    rows = simulated.rows("SELECT status, count(*) AS count FROM webhook_events GROUP BY status")
    return {row["status"]: row["count"] for row in rows}


def test_due_events_are_delivered_and_counted(dagster, simulated, write):
    write(3)
    assert dagster.tick(event_delivery) == "Delivered 3, to be retried 0, failed 0."
    assert states(simulated) == {"delivered": 3}
    assert simulated.ask("GET", "/receiver/events")["total"] == 3


def test_nothing_due_is_said_so(dagster):
    assert dagster.tick(event_delivery) == "Nothing is due."


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("server_error", {}),
        ("server_error", {"status": 404}),
        ("rate_limit", {"retry_after": 3600}),
        ("malformed_json", {}),
        ("cut", {}),
    ],
)
def test_a_bad_receiver_never_makes_the_tick_raise(dagster, simulated, write, kind, more):
    write(1)
    simulated.fault(kind, "/receiver/", times=None, **more)
    text = dagster.tick(event_delivery)
    expected = "Delivered 1, to be retried 0" if kind == "malformed_json" else "Delivered 0, to be retried 1"
    assert text == f"{expected}, failed 0."


def test_one_refused_event_does_not_hold_up_the_others(dagster, simulated, write):
    write(5)
    simulated.fault("server_error", "/receiver/", times=1)
    assert dagster.tick(event_delivery) == "Delivered 4, to be retried 1, failed 0."


def test_a_retried_event_is_not_due_at_once(dagster, simulated, write):
    write(1)
    simulated.fault("server_error", "/receiver/", times=1)
    dagster.tick(event_delivery)
    assert dagster.tick(event_delivery) == "Nothing is due."
    assert states(simulated) == {"pending": 1}


@pytest.mark.parametrize("address", ["http://", "not an address", "ftp://n8n", "http://[", "http://h:99999"])
def test_an_address_that_is_none_costs_an_attempt_and_not_the_tick(dagster, write, address):
    write(1)
    object.__setattr__(dagster.backline.settings, "n8n_url", address)
    dagster.backline.transport = None
    assert dagster.tick(event_delivery) == "Delivered 0, to be retried 1, failed 0."


def test_without_an_address_events_wait(dagster, simulated, write):
    write(1)
    object.__setattr__(dagster.backline.settings, "n8n_url", "")
    assert dagster.tick(event_delivery) == (
        "Nothing is due; BACKLINE_N8N_URL is not set, so n8n's events wait."
    )
    assert states(simulated) == {"pending": 1}
