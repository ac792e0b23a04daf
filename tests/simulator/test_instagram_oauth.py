"""Consent, codes and tokens of the simulated Instagram."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.providers

CALLBACK = "http://localhost:8000/connect/instagram/callback"
SCOPE = "instagram_business_basic,instagram_business_manage_insights"
ASKED = {
    "client_id": "simulator-client",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": SCOPE,
    "state": "s 1",
}
FORM = {
    "client_id": "simulator-client",
    "client_secret": "simulator-secret",
    "grant_type": "authorization_code",
    "redirect_uri": CALLBACK,
}


def authorize(instagram, account=3, decision="agree", **changes):
    asked = {**ASKED, **changes, "account": account, "decision": decision}
    return instagram.ask("POST", "/instagram/oauth/authorize", data=asked)


def code_of(instagram, **changes):
    return parse_qs(urlsplit(authorize(instagram, **changes).headers["location"]).query)["code"][0]


def exchange(instagram, code, **changes):
    return instagram.ask("POST", "/instagram/oauth/access_token", data={**FORM, "code": code, **changes})


def short_token(instagram, **changes):
    return exchange(instagram, code_of(instagram, **changes)).json()["data"][0]["access_token"]


def long_token(instagram, text, **changes):
    asked = {"grant_type": "ig_exchange_token", "client_secret": "simulator-secret", "access_token": text}
    return instagram.ask("GET", "/instagram/access_token", params={**asked, **changes})


def refresh(instagram, text):
    asked = {"grant_type": "ig_refresh_token", "access_token": text}
    return instagram.ask("GET", "/instagram/refresh_access_token", params=asked)


def test_the_screen_names_the_scopes_and_offers_accounts(instagram):
    reply = instagram.ask("GET", "/instagram/oauth/authorize", params=ASKED)
    assert reply.status_code == 200
    assert "instagram_business_manage_insights" in reply.text
    assert '<option value="9"' in reply.text


def test_agreeing_redirects_with_code_state_and_the_odd_ending(instagram):
    address = authorize(instagram).headers["location"]
    assert address.endswith("#_")
    assert parse_qs(urlsplit(address).query)["state"] == ["s 1"]


def test_cancelling_says_that_the_user_denied(instagram):
    query = parse_qs(urlsplit(authorize(instagram, decision="cancel").headers["location"]).query)
    assert (query["error"], query["error_reason"]) == (["access_denied"], ["user_denied"])
    assert query["state"] == ["s 1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://example.com/elsewhere"},
        {"redirect_uri": "http://example.com/connect/instagram/callback"},
        {"response_type": "token"},
        {"scope": "instagram_business_manage_insights"},
        {"scope": "business_basic"},
        {"code_challenge": "x" * 43},
        {"enable_fb_login": "maybe"},
    ],
)
def test_what_instagram_does_not_know_is_refused_on_the_screen(instagram, changes):
    reply = instagram.ask("GET", "/instagram/oauth/authorize", params={**ASKED, **changes})
    assert reply.status_code == 400
    assert reply.text.startswith("Invalid Request")


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": SCOPE.replace(",", " ")},
        {"enable_fb_login": "0", "force_authentication": "1"},
        {"redirect_uri": "https://backline.example/connect/instagram/callback"},
    ],
)
def test_what_instagram_knows_is_accepted(instagram, changes):
    reply = instagram.ask("GET", "/instagram/oauth/authorize", params={**ASKED, **changes})
    assert reply.status_code == 200


def test_a_code_becomes_a_token_for_the_app_scoped_id(instagram):
    (found,) = exchange(instagram, code_of(instagram)).json()["data"]
    assert found["permissions"] == SCOPE
    params = {"fields": "id,user_id", "access_token": found["access_token"]}
    me = instagram.ask("GET", "/instagram/v25.0/me", params=params).json()
    assert found["user_id"] == me["id"] != me["user_id"]
    assert me["user_id"].startswith("1784")


def test_a_mode_gives_the_flat_shape(instagram):
    instagram.control("instagram/mode", token_shape="flat")
    body = exchange(instagram, code_of(instagram)).json()
    assert set(body) == {"access_token", "user_id", "permissions"}
    assert isinstance(body["user_id"], int)
    assert body["permissions"] == SCOPE.split(",")


def test_a_code_serves_once(instagram):
    code = code_of(instagram)
    assert exchange(instagram, code).status_code == 200
    reply = exchange(instagram, code)
    assert reply.status_code == 400
    assert reply.json() == {
        "error_type": "OAuthException",
        "code": 400,
        "error_message": "Matching code was not found or was already used",
    }


def test_a_code_lasts_an_hour(instagram):
    codes = [code_of(instagram), code_of(instagram)]
    instagram.control("clock", advance_seconds=3_590)
    assert exchange(instagram, codes[0]).status_code == 200
    instagram.control("clock", advance_seconds=20)
    assert exchange(instagram, codes[1]).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": "wrong"},
        {"client_id": "another"},
        {"grant_type": "refresh_token"},
        {"redirect_uri": "https://backline.example/connect/instagram/callback"},
        {"code": "AQnever"},
        {"code_verifier": "x" * 43},
    ],
)
def test_a_wrong_form_gets_no_token(instagram, changes):
    reply = exchange(instagram, **{"code": code_of(instagram), **changes})
    assert reply.status_code == 400
    assert set(reply.json()) == {"error_type", "code", "error_message"}


def test_a_short_token_becomes_one_of_sixty_days(instagram, shared):
    body = long_token(instagram, short_token(instagram)).json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 5_184_000
    spec = (shared / "specs" / "instagram" / "IGAccessTokenForIGOnlyAPI.json").read_text()
    assert all(f'"{name}"' in spec for name in body)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_secret": "wrong"}, 1),
        ({"grant_type": "fb_exchange_token"}, 100),
        ({"access_token": "IGAAx"}, 190),
        ({"client_id": "simulator-client"}, 100),
    ],
)
def test_a_wrong_exchange_is_a_graph_error(instagram, changes, code):
    reply = long_token(instagram, short_token(instagram), **changes)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == code


def test_a_long_token_is_not_exchanged_again(instagram):
    text = long_token(instagram, short_token(instagram)).json()["access_token"]
    assert long_token(instagram, text).status_code == 400


def test_a_short_token_dies_after_an_hour_and_is_then_not_exchanged(instagram):
    text = short_token(instagram)
    instagram.control("clock", advance_seconds=3_601)
    error = long_token(instagram, text).json()["error"]
    assert (error["code"], error["error_subcode"], error["type"]) == (190, 463, "OAuthException")


def test_a_token_is_refreshed_when_it_is_a_day_old_and_the_old_one_goes_on(instagram):
    text = long_token(instagram, short_token(instagram)).json()["access_token"]
    assert refresh(instagram, text).status_code == 400
    instagram.control("clock", advance_seconds=86_401)
    body = refresh(instagram, text).json()
    assert body["permissions"] == SCOPE
    assert body["access_token"] != text
    for each in (text, body["access_token"]):
        reply = instagram.ask("GET", "/instagram/v25.0/me", params={"access_token": each})
        assert reply.status_code == 200


def test_a_refreshed_token_lasts_sixty_days_from_then(instagram):
    text = instagram.grant(authorized_days_ago=59)["access_token"]
    renewed = refresh(instagram, text).json()["access_token"]
    instagram.control("clock", advance_seconds=2 * 86_400)
    for each, status in ((text, 400), (renewed, 200)):
        reply = instagram.ask("GET", "/instagram/v25.0/me", params={"access_token": each})
        assert reply.status_code == status


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({}, 100),
        ({"authorized_days_ago": 61}, 190),
        ({"authorized_days_ago": 2, "scopes": ["instagram_business_manage_insights"]}, 10),
    ],
)
def test_a_token_too_young_too_old_or_without_basic_is_not_refreshed(instagram, order, code):
    reply = refresh(instagram, instagram.grant(**order)["access_token"])
    assert reply.json()["error"]["code"] == code


def test_no_refresh_takes_back_a_revocation(instagram):
    text = instagram.grant(authorized_days_ago=2)["access_token"]
    renewed = refresh(instagram, text).json()["access_token"]
    instagram.control("revoke", provider="instagram", account=0)
    reply = refresh(instagram, renewed)
    assert (reply.json()["error"]["code"], reply.json()["error"]["error_subcode"]) == (190, 458)


def test_token_addresses_have_no_version(instagram):
    text = instagram.grant(authorized_days_ago=2)["access_token"]
    asked = {"grant_type": "ig_refresh_token", "access_token": text}
    reply = instagram.ask("GET", "/instagram/v25.0/refresh_access_token", params=asked)
    assert reply.status_code == 400


def test_a_grant_has_the_professional_id_and_no_refresh_token(instagram):
    grant = instagram.grant(5)
    assert grant["external_id"] == instagram.body("/me?fields=user_id", 5)["user_id"]
    assert grant["refresh_token"] is None
    assert grant["expires_at"] == "2027-01-17T11:06:40Z"


def test_unknown_scopes_are_not_granted(instagram):
    order = {"provider": "instagram", "account": 0, "scopes": ["email"]}
    assert instagram.ask("POST", "/control/grants", json=order).status_code == 400
