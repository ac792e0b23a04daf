"""`/metrics`: what Prometheus' own parser reads of it."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from console.metrics import EVENTS, FIGURES, full_name
from resources.database import utc_now

ALERTS = "n8n error-alerts"


def samples(text):
    """Return every sample by name and labels."""
    families = list(text_string_to_metric_families(text))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_an_installation_without_events_tells_its_endpoints(browser, outbox):
    reply = browser.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert reply.headers["cache-control"] == "no-store"
    found = samples(reply.text)
    assert found["backline_webhook_endpoint_active", ALERTS, ""] == 1
    assert found["backline_webhook_oldest_undelivered_seconds", ALERTS, ""] == 0
    assert ("backline_webhook_delivery_ratio", ALERTS, "") not in found  # nothing to be a share of


def test_what_was_delivered_refused_and_left_waiting_is_told(browser, outbox):
    outbox.add('it\'s "ours"', url="https://receiver.example/hook")
    outbox.write(11)
    outbox.write(1, "data.synced", minutes=30)
    outbox.deliver(broken_hosts={"receiver.example"})
    found = samples(browser.get("/metrics").text)
    theirs = ('it\'s "ours"', "acme")
    assert found["backline_webhook_delivered", ALERTS, ""] == 11
    assert found["backline_webhook_delivery_ratio", ALERTS, ""] == 1
    assert found["backline_webhook_breaker_open", *theirs] == 1
    assert found["backline_webhook_attempts_refused", *theirs] >= 10
    assert (found["backline_webhook_waiting", *theirs], found["backline_webhook_late", *theirs]) == (12, 1)
    assert 1_790 < found["backline_webhook_oldest_undelivered_seconds", *theirs] < 1_900
    assert 0 <= found["backline_webhook_response_p95_seconds", *theirs] < 20
    assert found[EVENTS, "pending", "error.occurred"] == 11
    assert found[EVENTS, "pending", "data.synced"] == 1


def test_openmetrics_is_told_to_who_asks_for_it(browser, outbox):
    outbox.write()
    accepted = "application/openmetrics-text; version=1.0.0"
    reply = browser.get("/metrics", headers={"accept": accepted})
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in openmetrics(reply.text)} == {EVENTS, *map(full_name, FIGURES)}


def test_no_secret_stands_in_it(browser, outbox):
    _, secret = outbox.add(headers={"Authorization": "Bearer canary-header"})
    outbox.set_endpoint("ours", last_error="canary-error", opened_at=utc_now(), breaker="open")
    text = browser.get("/metrics").text
    assert "canary" not in text
    assert secret.text() not in text
    assert "receiver.example" not in text


@pytest.mark.parametrize(
    ("host", "status"),
    [("10.1.2.3:8700", 200), ("[fd00::7]:8700", 200), ("console:8700", 200), ("evil.example", 421)],
)
def test_prometheus_finds_it_by_address_or_short_name(browser, outbox, host, status):
    browser.base_url = f"http://{host}"
    assert browser.get("/metrics").status_code == status
    assert browser.get("/api/v1/events").status_code == 421


def test_a_database_that_does_not_answer_is_503(browser, backline, outbox):
    with backline.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE webhook_attempts")
    assert browser.get("/metrics").status_code == 503
