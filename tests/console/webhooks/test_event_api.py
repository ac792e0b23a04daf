"""The JSON API of events: the catalogue, the log page by page, one event whole, replays and the export."""

import json
from datetime import timedelta

import pytest

from resources.database import utc_now
from resources.schemas import PATHS, kind_of
from resources.tables import AuditEntry

API = "/api/v1/events"


def ids(reply):
    assert reply.status_code == 200, reply.text
    return [event["id"] for event in reply.json()["events"]]


def test_the_catalogue_tells_every_type_with_schema_and_example(browser, backline):
    found = browser.get("/api/v1/event-types").json()["event_types"]
    assert {one["type"]: one["path"] for one in found} == {
        name: f"/webhook/{path}" for name, path in PATHS.items()
    }
    for one in found:
        assert browser.get(one["schema_url"]).json() == one["body_schema"] == kind_of(one["type"]).schema
        assert one["example"]["type"] == one["type"]
        assert one["version"]
    assert browser.get("/api/v1/event-types/no.such/schema.json").status_code == 404


def test_the_log_is_read_page_by_page_the_newest_first(browser, outbox):
    written = outbox.write(5)
    address, seen = f"{API}?limit=2&type=error.occurred", []
    while address:
        reply = browser.get(address)
        seen += ids(reply)
        address = reply.json()["next"]
    assert seen == written[::-1]


def test_the_log_is_filtered(browser, outbox):
    (old,) = outbox.write(1, "data.synced", hours=3)
    (new,) = outbox.write(1, "error.occurred", "youtube")
    number, _ = outbox.add(event_types=["data.synced"])
    (theirs,) = outbox.write(1, "data.synced")
    outbox.deliver(broken_hosts={"receiver.example"})
    hour_ago = utc_now() - timedelta(hours=1)
    everything = [theirs, new, old]
    for query, wanted in (
        ({}, everything),
        ({"type": "data.synced"}, [theirs, old]),
        ({"provider": "youtube"}, [new]),
        ({"status": "pending"}, [theirs]),
        ({"status": "delivered"}, [new, old]),
        ({"org": "acme"}, everything),
        ({"org": "nobody"}, []),
        ({"endpoint": str(number)}, [theirs]),
        ({"endpoint": str(number), "status": "delivered"}, []),
        ({"since": hour_ago.isoformat()}, [theirs, new]),
        ({"until": hour_ago.replace(tzinfo=None).isoformat()}, [old]),
    ):
        assert ids(browser.get(API, params=query)) == wanted, query


@pytest.mark.parametrize(
    "query", ["type=no.such", "status=lost", "endpoint=7", "since=soon", "before=0", "limit=501"]
)
def test_a_filter_that_is_not_understood_names_the_field(browser, query):
    reply = browser.get(f"{API}?{query}")
    assert reply.status_code == 422
    assert query.partition("=")[0] in reply.json()["error"]["detail"]


def test_one_event_is_told_whole(browser, outbox):
    outbox.add("theirs")
    (event_id,) = outbox.write()
    outbox.deliver(broken_hosts={"receiver.example"})
    event = browser.get(f"{API}/{event_id}").json()
    assert (event["status"], event["org"], event["attempts"]) == ("pending", "acme", 2)
    assert event["body"]["id"] == event_id
    assert event["body"]["metadata"]["sequence"] == event["sequence"]
    assert {one["endpoint"]: one["status"] for one in event["deliveries"]} == {
        "n8n error-alerts": "delivered",
        "theirs": "pending",
    }
    (failed,) = (one for one in event["attempt_log"] if one["endpoint"] == "theirs")
    assert (failed["status_code"], failed["error_message"]) == (500, "answered 500")
    assert (failed["response_excerpt"], failed["url"]) == ("<b>no</b>", "https://receiver.example/hook")
    assert browser.get(f"{API}/evt_unknown").status_code == 404


def test_one_event_is_replayed_and_noted(browser, outbox):
    (event_id,) = outbox.write()
    outbox.deliver()
    reply = browser.send("POST", f"{API}/{event_id}/replay")
    assert (reply.status_code, reply.json()) == (202, {"replayed": 1})
    assert browser.get(f"{API}/{event_id}").json()["status"] == "pending"
    (noted,) = (row for row in outbox.rows(AuditEntry.__table__) if row.action == "events.replayed")
    assert (noted.actor, noted.details["events"], noted.details["asked"]) == (
        *("ada", 1),
        [{"event_ids": [event_id]}],
    )
    assert browser.send("POST", f"{API}/evt_unknown/replay").status_code == 404


def test_an_event_on_its_way_is_not_replayed(browser, outbox):
    (event_id,) = outbox.write()
    outbox.change(lease_until=utc_now() + timedelta(minutes=1))
    assert browser.send("POST", f"{API}/{event_id}/replay").status_code == 409


def test_events_are_replayed_by_filter(browser, outbox):
    first, second = outbox.write(2)
    outbox.write(1, "data.synced", hours=3)
    outbox.deliver()
    number = str(outbox.endpoint("n8n error-alerts").id)
    moment = (utc_now() - timedelta(hours=1)).isoformat()
    for order, count in (
        ({"ids": [first]}, 1),
        ({"ids": [first, second], "status": "delivered"}, 1),
        ({"type": "error.occurred", "org": "acme", "provider": "spotify", "endpoint": number}, 2),
        ({"until": moment}, 1),
        ({"since": moment, "status": "failed"}, 0),
    ):
        reply = browser.send("POST", f"{API}/replay", json=order)
        assert (reply.status_code, reply.json()) == (202, {"replayed": count}), order


def test_a_replay_that_is_not_understood_names_the_field(browser, outbox):
    for order, told in (
        ({}, "names no events"),
        ({"org": "nobody"}, "org: nobody is unknown"),
        ({"endpoint": "00000000-0000-4000-8000-000000000000"}, "endpoint: "),
        ({"status": "lost"}, "status"),
    ):
        reply = browser.send("POST", f"{API}/replay", json=order)
        assert reply.status_code == 422
        assert told in reply.json()["error"]["detail"]
        assert reply.json()["error"]["cure"]


def test_orders_of_another_site_are_refused(browser, outbox):
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    reply = browser.send("POST", f"{API}/replay", json={"status": "failed"}, headers=headers)
    assert reply.status_code == 403


def test_bodies_are_exported_as_lines_the_oldest_first(browser, outbox):
    written = [*outbox.write(501), *outbox.write(1, "data.synced")]
    reply = browser.get(f"{API}/export")
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["id"] for line in reply.text.splitlines()] == written
    one = browser.get(f"{API}/export?type=data.synced").text
    assert [json.loads(line)["id"] for line in one.splitlines()] == written[-1:]


def test_the_api_is_documented(browser):
    paths = browser.get("/openapi.json").json()["paths"]
    assert {
        *(API, f"{API}/replay", f"{API}/{{event_id}}", f"{API}/{{event_id}}/replay", f"{API}/export"),
        *("/api/v1/event-types", "/api/v1/event-types/{event_type}/schema.json"),
        *("/api/v1/endpoints", "/api/v1/endpoints/{endpoint_id}", "/metrics"),
    } <= set(paths)
