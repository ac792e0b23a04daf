"""A good call is taken once, does what it asks for, and can be followed."""

import uuid

import pytest
import sqlalchemy as sa

from resources import parking
from resources.accounts import disconnect
from resources.database import utc_now
from resources.errors import QuotaExhausted
from resources.events import Event, event_id, write_events
from resources.providers import PROVIDERS
from resources.scraping import jobs
from resources.sync import requests
from resources.tables import AuditEntry, InboundCall, Org, RequestedSync, ScraperJob, WebhookDelivery

pytestmark = pytest.mark.webhooks
YOUTUBE = PROVIDERS["youtube"]
CONNECTED = {
    "accountId": str(uuid.UUID(int=1)),
    "externalId": "x",
    "displayName": "X",
    "scopes": [],
    "reconnected": False,
}


@pytest.fixture
def console_database_url(database_url):
    """One of each kind."""
    return database_url


def one(rows, table):
    (row,) = rows.rows(sa.select(table))
    return row


def test_a_sync_is_asked_for_under_the_calls_id(caller, rows, stored, backline):
    account = stored("a")
    reply = caller.call(
        provider="spotify", org="acme", streams=["saved_tracks"], accounts=[str(account)], full=True
    )
    assert reply.status_code == 202
    answer = reply.json()
    follow = answer.pop("follow")
    assert answer == {"id": answer["id"], "type": "sync.requested", "status": "accepted"}
    assert follow.startswith(f"{backline.settings.public_url}/api/v1/calls/{answer['id']}?follow=")
    request = one(rows, RequestedSync)
    assert (str(request.id), request.source, request.requested_by) == (answer["id"], "api", "n8n")
    assert (request.orgs, request.accounts, request.streams) == (["acme"], [str(account)], ["saved_tracks"])
    assert (request.full, request.only_failed, request.status) == (True, False, "pending")
    call = one(rows, InboundCall)
    assert (call.source_address, call.data["full"], call.status) == ("127.0.0.1", True, "accepted")
    actions = {row.action: row.actor for row in rows.rows(sa.select(AuditEntry)) if row.actor == "n8n"}
    assert set(actions) == {"inbound.taken", "sync.asked"}


def test_days_choose_the_streams_that_have_them(caller, rows, stored):
    caller.call(provider="youtube", **{"from": "2026-11-01", "to": "2026-11-02"})
    request = one(rows, RequestedSync)
    assert (str(request.first_day), str(request.last_day)) == ("2026-11-01", "2026-11-02")
    assert set(request.streams) == {s.name for s in YOUTUBE.streams if s.days and not s.optional}


def test_a_scrape_is_the_same_job_as_the_consoles_but_for_who_asked(caller, rows, stored):
    account = stored("a")
    reply = caller.call(
        "scrape.requested", provider="spotify", org="acme", accounts=[str(account)], pages=["artist_page"]
    )
    job = one(rows, ScraperJob)
    assert (str(job.id), job.job_type, job.requested_by, job.status) == (
        *(reply.json()["id"], "n8n", "n8n"),
        "pending",
    )
    assert job.config == {"orgs": ["acme"], "accounts": [str(account)], "pages": ["artist_page"]}
    assert caller.follow(reply)["state"] == "accepted"


def test_the_same_call_again_gets_the_same_answer_and_does_nothing(caller, rows, stored, backline):
    account, body = stored("a"), caller.body(provider="spotify", org="acme")
    first = caller.send(body, caller.signed(body, "msg_1"))
    disconnect(backline, account, "test")
    for _ in range(3):
        again = caller.send(body, caller.signed(body, "msg_1"))
        assert (again.status_code, again.json()) == (202, first.json())
    assert rows.effects() == {"inbound_calls": 1, "sync_requests": 1, "scraper_jobs": 0, "webhook_events": 0}
    caller.app.state.console.door.log.flush()
    assert rows.refusals() == {"repeated": 3}


def test_a_call_that_is_made_anew_at_another_time_is_the_same_call(caller, rows, stored):
    stored("a")
    body = caller.body(provider="spotify", org="acme", full=True)
    later = body.replace(b"2026-11-23", b"2026-11-24").replace(b'"full": true', b'"full":true')
    first, again = (caller.send(one, caller.signed(one, "msg_1")) for one in (body, later))
    assert body != later
    assert (again.status_code, again.json()) == (202, first.json())
    assert rows.effects()["sync_requests"] == 1


