"""Consent and tokens, as strict as Google's accounts service."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.providers
CALLBACK = "http://localhost:8000/connect/youtube/callback"
READONLY, ANALYTICS = (
    f"https://www.googleapis.com/auth/{name}" for name in ("youtube.readonly", "yt-analytics.readonly")
)
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BASIC = {"authorization": "Basic " + base64.b64encode(b"simulator-client:simulator-secret").decode()}
ASKED = {
    "client_id": "simulator-client",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": f"{READONLY} {ANALYTICS}",
    "state": "abc&<x>",
    "access_type": "offline",
    "prompt": "consent",
}
CLIENT = {"client_id": "simulator-client", "client_secret": "simulator-secret"}


def decide(tube, decision="agree", account=2, granted=None, **changes):
    form = {**ASKED, **changes, "decision": decision, "account": str(account)}
    if granted is not None:
        form |= {"ticks": "shown", "granted": granted}
    form = {name: value for name, value in form.items() if value is not None}
    reply = tube.sim.ask("POST", "/youtube/o/oauth2/v2/auth", data=form)
    assert reply.status_code == 302, reply.text
    address = reply.headers["location"]
    assert address.startswith(CALLBACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def token(tube, headers=None, **form):
    form = {name: value for name, value in form.items() if value is not None}
    return tube.sim.ask("POST", "/youtube/token", data=form, headers=headers or {})


def exchange(tube, given, headers=None, **changes):
    form = {"grant_type": "authorization_code", "code": given, "redirect_uri": CALLBACK, **CLIENT, **changes}
    return token(tube, headers, **form)


def refresh(tube, text, **changes):
    return token(tube, **{"grant_type": "refresh_token", "refresh_token": text, **CLIENT, **changes})


def granted(tube, **changes):
    return exchange(tube, decide(tube, **changes)["code"]).json()


def error(reply):
    assert set(reply.json()) == {"error", "error_description"}
    return reply.status_code, reply.json()["error"]


def test_the_screen_offers_channels_and_lets_scopes_be_unticked(tube):
    page = tube.sim.ask("GET", "/youtube/o/oauth2/v2/auth", params={**ASKED, "account": "42"}).text
    assert f'<input type="checkbox" name="granted" value="{READONLY}" checked>' in page
    assert '<option value="42" selected>' in page
    assert "abc&amp;&lt;x&gt;" in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"client_id": "other"}, "invalid_client"),
        *(
            ({"redirect_uri": address}, "redirect_uri_mismatch")
            for address in (
                *("", "http://[::1", f"{CALLBACK}?a=b", f"{CALLBACK}\r\nset-cookie:a=b"),
                *("http://example.com/connect/youtube/callback", "http://127.0.0.1/other"),
            )
        ),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": ""}, "Missing required parameter: scope"),
        ({"scope": "youtube.readonly"}, "invalid_scope"),
        ({"access_type": "always"}, "access_type"),
        ({"prompt": "none consent"}, "prompt"),
        ({"include_granted_scopes": "yes"}, "include_granted_scopes"),
        ({"code_challenge": "short"}, "code_challenge"),
        ({"code_challenge_method": "S256"}, "code_challenge"),
        ({"colour": "red"}, "Parameter not allowed"),
        ({"account": "100"}, "no such account"),
    ],
)
def test_a_request_that_google_would_not_show_is_refused(tube, change, message):
    reply = tube.sim.ask("GET", "/youtube/o/oauth2/v2/auth", params={**ASKED, **change})
    assert reply.status_code == 400
    assert message in reply.text


@pytest.mark.parametrize("origin", ["https://example.com", "http://127.0.0.1:9", "http://[::1]:9"])
def test_https_and_this_machine_are_redirected_to(tube, origin):
    asked = {**ASKED, "redirect_uri": f"{origin}/connect/youtube/callback"}
    assert tube.sim.ask("GET", "/youtube/o/oauth2/v2/auth", params=asked).status_code == 200


def test_cancelling_says_so(tube):
    assert decide(tube, "cancel") == {"error": "access_denied", "state": ASKED["state"]}


def test_a_code_becomes_a_grant_in_googles_shape(tube):
    back = decide(tube)
    assert (back["state"], back["scope"]) == (ASKED["state"], f"{READONLY} {ANALYTICS}")
    answer = exchange(tube, back["code"]).json()
    assert set(answer) == {"access_token", "expires_in", "refresh_token", "scope", "token_type"}
    assert (answer["expires_in"], answer["token_type"]) == (3_599, "Bearer")
    assert set(answer["scope"].split()) == {READONLY, ANALYTICS}


def test_unticked_scopes_are_not_granted(tube):
    assert granted(tube, granted=[READONLY])["scope"] == READONLY
    assert decide(tube, granted=[])["error"] == "access_denied"


def test_the_app_may_name_itself_in_a_header(tube):
    nobody = {"client_id": None, "client_secret": None}
    assert exchange(tube, decide(tube)["code"], BASIC, **nobody).status_code == 200


def test_a_refresh_token_comes_offline_and_with_a_shown_consent_only(tube):
    assert "refresh_token" not in granted(tube, access_type=None)
    assert "refresh_token" not in granted(tube, prompt=None)  # already agreed to
    assert "refresh_token" in granted(tube, prompt="consent")
    assert "refresh_token" in granted(tube, prompt=None, account=3)
    tube.sim.control("revoke", provider="youtube", account=3)
    assert "refresh_token" in granted(tube, prompt=None, account=3)


def test_scopes_agreed_to_before_may_be_included(tube):
    granted(tube, scope=READONLY)
    answer = granted(tube, scope=ANALYTICS, include_granted_scopes="true")
    assert set(answer["scope"].split()) == {READONLY, ANALYTICS}
    assert granted(tube, scope=ANALYTICS)["scope"] == ANALYTICS


def test_refreshing_gives_no_new_refresh_token_and_does_not_end_the_old_one(tube):
    text = granted(tube)["refresh_token"]
    for _ in range(2):
        answer = refresh(tube, text).json()
        assert set(answer) == {"access_token", "expires_in", "scope", "token_type"}
    reply = tube.sim.ask(
        "GET",
        "/youtube/v3/channels?part=id&mine=true",
        headers={"authorization": f"Bearer {answer['access_token']}"},
    )
    assert reply.status_code == 200


def test_a_code_counts_once_and_for_ten_minutes(tube):
    code = decide(tube)["code"]
    assert exchange(tube, code).status_code == 200
    assert error(exchange(tube, code)) == (400, "invalid_grant")
    late = decide(tube)["code"]
    tube.sim.control("clock", advance_seconds=600)
    assert error(exchange(tube, late)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_id": "other"}, (401, "invalid_client")),
        ({"client_secret": "other"}, (401, "invalid_client")),
        ({"client_id": None}, (400, "invalid_request")),
        ({"client_secret": None}, (400, "invalid_request")),
        ({"redirect_uri": CALLBACK + "/"}, (400, "redirect_uri_mismatch")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": None}, (400, "unsupported_grant_type")),
        ({"code": None}, (400, "invalid_request")),
        ({"code_verifier": VERIFIER}, (400, "invalid_grant")),
        ({"colour": "red"}, (400, "invalid_request")),
    ],
)
def test_an_exchange_that_google_would_not_make_is_refused(tube, changes, expected):
    assert error(exchange(tube, decide(tube)["code"], **changes)) == expected


def test_the_verifier_must_fit_the_challenge(tube):
    proof = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    assert exchange(tube, decide(tube, **proof)["code"], code_verifier=VERIFIER).status_code == 200
    for verifier in ("w" * 64, None):
        code = decide(tube, **proof)["code"]
        assert error(exchange(tube, code, code_verifier=verifier)) == (400, "invalid_grant")


def test_the_token_endpoint_takes_posted_forms_only(tube):
    assert tube.sim.ask("GET", "/youtube/token").status_code == 405
    assert error(tube.sim.ask("POST", "/youtube/token", json=CLIENT)) == (400, "invalid_request")


def test_revoking_either_token_ends_the_grant(tube):
    for name in ("access_token", "refresh_token"):
        grant = granted(tube)
        assert tube.sim.ask("POST", "/youtube/revoke", data={"token": grant[name]}).status_code == 200
        reply = refresh(tube, grant["refresh_token"])
        assert error(reply) == (400, "invalid_grant")
        assert reply.json()["error_description"] == "Token has been expired or revoked."
        again = tube.sim.ask("POST", "/youtube/revoke", data={"token": grant[name]})
        assert error(again) == (400, "invalid_token")


def test_an_access_token_refreshes_nothing(tube):
    assert error(refresh(tube, granted(tube)["access_token"])) == (400, "invalid_grant")


def test_an_app_in_testing_loses_its_grants_after_a_week(tube):
    tube.order("mode", testing=True)
    grant = granted(tube)
    assert grant["refresh_token_expires_in"] == 604_799
    tube.sim.control("clock", advance_seconds=604_700)
    assert refresh(tube, grant["refresh_token"]).status_code == 200
    tube.sim.control("clock", advance_seconds=100)
    assert error(refresh(tube, grant["refresh_token"])) == (400, "invalid_grant")


def test_half_a_year_unused_ends_a_refresh_token(tube):
    used, unused = granted(tube)["refresh_token"], granted(tube, account=3)["refresh_token"]
    tube.sim.control("clock", advance_seconds=100 * 86_400)
    assert refresh(tube, used).status_code == 200
    tube.sim.control("clock", advance_seconds=100 * 86_400)
    assert refresh(tube, used).status_code == 200
    assert error(refresh(tube, unused)) == (400, "invalid_grant")


def test_grants_without_clicking_are_whole(tube):
    grant = tube.sim.control("grants", provider="youtube", account=5)
    assert set(grant) == {
        *("external_id", "display_name", "access_token", "refresh_token", "expires_at", "scopes"),
    }
    assert grant["external_id"] == tube.body("channels", 5, part="id", mine="true")["items"][0]["id"]
    assert refresh(tube, grant["refresh_token"]).status_code == 200
    order = {"provider": "youtube", "account": 5, "scopes": ["youtube.readonly"]}
    assert tube.sim.ask("POST", "/control/grants", json=order).status_code == 400
