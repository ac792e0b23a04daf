"""Consent and tokens, as strict as Spotify's accounts service."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.providers
CALLBACK = "http://127.0.0.1:8000/connect/spotify/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BASIC = {"authorization": "Basic " + base64.b64encode(b"simulator-client:simulator-secret").decode()}
ASKED = {
    "client_id": "simulator-client",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "user-top-read user-library-read",
    "state": "abc&<x>",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
CONFIDENTIAL = {key: value for key, value in ASKED.items() if not key.startswith("code_")}


def decide(sim, asked=ASKED, decision="agree", account=2):
    form = {**asked, "decision": decision, "account": str(account)}
    reply = sim.ask("POST", "/spotify/authorize", data=form)
    assert reply.status_code == 302, reply.text
    address = reply.headers["location"]
    assert address.startswith(CALLBACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def token(sim, headers=None, **form):
    return sim.ask("POST", "/spotify/api/token", data=form, headers=headers or {})


def exchange(sim, given_code, headers=None, **changes):
    form = {"grant_type": "authorization_code", "code": given_code, "redirect_uri": CALLBACK}
    form |= {"client_id": "simulator-client", "code_verifier": VERIFIER, **changes}
    return token(sim, headers, **{name: value for name, value in form.items() if value is not None})


def refresh(sim, refresh_token, headers=None, **form):
    client = {} if headers else {"client_id": "simulator-client"}
    return token(sim, headers, grant_type="refresh_token", refresh_token=refresh_token, **client, **form)


def error(reply):
    assert set(reply.json()) == {"error", "error_description"}
    return reply.status_code, reply.json()["error"]


def test_the_screen_names_scopes_and_accounts_and_escapes_the_state(sim):
    page = sim.ask("GET", "/spotify/authorize", params={**ASKED, "account": "42"})
    assert page.status_code == 200
    assert "user-top-read" in page.text
    assert '<option value="42" selected>' in page.text
    assert "abc&amp;&lt;x&gt;" in page.text
    assert "Agree" in page.text
    assert "Cancel" in page.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"client_id": "other"}, "INVALID_CLIENT: Invalid client"),
        ({"redirect_uri": "http://127.0.0.1:8000/elsewhere"}, "INVALID_CLIENT: Invalid redirect URI"),
        *(
            ({"redirect_uri": address}, "INVALID_CLIENT: Invalid redirect URI")
            for address in ("", "http://[::1", f"{CALLBACK}\r\nset-cookie:a=b", f"{CALLBACK}?a=b")
        ),
        *(
            ({"redirect_uri": f"{origin}/connect/spotify/callback"}, "INVALID_CLIENT: Insecure redirect URI")
            for origin in ("http://localhost:8000", "http://example.com", "ftp://127.0.0.1")
        ),
        ({"response_type": "token"}, "response_type must be code"),
        ({"scope": "user-read-everything"}, "INVALID_SCOPE: Invalid scope"),
        ({"code_challenge_method": "plain"}, "code_challenge_method must be S256"),
        ({"code_challenge": "short"}, "code_challenge must be 43 base64url characters"),
        ({"account": "100"}, "There is no such account"),
    ],
)
def test_wrong_requests_never_leave_the_page(sim, change, message):
    for reply in (
        sim.ask("GET", "/spotify/authorize", params={**ASKED, **change}),
        sim.ask("POST", "/spotify/authorize", data={**ASKED, "decision": "agree", **change}),
    ):
        assert (reply.status_code, reply.text) == (400, message)


@pytest.mark.parametrize("origin", ["https://backline.example", "http://127.0.0.1:9", "http://[::1]:8000"])
def test_https_and_loopback_callbacks_are_registered(sim, origin):
    asked = {**ASKED, "redirect_uri": f"{origin}/connect/spotify/callback"}
    assert sim.ask("GET", "/spotify/authorize", params=asked).status_code == 200


def test_cancelling_says_access_denied(sim):
    assert decide(sim, decision="cancel") == {"error": "access_denied", "state": "abc&<x>"}


def test_agreeing_gives_a_code_and_a_grant_of_just_those_scopes(sim):
    answer = decide(sim)
    assert answer["state"] == "abc&<x>"
    reply = exchange(sim, answer["code"])
    assert reply.status_code == 200
    body = reply.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert body["scope"] == "user-library-read user-top-read"
    headers = {"authorization": f"Bearer {body['access_token']}"}
    assert sim.ask("GET", "/spotify/v1/me/top/artists", headers=headers).status_code == 200
    assert sim.ask("GET", "/spotify/v1/me/playlists", headers=headers).status_code == 403
    assert sim.ask("GET", "/spotify/v1/me", headers=headers).json() == sim.body("/me", 2)


def test_codes_are_good_once(sim):
    code = decide(sim)["code"]
    assert exchange(sim, code).status_code == 200
    assert error(exchange(sim, code)) == (400, "invalid_grant")


def test_codes_are_good_for_ten_minutes(sim):
    code = decide(sim)["code"]
    sim.control("clock", advance_seconds=600)
    assert error(exchange(sim, code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:8001/connect/spotify/callback"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"code": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
    ],
)
def test_exchanges_that_do_not_fit_are_refused(sim, change, fault):
    assert error(exchange(sim, decide(sim)["code"], **change)) == (400, fault)


def test_json_is_no_form(sim):
    reply = sim.ask("POST", "/spotify/api/token", json={"grant_type": "refresh_token"})
    assert reply.status_code == 415


def test_pkce_refresh_tokens_are_single_use(sim):
    first = exchange(sim, decide(sim)["code"]).json()["refresh_token"]
    renewed = refresh(sim, first)
    assert renewed.status_code == 200
    assert renewed.json()["refresh_token"] != first
    assert error(refresh(sim, first)) == (400, "invalid_grant")
    assert refresh(sim, renewed.json()["refresh_token"]).status_code == 200


def test_confidential_refreshes_keep_their_refresh_token(sim):
    code = decide(sim, CONFIDENTIAL)["code"]
    first = exchange(sim, code, BASIC, client_id=None, code_verifier=None).json()["refresh_token"]
    for _ in range(2):
        reply = refresh(sim, first, BASIC)
        assert reply.status_code == 200
        assert "refresh_token" not in reply.json()


def test_grants_without_pkce_need_the_secret(sim):
    code = decide(sim, CONFIDENTIAL)["code"]
    assert error(exchange(sim, code, code_verifier=None)) == (400, "invalid_client")
    grant = sim.grant(pkce=False)
    assert error(refresh(sim, grant["refresh_token"])) == (400, "invalid_client")
    assert refresh(sim, grant["refresh_token"], BASIC).status_code == 200


def test_consent_ends_after_six_months_whatever_was_refreshed(sim):
    old = sim.grant(authorized_days_ago=181)["refresh_token"]
    renewed = refresh(sim, old)
    assert renewed.status_code == 200
    sim.control("clock", advance_seconds=86_400)
    assert error(refresh(sim, renewed.json()["refresh_token"])) == (400, "invalid_grant")


def test_access_tokens_refresh_nothing(sim):
    assert error(refresh(sim, sim.grant()["access_token"])) == (400, "invalid_grant")


def test_people_off_the_allowlist_can_log_in_but_read_nothing(sim):
    body = exchange(sim, decide(sim, account=50)["code"]).json()
    headers = {"authorization": f"Bearer {body['access_token']}"}
    assert sim.ask("GET", "/spotify/v1/me", headers=headers).status_code == 403