def test_an_id_of_another_call_is_a_conflict(caller, rows):
    caller.call(call_id="msg_1", provider="spotify")
    reply = caller.call(call_id="msg_1", provider="youtube")
    assert (reply.status_code, reply.json()["type"]) == (409, "urn:backline:problem:conflict")
    assert rows.effects()["sync_requests"] == 1
    assert rows.refusals() == {"conflict": 1}


def test_a_refused_call_may_come_again_under_its_id_once_it_is_mended(caller, rows, stored):
    assert caller.call(call_id="msg_1", provider="spotify", org="acme").status_code == 422
    stored("a")
    assert caller.call(call_id="msg_1", provider="spotify", org="acme").status_code == 202


def test_an_account_that_is_not_connected_is_refused(caller, stored):
    account = stored("a", status="needs_reconnect")
    reply = caller.call(provider="spotify", accounts=[str(account)])
    assert (reply.status_code, reply.json()["errors"][0]["cure"]) == (422, "connect it in the console")
    assert caller.call("scrape.requested", provider="spotify", accounts=[str(account)]).status_code == 202


def test_an_account_of_another_org_is_refused(caller, stored):
    stored("a", org="acme")
    other = stored("b", org="umbrella")
    reply = caller.call(provider="spotify", org="acme", accounts=[str(other)])
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "data.accounts")


def test_a_call_is_followed_from_run_to_run(caller, rows, stored, backline):
    stored("a")
    reply, database = caller.call(provider="spotify"), backline.database
    call_id = uuid.UUID(reply.json()["id"])
    assert (caller.follow(reply)["state"], caller.follow(reply)["runs"]) == ("accepted", [])
    requests.plan_pending(database, 1)
    assert caller.follow(reply)["state"] == "accepted"
    requests.note_run(database, call_id, "000", "started", "run-1")
    running = caller.follow(reply)
    assert running["state"] == "running"
    assert running["runs"] == [
        {"id": "run-1", "url": "http://dagster.example:3000/runs/run-1", "shard": "000", "status": "started"}
    ]
    requests.note_run(database, call_id, "000", "completed", "run-1")
    done = caller.follow(reply)
    assert (done["state"], done["results"]) == (
        "completed",
        {"accounts": {"synced": 0, "failed": 0}, "records": 0},
    )
    assert done["completed_at"]


def test_a_failed_run_fails_its_call(caller, stored, backline):
    stored("a")
    reply = caller.call(provider="spotify")
    requests.plan_pending(backline.database, 1)
    requests.note_run(backline.database, uuid.UUID(reply.json()["id"]), "000", "failed", "run-1")
    told = caller.follow(reply)
    assert (told["state"], "1 of 1 runs failed" in told["detail"]) == ("failed", True)


def test_a_call_whose_accounts_are_gone_when_its_turn_comes_is_refused(caller, stored, backline):
    account = stored("a")
    reply = caller.call(provider="spotify", accounts=[str(account)])
    disconnect(backline, account, "test")
    requests.plan_pending(backline.database, 1)
    told = caller.follow(reply)
    assert (told["state"], "Connect one in the console" in told["detail"]) == ("refused", True)


def test_a_parked_provider_is_given_as_the_reason_to_wait(caller, stored, backline):
    stored("a")
    reply = caller.call(provider="spotify")
    until = utc_now().replace(year=utc_now().year + 1)
    parking.park(backline.database, PROVIDERS["spotify"], QuotaExhausted("spotify", "spent", retry_at=until))
    assert f"{until:%Y-%m-%d}" in caller.follow(reply)["detail"]


@pytest.mark.parametrize(
    ("status", "state"), [("completed", "completed"), ("failed", "failed"), ("cancelled", "failed")]
)
def test_a_scrape_is_followed_to_its_end(caller, backline, status, state):
    reply = caller.call("scrape.requested", provider="youtube")
    job_id = uuid.UUID(reply.json()["id"])
    jobs.begin(backline.database, job_id, "run-9")
    assert caller.follow(reply)["state"] == "running"
    jobs.end(backline.database, job_id, status, results={"total": 3, "done": 3, "outcomes": {"reading": 3}})
    told = caller.follow(reply)
    assert (told["state"], told["runs"][0]["id"]) == (state, "run-9")
    assert told["results"]["pages"] == {"total": 3, "done": 3, "outcomes": {"reading": 3}}


