"""The event receiver: strict about signatures, and each event once."""

from __future__ import annotations

import json

import pytest

from resources.signing import SigningSecret, signed_headers

pytestmark = pytest.mark.webhooks
SECRET = SigningSecret(b"0123456789abcdef0123456789abcdef")
STARTED = 1_795_000_000
BODY = json.dumps({"id": "evt_1", "type": "data.synced"}).encode()


def post(sim, body=BODY, secret=SECRET, at=STARTED, path="data-sync"):
    headers = signed_headers([secret], "evt_1", at, body)
    return sim.ask("POST", f"/receiver/webhook/{path}", content=body, headers=headers)


@pytest.mark.parametrize("path", ["provider-event", "data-sync", "scraper-results", "error-alerts"])
def test_signed_events_are_accepted_on_all_four_paths(sim, path):
    assert post(sim, path=path).status_code == 202


def test_other_paths_are_not_registered(sim):
    assert post(sim, path="else").status_code == 404


def test_the_same_event_again_is_a_duplicate(sim):
    assert [post(sim).status_code for _ in range(3)] == [202, 200, 200]
    listed = sim.ask("GET", "/receiver/events").json()
    assert listed["total"] == 1
    assert listed["events"] == [
        {
            "id": "evt_1",
            "path": "/webhook/data-sync",
            "body": json.loads(BODY),
            "received_at": STARTED,
            "count": 3,
        }
    ]


def test_other_secrets_are_refused(sim):
    assert post(sim, secret=SigningSecret.new()).status_code == 401


def test_changed_bodies_are_refused(sim):
    headers = signed_headers([SECRET], "evt_1", STARTED, BODY)
    reply = sim.ask("POST", "/receiver/webhook/data-sync", content=BODY + b" ", headers=headers)
    assert reply.status_code == 401


def test_unsigned_events_are_refused(sim):
    assert sim.ask("POST", "/receiver/webhook/data-sync", content=BODY).status_code == 401


@pytest.mark.parametrize("off", [-301, 301])
def test_old_and_future_events_are_refused(sim, off):
    assert post(sim, at=STARTED + off).status_code == 401


def test_the_simulated_clock_ages_no_events(sim):
    sim.control("clock", advance_seconds=86_400)
    assert post(sim).status_code == 202


def test_what_is_no_json_is_refused(sim):
    assert post(sim, body=b"{").status_code == 400


def test_faults_meet_the_receiver_too(sim):
    match = {"path_prefix": "/receiver"}
    sim.control("faults", kind="server_error", match=match)
    sim.control("faults", kind="rate_limit", match=match, retry_after=7)
    assert post(sim).status_code == 500
    limited = post(sim)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert post(sim).status_code == 202


def test_events_can_be_forgotten(sim):
    post(sim)
    sim.ask("DELETE", "/receiver/events")
    assert sim.ask("GET", "/receiver/events").json()["total"] == 0
    assert post(sim).status_code == 202
