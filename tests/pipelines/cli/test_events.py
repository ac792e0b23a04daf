"""`backline events`."""

from __future__ import annotations

import time
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa

from resources.schemas import validator_of
from resources.tables import WebhookEvent

pytestmark = pytest.mark.webhooks


def states(installation):
    rows = installation.rows(sa.select(WebhookEvent.id, WebhookEvent.status))
    return {row.id: row.status for row in rows}


def test_events_are_listed_newest_first(installation):
    old = installation.write_event("old", age=timedelta(hours=1))
    new = installation.write_event("new")
    assert [row["id"] for row in installation.json("events", "list")] == [new, old]
    shown = installation.run("events", "list").stdout
    assert shown.index(new) < shown.index(old)


def test_the_list_may_be_narrowed(installation):
    failed = installation.write_event("one", status="failed")
    alert = installation.write_event("two", kind="error.occurred")
    assert [row["id"] for row in installation.json("events", "list", "--status", "failed")] == [failed]
    assert [row["id"] for row in installation.json("events", "list", "--type", "error.occurred")] == [alert]
    assert len(installation.json("events", "list", "--limit", "1")) == 1


def test_no_events_are_an_empty_document(installation):
    assert installation.json("events", "list") == []
    assert installation.run("events", "list").stdout == "No events.\n"


def test_an_event_is_shown_with_its_body_and_no_attempts(installation):
    event = installation.write_event("one")
    shown = installation.json("events", "show", event)
    assert (shown["body"]["id"], shown["status"], shown["attempts"]) == (event, "pending", [])
    assert "Not tried yet." in installation.run("events", "show", event).stdout


def test_named_events_are_due_again(installation):
    delivered, other = (installation.write_event(name, status="delivered") for name in ("one", "two"))
    assert installation.json("events", "replay", delivered) == {"replayed": 1}
    assert states(installation) == {delivered: "pending", other: "delivered"}


def test_known_events_are_replayed_beside_unknown_ones(installation):
    known = installation.write_event("one", status="failed")
    assert "only 1 of 2 are there" in installation.refused("events", "replay", known, "evt_unknown")
    assert states(installation) == {known: "pending"}


def test_events_are_replayed_by_state_type_and_time(installation):
    wanted = installation.write_event("wanted", status="failed")
    others = {
        installation.write_event("old", status="failed", age=timedelta(days=3)),
        installation.write_event("another type", kind="error.occurred", status="failed"),
    }
    since = "2000-01-01"
    assert installation.json("events", "replay", "--status", "delivered", "--since", since) == {"replayed": 0}
    day = f"{time.strftime('%Y-%m-%d', time.gmtime(time.time() - 86_400))}"
    arguments = ["--status", "failed", "--type", "data.synced", "--since", day]
    assert installation.json("events", "replay", *arguments) == {"replayed": 1}
    assert states(installation) == {wanted: "pending", **dict.fromkeys(others, "failed")}


def test_since_is_utc_wherever_the_command_runs(installation, monkeypatch):
    """Two hours ago, said in UTC by somebody nine hours east of it, takes in what was made an hour ago."""
    installation.write_event("one", status="failed", age=timedelta(hours=1))
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 7_200))
    try:
        for zone in ("America/Los_Angeles", "Asia/Tokyo"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            installation.write_event("one", status="failed")
            said = installation.json("events", "replay", "--status", "failed", "--since", since)
            assert said == {"replayed": 1}, zone
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_the_export_holds_every_body_oldest_first(installation):
    events = [installation.write_event(str(number), age=timedelta(hours=9 - number)) for number in range(3)]
    lines = installation.run("events", "export").stdout.splitlines()
    assert [msgspec.json.decode(line)["id"] for line in lines] == events
    assert [body["id"] for body in installation.json("events", "export")] == events
    assert installation.json("events", "export", "--status", "failed") == []


@pytest.mark.integration
def test_due_events_are_delivered(installation, served):
    events = {installation.write_event(str(number)) for number in range(3)}
    assert installation.json("events", "deliver") == {"delivered": 3, "retried": 0, "failed": 0}
    assert {event["id"] for event in served.received()} == events
    assert set(states(installation).values()) == {"delivered"}
    assert installation.run("events", "deliver").stdout == "Delivered 0, to be retried 0, failed 0.\n"


@pytest.mark.integration
def test_a_refused_delivery_exits_1_and_is_shown_with_its_attempt(installation, served):
    event = installation.write_event("one")
    served.control("faults", kind="server_error", match={"path_prefix": "/receiver/"}, times=None)
    assert installation.json("events", "deliver", code=1) == {"delivered": 0, "retried": 1, "failed": 0}
    [attempt] = installation.json("events", "show", event)["attempts"]
    assert (attempt["attempt"], attempt["status_code"]) == (1, 500)
    assert "500" in installation.run("events", "show", event).stdout


@pytest.mark.integration
def test_a_replayed_event_is_received_twice_under_one_id(installation, served):
    event = installation.write_event("one")
    for _ in range(2):
        installation.json("events", "deliver")
        installation.json("events", "replay", event)
    [received] = served.received()
    assert (received["id"], received["count"]) == (event, 2)
    assert [one["attempt"] for one in installation.json("events", "show", event)["attempts"]] == [1, 2]


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["provider.connected", "data.synced", "scraper.completed", "error.occurred"])
def test_a_sample_is_sent_and_not_stored(installation, served, kind):
    verdict = installation.json("events", "test", kind)
    assert (verdict["delivered"], verdict["status_code"]) == (True, 202)
    [received] = served.received()
    validator_of(kind).validate(received["body"])
    assert installation.rows(sa.select(WebhookEvent.id)) == []


@pytest.mark.integration
def test_a_sample_that_is_refused_exits_1(installation, served):
    served.control("faults", kind="server_error", match={"path_prefix": "/receiver/"}, times=None)
    verdict = installation.json("events", "test", "data.synced", code=1)
    assert (verdict["delivered"], verdict["error"]) == (False, "answered 500")
    assert "answered 500" in installation.run("events", "test", "data.synced").stdout
