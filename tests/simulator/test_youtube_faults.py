"""Faults met by YouTube's services, in Google's words."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.providers
MINE = {"part": "id", "mine": "true"}


def fault(tube, kind, path_prefix="/v3/", **rule):
    return tube.sim.control("faults", kind=kind, match={"path_prefix": path_prefix}, **rule)


@pytest.mark.parametrize(
    ("kind", "rule", "expected"),
    [
        ("rate_limit", {}, (403, "rateLimitExceeded")),
        ("quota", {}, (403, "quotaExceeded")),
        ("server_error", {}, (500, "backendError")),
        ("server_error", {"status": 503}, (503, "backendError")),
        ("forbidden", {}, (403, "forbidden")),
        ("revoked", {}, (401, "authError")),
    ],
)
@pytest.mark.parametrize("prefix", ["/v3/", "/analytics/"])
def test_refusals_are_googles(tube, kind, rule, expected, prefix):
    token = tube.token(1)
    fault(tube, kind, prefix, **rule)
    path = {"/v3/": "/youtube/v3/channels", "/analytics/": "/youtube/analytics/v2/reports"}[prefix]
    reply = tube.sim.ask("GET", path, headers={"authorization": f"Bearer {token}"})
    assert (reply.status_code, reply.json()["error"]["errors"][0]["reason"]) == expected


def test_a_fault_can_meet_one_account_only(tube):
    rule = {"kind": "revoked", "match": {"path_prefix": "/youtube/v3", "account": 2}, "times": None}
    tube.sim.control("faults", **rule)
    assert tube.get("channels", 1, **MINE).status_code == 200
    assert tube.get("channels", 2, **MINE).status_code == 401


def test_a_revoked_grant_is_refused_at_the_token_endpoint(tube):
    fault(tube, "revoked", "/youtube/token")
    reply = tube.sim.ask("POST", "/youtube/token", data={"grant_type": "refresh_token"})
    assert reply.status_code == 400
    assert reply.json() == {
        "error": "invalid_grant",
        "error_description": "Token has been expired or revoked.",
    }


def test_a_failure_of_youtubes_own_costs_a_unit(tube):
    fault(tube, "server_error")
    tube.get("channels", 1, **MINE)
    assert tube.order("quota", "GET")["used"]["default"] == 1


def test_a_quota_fault_is_counted_as_a_refusal(tube):
    fault(tube, "quota")
    tube.get("channels", 1, **MINE)
    assert tube.order("quota", "GET")["quota_exceeded"] == 1


def test_every_second_item_or_row_can_be_null(tube):
    asked = {"part": "id", "playlistId": tube.uploads(11)}
    fault(tube, "null_items", "/v3/playlistItems")
    assert [item is None for item in tube.body("playlistItems", 11, **asked)["items"]] == [
        *(True, False, True, False, True),
    ]
    fault(tube, "null_items", "/analytics/")
    path = "/youtube/analytics/v2/reports?ids=channel==MINE&startDate=2026-11-01&endDate=2026-11-04"
    headers = {"authorization": f"Bearer {tube.token(1)}"}
    rows = tube.sim.ask("GET", f"{path}&metrics=views&dimensions=day", headers=headers).json()["rows"]
    assert [row is None for row in rows] == [True, False, True, False]


def test_a_field_can_be_missing(tube):
    fault(tube, "missing_field", "/v3/channels", field="snippet.title")
    item = tube.body("channels", 1, part="snippet", mine="true")["items"][0]
    assert "title" not in item["snippet"]
    fault(tube, "missing_field", "/v3/channels")
    assert "items" not in tube.body("channels", 1, **MINE)


def test_the_first_page_can_come_again_and_again(tube):
    asked = {"part": "id", "playlistId": tube.uploads(11)}
    first = tube.body("playlistItems", 11, **asked)
    fault(tube, "repeat_page", "/v3/playlistItems")
    again = tube.body("playlistItems", 11, **asked, pageToken=first["nextPageToken"])
    assert again == first


@pytest.mark.parametrize(("kind", "status"), [("rate_limit", 429), ("server_error", 503), ("forbidden", 403)])
def test_the_hub_refuses_in_plain_text(tube, kind, status):
    fault(tube, kind, "/hub/")
    reply = tube.sim.ask("POST", "/youtube/hub/subscribe", data={"hub.mode": "subscribe"})
    assert (reply.status_code, reply.headers["content-type"]) == (status, "text/plain; charset=utf-8")