@pytest.mark.parametrize("call_id", [str(uuid.UUID(int=7)), "nonsense", "%00"])
def test_an_unknown_call_is_not_there(caller, call_id):
    caller.base_url = "http://127.0.0.1:8700"
    reply = caller.ask("GET", f"/api/v1/calls/{call_id}")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


def test_schemas_are_served(browser):
    reply = browser.get("/api/v1/schemas/inbound/sync.requested")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/schema+json")
    assert reply.json()["properties"]["type"]["const"] == "sync.requested"
    assert browser.get("/api/v1/schemas/inbound/x").status_code == 404


@pytest.fixture
def told(backline, stored):
    """Write events as a connection does, delivered already; return their ids, the oldest first."""
    for number in range(3):
        stored(f"a{number}", org=("acme", "umbrella", "acme")[number])
    ids = []
    with backline.database.write() as connection:
        for number, org_id in enumerate(connection.execute(sa.select(Org.id).order_by(Org.slug)).scalars()):
            event = Event(
                id=event_id("test", number),
                type="provider.connected",
                provider="spotify",
                org_id=org_id,
                payload=CONNECTED,
                created_at=utc_now(),
                source="manual",
            )
            write_events(connection, [event])
            ids.append(event.id)
        done = {"status": "delivered", "next_attempt_at": None}
        connection.execute(sa.update(WebhookDelivery).where(WebhookDelivery.event_id.in_(ids)).values(**done))
    return ids


def due(rows):
    query = sa.select(WebhookDelivery.event_id).where(WebhookDelivery.status == "pending")
    return {row.event_id for row in rows.rows(query)}


def test_a_replay_makes_just_the_named_events_due(caller, rows, told):
    before = due(rows)
    reply = caller.call("replay.requested", event_ids=[told[0]])
    assert due(rows) - before == {told[0]}
    done = caller.follow(reply)
    assert (done["state"], done["results"]) == ("completed", {"events": 1})
    assert done["completed_at"]


def test_a_replay_makes_due_what_its_filter_finds(caller, rows, told):
    before = due(rows)
    reply = caller.call("replay.requested", filter={"status": "delivered", "org": "umbrella"})
    assert due(rows) - before == {told[1]}
    assert caller.follow(reply)["results"] == {"events": 1}
    nothing = caller.call("replay.requested", filter={"until": "2020-01-01T00:00:00Z"})
    assert caller.follow(nothing)["results"] == {"events": 0}


def test_a_replay_that_comes_again_does_nothing_again(caller, rows, told, backline):
    body = caller.body("replay.requested", event_ids=told)
    headers = caller.signed(body, "msg_1")
    assert caller.send(body, headers).status_code == 202
    with backline.database.write() as connection:
        connection.execute(sa.update(WebhookDelivery).values(status="delivered"))
    assert caller.send(body, headers).status_code == 202
    assert due(rows) == set()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"event_ids": ["evt_5K791PGFDCS1N32BTJJV12TAD6"]}, "data.event_ids"),
        ({"filter": {"org": "nobody"}}, "data.filter.org"),
        ({"filter": {"provider": "myspace"}}, "data.filter.provider"),
        ({"filter": {"endpoint": "cf1b9bee-871a-4f2b-86e1-35b61b475e67"}}, "data.filter.endpoint"),
        ({"filter": {"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"}}, "data.filter.since"),
    ],
)
def test_a_replay_of_what_is_not_there_is_refused(caller, rows, told, data, field):
    before = due(rows)
    reply = caller.call("replay.requested", **data)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, field)
    assert due(rows) == before


def test_a_moment_of_another_zone_is_the_same_moment(caller, rows, told):
    caller.call("replay.requested", filter={"since": "2020-01-01T00:00:00-11:00", "provider": "spotify"})
    assert set(told) <= due(rows)
