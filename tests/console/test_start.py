"""The way to the provider: asked for first, begun by our own pages only, bound to the browser."""

import datetime as dt
import urllib.parse
import uuid

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from console.app import create_app
from resources.database import utc_now
from resources.oauth import challenge_of
from resources.tables import OAuthState
from resources.vault import Sealed

START = "/connect/spotify/start"


@pytest.fixture
def states(backline):
    """Read the states under way."""

    def read():
        with backline.database.read() as connection:
            return connection.execute(sa.select(*OAuthState.__table__.columns)).all()

    return read


def test_link_to_start_asks_first(browser, states):
    reply = browser.get(f"{START}?org=acme")
    assert reply.status_code == 200
    assert 'value="acme"' in reply.text
    assert "user-read-recently-played" in reply.text
    assert states() == []


def test_start_sends_the_person_to_the_provider(browser):
    reply = browser.post(START, org=" acme ")
    address = urllib.parse.urlsplit(reply.headers["location"])
    query = dict(urllib.parse.parse_qsl(address.query))
    assert (reply.status_code, address.netloc) == (303, "accounts.spotify.com")
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == "http://127.0.0.1:8700/connect/spotify/callback"
    assert reply.headers["cache-control"] == "no-store"


def test_state_is_stored_as_a_hash_with_its_verifier_sealed(browser, backline, states):
    reply = browser.post(START, org="acme")
    query = dict(httpx.URL(reply.headers["location"]).params)
    (row,) = states()
    opened = backline.vault.unseal(Sealed(row.sealed, row.key_id), f"oauth_states/{row.state_hash}").decode()
    assert query["state"] not in repr(row)
    assert challenge_of(msgspec.json.decode(opened)["verifier"]) == query["code_challenge"]
    assert (row.expires_at - row.created_at).total_seconds() == 600


def test_cookie_binds_the_state_to_the_browser_without_showing_it(browser):
    reply = browser.post(START, org="acme")
    cookie = reply.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Max-Age=600", "Path=/connect/spotify"} <= set(cookie.split("; "))
    assert httpx.URL(reply.headers["location"]).params["state"] not in cookie


def test_cookie_is_secure_where_the_console_is(backline, browser):
    backline.settings.public_url = browser.base_url = "https://backline.example"
    browser.app = create_app(backline)
    assert "; Secure" in browser.post(START, org="acme").headers["set-cookie"]


@pytest.mark.parametrize("org", ["", "Ácme", "-acme", "a" * 64])
def test_bad_slug_is_refused_beside_its_field(browser, org, states):
    reply = browser.post(START, org=org)
    assert reply.status_code == 422
    assert "is not a slug; use at most 63 of a-z, 0-9 and -" in reply.text
    assert 'aria-invalid="true"' in reply.text
    assert states() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:8700", "sec-fetch-site": "same-site"},
    ],
)
def test_order_from_another_site_is_refused(browser, headers, states):
    reply = browser.send("POST", START, data={"org": "acme"}, headers=headers)
    assert (reply.status_code, "came from another site" in reply.text) == (403, True)
    assert states() == []


def test_order_of_our_own_is_taken(browser):
    headers = {"origin": "http://127.0.0.1:8700"}
    assert browser.send("POST", START, data={"org": "acme"}, headers=headers).status_code == 303


def test_order_under_a_session_proves_that_our_own_page_sent_it(browser, states):
    reply = browser.send("POST", START, data={"org": "acme"}, headers={})
    assert (reply.status_code, "may be forged" in reply.text) == (403, True)
    assert states() == []


def test_console_opened_elsewhere_says_where_to_connect(browser, states):
    headers = {"host": "localhost:8700", "origin": "http://localhost:8700"}
    reply = browser.send("POST", START, data={"org": "acme"}, headers=headers)
    assert reply.status_code == 421
    assert 'href="http://127.0.0.1:8700/admin/integrations/providers"' in reply.text
    assert states() == []


def test_app_without_credentials_names_the_setting(browser, monkeypatch, states):
    monkeypatch.delenv("BACKLINE_SPOTIFY_CLIENT_ID")
    reply = browser.post(START, org="acme")
    assert reply.status_code == 503
    assert "Set BACKLINE_SPOTIFY_CLIENT_ID in the environment or .env." in reply.text
    assert states() == []


def test_account_to_reconnect_must_exist(browser):
    assert browser.post(START, org="acme", account=str(uuid.uuid4())).status_code == 404
    assert browser.post(START, org="acme", account="no-uuid").status_code == 422


def test_unknown_provider_cannot_be_started(browser):
    assert browser.get("/connect/myspace/start").status_code == 404
    assert browser.post("/connect/myspace/start", org="acme").status_code == 404


def test_old_states_are_swept(browser, states, backline):
    browser.start()
    with backline.database.write() as connection:
        connection.execute(sa.update(OAuthState).values(expires_at=utc_now() - dt.timedelta(days=1)))
    browser.start()
    assert len(states()) == 1
