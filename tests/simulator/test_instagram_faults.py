"""Budgets, faults and pushes of the simulated Instagram."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

pytestmark = pytest.mark.providers

HOOK = "http://backline.test/hooks/instagram"


def fault(instagram, kind, path_prefix="/v25.0/me", **rule):
    return instagram.control("faults", kind=kind, match={"path_prefix": path_prefix}, **rule)


def usage(reply):
    (entries,) = json.loads(reply.headers["x-business-use-case-usage"]).values()
    return entries[0]


def subscribed(instagram, account=1, fields="comments,mentions"):
    instagram.control("instagram/webhook", callback_url=HOOK, verify_token="verify me")
    reply = instagram.call("POST", f"/me/subscribed_apps?subscribed_fields={fields}", account)
    assert reply.json() == {"success": True}


def push(instagram, **order):
    return instagram.ask("POST", "/control/instagram/push", json={"account": 1, **order})


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("rate_limit", 400, 4),
        ("quota", 400, 17),
        ("server_error", 500, 2),
        ("forbidden", 403, 10),
        ("revoked", 400, 190),
    ],
)
def test_faults_speak_as_graph_errors(instagram, kind, status, code):
    fault(instagram, kind)
    error = instagram.error("/me/media")
    assert (error["status"], error["code"], error["type"]) == (status, code, "OAuthException")
    assert error.get("is_transient", False) == (code in {2, 4, 17})
    assert instagram.get("/me/media").status_code == 200


def test_throttling_tells_minutes_in_its_usage_and_no_retry_after(instagram):
    fault(instagram, "quota", retry_after=5_400)
    reply = instagram.get("/me")
    assert usage(reply)["estimated_time_to_regain_access"] == 90
    assert usage(reply)["call_count"] > 100
    assert "retry-after" not in reply.headers


def test_a_revoked_fault_meets_the_token_endpoints_in_their_words(instagram):
    instagram.control("faults", kind="revoked", times=2)
    token = instagram.grant(authorized_days_ago=2)["access_token"]
    asked = {"grant_type": "ig_refresh_token", "access_token": token}
    reply = instagram.ask("GET", "/instagram/refresh_access_token", params=asked)
    assert reply.json()["error"]["code"] == 190
    assert instagram.ask("POST", "/instagram/oauth/access_token").json()["error_type"] == "OAuthException"


def test_null_items_stand_among_the_media(instagram):
    fault(instagram, "null_items")
    assert instagram.body("/me/media?limit=4", 1)["data"][::2] == [None, None]


def test_missing_fields_are_taken_from_media_and_envelope(instagram):
    for field, lacks in (("timestamp", False), ("paging", False), (None, True)):
        fault(instagram, "missing_field", field=field)
        body = instagram.body("/me/media?limit=4&fields=timestamp", 1)
        assert ("data" not in body) == lacks
        assert ("paging" not in body) == (field == "paging")
        if field == "timestamp":
            assert all(set(item) == {"id"} for item in body["data"])


def test_repeat_page_never_comes_forward(instagram):
    first = instagram.body("/me/media?limit=4", 1)
    instagram.control("faults", kind="repeat_page", times=None)
    assert instagram.ask("GET", first["paging"]["next"]).json()["data"] == first["data"]


def test_many_replies_tell_the_usage_in_percent_but_not_all(instagram):
    instagram.control("instagram/mode", calls_per_day=50, app_calls_per_hour=100)
    replies = [instagram.get("/me", 1) for _ in range(20)]
    telling = [reply for reply in replies if "x-app-usage" in reply.headers]
    assert 10 <= len(telling) < 20
    assert usage(telling[-1])["call_count"] == 38
    assert json.loads(telling[-1].headers["x-app-usage"])["call_count"] == 19
    assert list(json.loads(telling[0].headers["x-business-use-case-usage"])) == [
        instagram.grant(1)["external_id"]
    ]


def test_an_account_over_its_budget_waits_while_others_go_on(instagram):
    instagram.control("instagram/mode", calls_per_day=5)
    assert [instagram.get("/me", 1).status_code for _ in range(6)] == [200] * 5 + [400]
    reply = instagram.get("/me", 1)
    assert reply.json()["error"]["code"] == 17
    assert usage(reply)["call_count"] > 100
    minutes = usage(reply)["estimated_time_to_regain_access"]
    assert 1_380 <= minutes <= 1_464
    assert instagram.get("/me", 2).status_code == 200
    instagram.control("clock", advance_seconds=minutes * 60)
    assert instagram.get("/me", 1).status_code == 200


def test_an_app_over_its_budget_waits_for_all_accounts(instagram):
    instagram.control("instagram/mode", app_calls_per_hour=3)
    assert [instagram.get("/me", account).status_code for account in range(4)] == [200, 200, 200, 400]
    assert instagram.error("/me", 5)["code"] == 4
    instagram.control("clock", advance_seconds=3_700)
    assert instagram.get("/me", 5).status_code == 200


def test_modes_are_shown_and_wrong_ones_refused(instagram):
    mode = instagram.control("instagram/mode", calls_per_day=7)
    assert mode == instagram.ask("GET", "/control/instagram/mode").json()
    assert mode["drop_to_percent"] == 100
    for wrong in ({"calls_per_day": 0}, {"drop_to_percent": 101}, {"token_shape": "round"}, {"x": 1}):
        assert instagram.ask("POST", "/control/instagram/mode", json=wrong).status_code == 400


def test_accounts_subscribe_list_and_leave(instagram):
    path = "/me/subscribed_apps"
    assert instagram.body(path, 1) == {"data": []}
    subscribed(instagram)
    (app,) = instagram.body(path, 1)["data"]
    assert app["subscribed_fields"] == ["comments", "mentions"]
    assert instagram.call("DELETE", path, 1).json() == {"success": True}
    assert instagram.body(path, 1) == {"data": []}


@pytest.mark.parametrize(
    "fields", ["", "subscribed_fields=story_insights", "subscribed_fields=comments,feed"]
)
def test_unknown_webhook_fields_are_refused(instagram, fields):
    reply = instagram.call("POST", f"/me/subscribed_apps?{fields}", 1)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, 100)


def test_a_callback_that_echoes_the_challenge_is_verified(instagram):
    reply = instagram.control("instagram/webhook", callback_url=HOOK, verify_token="verify me")
    assert reply["state"] == "pending"
    (asked,) = instagram.callback.requests
    assert asked.method == "GET"
    assert asked.url.params["hub.mode"] == "subscribe"
    assert asked.url.params["hub.verify_token"] == "verify me"
    assert instagram.ask("GET", "/control/instagram/webhook").json()["state"] == "verified"


def test_a_callback_that_does_not_echo_fails_and_gets_no_push(instagram):
    instagram.callback.echoes = False
    subscribed(instagram)
    state = instagram.ask("GET", "/control/instagram/webhook").json()
    assert state["state"] == "failed"
    assert push(instagram).status_code == 400


@pytest.mark.parametrize("shape", ["entry", "changes"])
def test_pushes_are_signed_and_name_the_professional_account(instagram, shape):
    subscribed(instagram)
    assert push(instagram, shape=shape).status_code == 200
    sent = instagram.callback.requests[-1]
    digest = hmac.new(b"simulator-secret", sent.content, hashlib.sha256).hexdigest()
    assert sent.headers["x-hub-signature-256"] == f"sha256={digest}"
    body = json.loads(sent.content)
    (entry,) = body["entry"]
    assert body["object"] == "instagram"
    assert entry["id"] == instagram.grant(1)["external_id"]
    change = entry if shape == "entry" else entry["changes"][0]
    assert change["field"] == "comments"
    comment = instagram.body(f"/{change['value']['id']}?fields=text,from", 1)
    assert comment["text"] == change["value"]["text"]


def test_mentions_name_the_media_and_the_comment(instagram):
    subscribed(instagram)
    push(instagram, field="mentions", media=0)
    (entry,) = json.loads(instagram.callback.requests[-1].content)["entry"]
    newest = instagram.body("/me/media?limit=1", 1)["data"][0]["id"]
    assert entry["value"]["media_id"] == newest


def test_pushes_repeat_and_can_be_forged(instagram):
    subscribed(instagram)
    push(instagram, times=3, signature="bad")
    sent = instagram.callback.requests[1:]
    assert len({request.content for request in sent}) == 1
    assert len(sent) == 3
    digest = hmac.new(b"simulator-secret", sent[0].content, hashlib.sha256).hexdigest()
    assert sent[0].headers["x-hub-signature-256"] != f"sha256={digest}"
    listed = instagram.ask("GET", "/control/instagram/pushes").json()
    assert listed["total"] == 3
    assert {entry["status"] for entry in listed["pushes"]} == {200}


@pytest.mark.parametrize(
    "order", [{"field": "live_comments"}, {"account": 2}, {"account": 5_000}, {"media": 900}, {"times": 0}]
)
def test_what_instagram_would_not_push_is_not_pushed(instagram, order):
    subscribed(instagram)
    assert push(instagram, **order).status_code == 400
    assert len(instagram.callback.requests) == 1


def test_a_revoked_account_is_pushed_no_more(instagram):
    subscribed(instagram)
    instagram.control("revoke", provider="instagram", account=1)
    assert push(instagram).status_code == 400
