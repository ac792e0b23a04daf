"""What webhooks ask of a database, asked of SQLite and of PostgreSQL."""

import json
from datetime import timedelta

import pytest

from resources.database import utc_now

PAGE = "/admin/integrations/webhooks"


@pytest.fixture
def console_database_url(database_url):
    """One of each kind."""
    return database_url


def test_pages_show_endpoints_and_events(browser, outbox):
    number, _ = outbox.add("theirs")
    (event_id,) = outbox.write(1, hours=1)
    outbox.deliver(broken_hosts={"receiver.example"})
    filters = {"type": "error.occurred", "provider": "spotify", "status": "pending", "org": "acme"}
    filters |= {"endpoint": str(number), "since": (utc_now() - timedelta(days=1)).isoformat()}
    filters |= {"until": utc_now().isoformat(), "before": "99"}
    text = browser.get(PAGE, params=filters).text
    for told in (event_id, "Failing", "answered 500", "Delivering"):
        assert told in text
    assert browser.get(f"{PAGE}/events/{event_id}").status_code == 200


def test_metrics_and_the_api_tell_the_same(browser, outbox):
    outbox.write(3)
    outbox.deliver()
    assert (
        'backline_webhook_delivered{endpoint="n8n error-alerts",org=""} 3.0' in browser.get("/metrics").text
    )
    figures = [one["figures"]["delivered"] for one in browser.get("/api/v1/endpoints").json()["endpoints"]]
    assert sorted(figures) == [0, 0, 0, 3]
    lines = browser.get("/api/v1/events/export", params={"status": "delivered"}).text.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["error.occurred"] * 3


def test_orders_are_carried_out(browser, outbox):
    number, _ = outbox.add("theirs")
    (event_id,) = outbox.write()
    outbox.deliver()
    for path in (f"endpoints/{number}/disable", f"endpoints/{number}/enable", f"endpoints/{number}/replay"):
        assert browser.post(f"{PAGE}/{path}").status_code == 303
    assert browser.post(f"{PAGE}/events/{event_id}/replay").headers["location"].endswith("replayed=1")
    outbox.add("ours")
    reply = browser.send("PATCH", f"/api/v1/endpoints/{number}", json={"name": "ours"})
    assert reply.status_code == 422
    assert browser.send("DELETE", f"/api/v1/endpoints/{number}").status_code == 204
