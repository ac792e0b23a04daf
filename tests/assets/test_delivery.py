"""The asset of delivery: what its checks say of what was delivered, refused and left waiting."""

from __future__ import annotations

import uuid
from datetime import timedelta

import dagster as dg
import httpx
import pytest
import sqlalchemy as sa
from dagster import DagsterEventType

from assets.delivery import webhook_events
from assets.delivery_checks import DESCRIPTIONS
from resources.database import utc_now
from resources.delivery import endpoints
from resources.delivery.dispatcher import Dispatcher
from resources.delivery.endpoints import Draft
from resources.events import Event, event_id, write_events
from resources.tables import Org, WebhookDelivery, WebhookEndpoint

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
PAYLOAD = {"error": "internal", "message": "no", "cure": "none", "accountId": None}


@pytest.fixture
def written(simulated):
    """A function that writes events of the org ``north`` for n8n's alerts, so many minutes ago."""
    simulated.connect("north", 1)
    org = simulated.rows(sa.select(Org.id))[0]["id"]

    def write(count, minutes=0):
        moment = utc_now() - timedelta(minutes=minutes)
        events = [
            Event(
                event_id(uuid.uuid4()),
                "error.occurred",
                "spotify",
                org,
                {**PAYLOAD, "runId": None},
                created_at=moment,
            )
            for _ in range(count)
        ]
        with simulated.database.write() as connection:
            write_events(connection, events)

    return write


@pytest.fixture
def deliver(simulated):
    """A function that delivers what is due to receivers that answer as told."""

    def go(status=204):
        transport = httpx.MockTransport(lambda _: httpx.Response(status))
        simulated.run(Dispatcher(simulated.backline, transport).deliver_due(20))

    return go


@pytest.fixture
def judged(dagster, simulated):
    """A function that materializes the asset; returns its metadata and its checks' verdicts by name."""

    def go(*, raises=False):
        result = dg.materialize(
            [webhook_events],
            instance=dagster.instance,
            resources={"backline": simulated.backline},
            raise_on_error=not raises,
        )
        assert result.success is not raises
        logs = dagster.instance.all_logs(result.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
        verdicts = [one.dagster_event.asset_check_evaluation_data for one in logs]
        made = result.asset_materializations_for_node("delivery__webhook_events")
        return (made[0].metadata if made else None), {one.check_name: one for one in verdicts}

    return go


def verdict(check):
    return check.passed or check.severity


def test_an_empty_installation_passes(judged):
    metadata, checks = judged()
    assert {name: one.passed for name, one in checks.items()} == dict.fromkeys(DESCRIPTIONS, True)
    assert metadata["delivery_rate"].value == 1.0
    assert len(metadata["endpoints"].value.records) == 4


def test_delivered_events_pass_and_are_plotted(judged, written, deliver):
    written(3)
    deliver()
    metadata, checks = judged()
    assert all(one.passed for one in checks.values())
    numbers = {name: metadata[name].value for name in ("delivered", "attempts", "waiting", "open_breakers")}
    assert numbers == {"delivered": 3, "attempts": 3, "waiting": 0, "open_breakers": 0}
    assert isinstance(metadata["response_p95_ms"].value, int)


def test_events_that_wait_too_long_are_red_and_name_the_endpoint(judged, written):
    written(1, minutes=20)
    _, checks = judged()
    assert (verdict(checks["oldest_undelivered"]), checks["webhook_delivery_rate"].passed) == (WARN, False)
    assert (
        "n8n error-alerts: 1 wait, the oldest for 20 min"
        in checks["oldest_undelivered"].metadata["endpoints"].value
    )
    written(1, minutes=70)
    _, checks = judged()
    assert verdict(checks["oldest_undelivered"]) == ERROR


def test_an_open_breaker_of_n8n_is_an_error(judged, written, deliver):
    written(12)
    deliver(status=500)
    metadata, checks = judged()
    assert verdict(checks["breakers"]) == ERROR
    assert "answered 500" in checks["breakers"].metadata["endpoints"].value
    assert metadata["open_breakers"].value == 1


def test_an_endpoint_of_an_org_that_falls_short_is_a_warning(judged, simulated, written, deliver):
    written(25)
    deliver()
    number, _ = endpoints.add(simulated.backline, "test", "north", Draft("theirs", "http://their.test/hook"))
    written(1)
    deliver()
    with simulated.database.write() as connection:
        mine = WebhookDelivery.endpoint_id == number
        connection.execute(sa.update(WebhookDelivery).where(mine).values(status="failed"))
        opened = {"breaker": "open", "opened_at": utc_now(), "probe_at": utc_now()}
        connection.execute(sa.update(WebhookEndpoint).where(WebhookEndpoint.id == number).values(**opened))
        late = {"status": "pending", "created_at": utc_now() - timedelta(minutes=20)}
        connection.execute(sa.update(WebhookDelivery).where(mine).values(**late))
    _, checks = judged()
    assert {name: verdict(one) for name, one in checks.items()} == dict.fromkeys(DESCRIPTIONS, WARN)
    assert "theirs of north: 50.0% delivered" in checks["webhook_delivery_rate"].metadata["endpoints"].value


def test_a_disabled_endpoint_is_nobodys_trouble(judged, simulated, written):
    written(1, minutes=90)
    (row,) = simulated.rows(sa.select(WebhookEndpoint.id).where(WebhookEndpoint.name == "n8n error-alerts"))
    endpoints.change(simulated.backline, "test", row["id"], enabled=False)
    assert all(one.passed for one in judged()[1].values())


def test_without_an_n8n_the_waiting_is_a_warning_that_names_the_setting(judged, simulated, written):
    object.__setattr__(simulated.backline.settings, "n8n_url", "")
    written(1, minutes=90)
    _, checks = judged()
    assert checks["webhook_delivery_rate"].passed
    assert verdict(checks["oldest_undelivered"]) == WARN
    assert "BACKLINE_N8N_URL" in checks["oldest_undelivered"].metadata["endpoints"].value


def test_figures_that_cannot_be_read_leave_no_check_green(judged, simulated):
    assert all(one.passed for one in judged()[1].values())
    with simulated.database.write() as connection:
        connection.execute(sa.text("ALTER TABLE webhook_attempts RENAME TO elsewhere"))
    metadata, checks = judged(raises=True)
    assert metadata is None
    assert {name: verdict(one) for name, one in checks.items()} == dict.fromkeys(DESCRIPTIONS, ERROR)


def test_every_check_says_what_to_press_when_red():
    assert all("If red: " in text for text in DESCRIPTIONS.values())
