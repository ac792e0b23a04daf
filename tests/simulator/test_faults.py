"""Each fault does what it says, where it says, as often as it says."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

pytestmark = pytest.mark.providers


def fault(sim, kind, path_prefix="/v1/me/tracks", **rule):
    match = {"path_prefix": path_prefix, **rule.pop("match", {})}
    return sim.control("faults", kind=kind, match=match, **rule)


def messages(sim, path, token):
    """Ask by bare ASGI, and return what the app sent."""
    sent = []
    path, _, query = path.partition("?")

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:8790"), (b"authorization", f"Bearer {token}".encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": headers,
    }
    asyncio.run(sim.app(scope, receive, send))
    return sent


def test_a_fault_meets_as_many_requests_as_it_was_told(sim):
    fault(sim, "server_error", times=2)
    assert [sim.get("/me/tracks").status_code for _ in range(3)] == [500, 500, 200]


def test_a_fault_without_times_never_ends_until_removed(sim):
    fault(sim, "server_error", times=None, status=503)
    assert {sim.get("/me/tracks").status_code for _ in range(5)} == {503}
    assert sim.ask("DELETE", "/control/faults").json() == {"removed": 1}
    assert sim.get("/me/tracks").status_code == 200


def test_a_fault_meets_only_what_it_matches(sim):
    fault(sim, "server_error", match={"account": 1}, times=None)
    assert sim.get("/me/tracks", 0).status_code == 200
    assert sim.get("/me/albums", 1).status_code == 200
    assert sim.get("/me/tracks", 1).status_code == 500


def test_paths_match_with_and_without_their_provider(sim):
    fault(sim, "server_error", "/spotify/v1/me")
    assert sim.get("/me").status_code == 500


def test_rate_limit_says_how_long_to_wait(sim):
    fault(sim, "rate_limit", retry_after=79_892)
    reply = sim.get("/me/tracks")
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "79892")
    assert reply.json()["error"]["message"] == "API rate limit exceeded"


def test_quota_names_its_reason(sim):
    fault(sim, "quota")
    reply = sim.get("/me/tracks")
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "86400")
    assert reply.json()["error"]["reason"] == "QUOTA_EXCEEDED"


def test_forbidden_is_403(sim):
    fault(sim, "forbidden")
    assert sim.refused("/me/tracks") == (403, "Forbidden")


def test_revoked_meets_both_api_and_token_endpoint(sim):
    sim.control("faults", kind="revoked", match={"account": 0}, times=None)
    grant = sim.grant()
    assert sim.refused("/me") == (401, "Invalid access token")
    form = {
        "grant_type": "refresh_token",
        "refresh_token": grant["refresh_token"],
        "client_id": "simulator-client",
    }
    reply = sim.ask("POST", "/spotify/api/token", data=form)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")


def test_malformed_json_ends_in_the_middle(sim):
    fault(sim, "malformed_json")
    reply = sim.get("/me/tracks")
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        reply.json()


def test_null_items_stand_among_the_others(sim):
    fault(sim, "null_items")
    items = sim.body("/me/tracks?limit=10", 1)["items"]
    assert items[::2] == [None] * 5
    assert all(items[1::2])


def test_null_items_are_found_one_level_down(sim):
    fault(sim, "null_items", "/v1/me/following")
    assert sim.body("/me/following?type=artist", 1)["artists"]["items"][0] is None


@pytest.mark.parametrize(
    ("field", "lacks"),
    [
        (None, lambda body: "items" not in body),
        ("next", lambda body: "next" not in body),
        ("added_at", lambda body: all("added_at" not in item for item in body["items"])),
        ("track.id", lambda body: all("id" not in item["track"] for item in body["items"])),
    ],
)
def test_missing_field_takes_away_what_it_names(sim, field, lacks):
    fault(sim, "missing_field", field=field)
    assert lacks(sim.body("/me/tracks", 1))


def test_missing_field_takes_the_id_of_a_single_object(sim):
    fault(sim, "missing_field", "/v1/me")
    assert "id" not in sim.body("/me")


def test_repeat_page_never_comes_forward(sim):
    fault(sim, "repeat_page", times=None)
    first = sim.body("/me/tracks?limit=5", 1)
    assert sim.body("/me/tracks?limit=5&offset=5", 1) == first


def test_cut_promises_more_than_it_sends(sim):
    token = sim.grant()["access_token"]
    fault(sim, "cut")
    start, *parts = messages(sim, "/spotify/v1/me/tracks", token)
    promised = int(dict(start["headers"])[b"content-length"])
    assert 0 < sum(len(part["body"]) for part in parts) < promised
    assert parts[-1]["more_body"]


def test_slow_drip_sends_all_of_it_in_many_parts(sim):
    token = sim.grant()["access_token"]
    whole = sim.get("/me/tracks").content
    fault(sim, "slow_drip", seconds=0.02)
    _, *parts = messages(sim, "/spotify/v1/me/tracks", token)
    assert len(parts) > 10
    assert len(b"".join(part["body"] for part in parts)) == len(whole)


def test_slow_waits_before_it_answers(sim):
    fault(sim, "slow", seconds=0.03)
    started = time.monotonic()
    assert sim.get("/me/tracks").status_code == 200
    assert time.monotonic() - started >= 0.03


def test_faults_count_their_hits(sim):
    fault(sim, "server_error", times=None)
    sim.get("/me/tracks")
    assert [rule["hits"] for rule in sim.ask("GET", "/control/faults").json()] == [1]


def test_unknown_kinds_are_refused(sim):
    reply = sim.ask("POST", "/control/faults", json={"kind": "earthquake"})
    assert reply.status_code == 400
    assert "kind" in reply.json()["error"]


def test_latency_holds_every_reply(sim):
    sim.control("mode", latency_ms=30)
    started = time.monotonic()
    sim.get("/me")
    assert time.monotonic() - started >= 0.03
