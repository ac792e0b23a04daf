"""The control API says what it did, and refuses what it cannot do."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.providers


def test_grants_have_the_shape_that_accounts_import_reads(sim):
    grant = sim.grant(3, scopes=["user-top-read"], expires_in=60)
    assert set(grant) == {
        *("external_id", "display_name", "access_token", "refresh_token", "expires_at", "scopes"),
    }
    assert grant["scopes"] == ["user-top-read"]
    assert grant["expires_at"] == "2026-11-18T11:07:40Z"
    assert grant["external_id"] == sim.body("/me", 3)["account_id"]


def test_many_grants_come_at_once(sim):
    grants = sim.grant(10, count=90)["grants"]
    assert len({grant["external_id"] for grant in grants}) == 90


@pytest.mark.parametrize(
    ("order", "body", "word"),
    [
        ("grants", {"provider": "spotify", "account": 100}, "account"),
        ("grants", {"provider": "spotify", "account": 99, "count": 2}, "account"),
        ("grants", {"provider": "spotify", "account": 0, "scopes": ["x"]}, "scope"),
        ("grants", {"provider": "myspace", "account": 0}, "provider"),
        ("edit", {"account": 1, "saved_tracks": {"remove": [9999]}}, "saved_tracks"),
        ("edit", {"account": 1, "playlist_touch": [99]}, "playlist_touch"),
        ("edit", {"account": 1, "colour": "red"}, "colour"),
        ("edit", {"account": 1, "plays": -1}, "plays"),
        ("edit", {"account": 1, "saved_tracks": {"add": 5000}}, "saved_tracks"),
        ("faults", {"kind": "cut", "times": -1}, "times"),
        ("mode", {"spotify": "trial"}, "spotify"),
    ],
)
def test_orders_that_cannot_be_carried_out_are_refused(sim, order, body, word):
    reply = sim.ask("POST", f"/control/{order}", json=body)
    assert reply.status_code == 400
    assert word in reply.json()["error"]


def test_unknown_orders_are_not_found(sim):
    assert sim.ask("POST", "/control/dance").status_code == 404
    assert sim.ask("DELETE", "/control/grants").status_code == 405


def test_requests_are_logged_with_their_account(sim):
    sim.get("/me/tracks?limit=5", 1)
    sim.get("/me/shows", 1)
    log = sim.ask("GET", "/control/requests").json()
    assert log["total"] == 2
    entry = log["requests"][0]
    assert (entry["path"], entry["query"], entry["account"]) == ("/spotify/v1/me/tracks", "limit=5", 1)
    assert [one["status"] for one in log["requests"]] == [200, 501]
    assert sim.ask("DELETE", "/control/requests").json() == {"removed": 2}


def test_the_log_can_be_narrowed(sim):
    for path in ("/me", "/me/tracks", "/me/tracks"):
        sim.get(path)
    log = sim.ask("GET", "/control/requests?path_prefix=/spotify/v1/me/tracks&last=1").json()
    assert (log["total"], len(log["requests"])) == (2, 1)


def test_modes_change_what_bodies_show(sim):
    assert sim.control("mode", spotify="extended")["spotify"] == "extended"
    assert "popularity" in sim.body("/me/top/artists?limit=1")["items"][0]
    assert sim.control("mode", spotify="development")["spotify"] == "development"
    assert "popularity" not in sim.body("/me/top/artists?limit=1")["items"][0]


def test_the_simulator_says_that_it_is_alive(sim):
    assert sim.ask("GET", "/healthz").json() == {"status": "ok"}
    assert sim.ask("GET", "/").status_code == 404
