"""The return from the provider: one way to succeed, and every way not to."""

import dataclasses
import datetime as dt
import json
from http import HTTPStatus

import httpx
import jsonschema
import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.errors import RateLimited
from resources.events import body_of
from resources.grants import open_grant
from resources.parking import current
from resources.providers import PROVIDERS
from resources.settings import REPOSITORY
from resources.tables import ConnectedAccount, Grant, OAuthState, WebhookEvent

SPOTIFY = PROVIDERS["spotify"]
HOME = "/admin/integrations/providers"


@pytest.fixture
def rows(backline):
    """Read all rows of a table."""

    def read(table):
        with backline.database.read() as connection:
            return connection.execute(sa.select(*table.__table__.columns)).all()

    return read


@pytest.fixture
def nothing_stored(rows):
    """Say whether a connection left nothing behind."""
    return lambda: not (rows(ConnectedAccount) or rows(Grant) or rows(WebhookEvent))


def test_consent_connects_the_account(browser, backline, rows):
    reply = browser.connect()
    (account,), (grant,) = rows(ConnectedAccount), rows(Grant)
    assert (reply.status_code, reply.headers["location"]) == (303, f"{HOME}?connected={account.id}")
    assert (account.external_id, account.display_name, account.status) == ("acc-1", "Ada & Co", "connected")
    assert open_grant(backline.vault, grant).tokens.refresh_token == "canary-refresh-51"
    assert grant.scopes == list(SPOTIFY.oauth.scopes)
    assert rows(OAuthState) == []
    assert "Ada &amp; Co is connected to acme" in browser.get(reply.headers["location"]).text


def test_consent_tells_of_it_once(browser, rows):
    browser.connect()
    (event,), (account,) = rows(WebhookEvent), rows(ConnectedAccount)
    assert event.event_type == "provider.connected"
    assert event.event_metadata["source"] == "manual"
    assert event.payload == {
        "accountId": str(account.id),
        "externalId": "acc-1",
        "displayName": "Ada & Co",
        "scopes": list(SPOTIFY.oauth.scopes),
        "reconnected": False,
    }


def test_event_is_as_its_schema_says(browser, rows):
    browser.connect()
    schema = json.loads((REPOSITORY / "n8n/schemas/provider.connected.json").read_text())
    jsonschema.validate(json.loads(body_of(rows(WebhookEvent)[0])), schema)


def test_exchange_proves_the_verifier_of_the_challenge(browser, fake):
    browser.connect()
    form = dict(httpx.QueryParams(fake.seen[0].content.decode()))
    assert form["grant_type"] == "authorization_code"
    assert form["redirect_uri"] == "http://127.0.0.1:8700/connect/spotify/callback"
    assert len(form["code_verifier"]) == 43


def test_second_consent_reconnects_the_same_account(browser, rows):
    browser.connect()
    browser.connect()
    assert len(rows(ConnectedAccount)) == 1
    assert sorted(event.payload["reconnected"] for event in rows(WebhookEvent)) == [False, True]


def test_reply_without_scope_grants_what_was_asked(browser, fake, rows):
    fake.scope = None
    browser.connect()
    assert rows(Grant)[0].scopes == list(SPOTIFY.oauth.scopes)


def test_missing_scopes_are_warned_of(browser, fake):
    fake.scope = "user-read-private user-read-email user-read-email"
    page = browser.get(browser.connect().headers["location"]).text
    assert "Not granted: user-top-read, " in page
    assert "leave\n  all permissions ticked" in page


def test_person_without_a_name_is_called_by_id(browser, fake, rows):
    fake.person = {"account_id": None, "id": "31abc", "display_name": None}
    browser.connect()
    account = rows(ConnectedAccount)[0]
    assert (account.external_id, account.display_name) == ("31abc", "31abc")


def test_declined_consent_is_friendly_and_stores_nothing(browser, nothing_stored, rows):
    reply = browser.come_back(browser.start(), code="", error="access_denied")
    assert reply.status_code == 200
    assert "You did not give access" in reply.text
    assert 'href="/connect/spotify/start?org=acme"' in reply.text
    assert nothing_stored()
    assert rows(OAuthState) == []


@pytest.mark.parametrize(("error", "shown"), [("server_error", "server_error"), ("<script>", "an error")])
def test_other_refusal_is_named_safely(browser, error, shown, nothing_stored):
    reply = browser.come_back(browser.start(), code="", error=error)
    assert reply.status_code == HTTPStatus.BAD_GATEWAY
    assert f"It returned {shown} instead of a code" in reply.text
    assert nothing_stored()


def test_return_without_code_is_refused(browser, nothing_stored):
    reply = browser.come_back(browser.start(), code="")
    assert (reply.status_code, "The return is not complete" in reply.text) == (400, True)
    assert nothing_stored()


@pytest.mark.parametrize("state", ["", "made-up", "é" * 40])
def test_unknown_state_is_refused(browser, fake, state, nothing_stored):
    reply = browser.come_back(state)
    assert reply.status_code == 400
    assert "finished already, or never begun here" in reply.text
    assert fake.seen == []
    assert nothing_stored()


def test_replayed_return_finds_nothing(browser, fake, rows):
    state = browser.start()
    cookies = httpx.Cookies(browser.cookies)
    browser.come_back(state)
    browser.cookies, asked = cookies, len(fake.seen)
    assert browser.come_back(state).status_code == 400
    assert len(fake.seen) == asked
    assert len(rows(WebhookEvent)) == 1


def test_expired_state_is_refused_and_gone(browser, backline, rows, nothing_stored):
    state = browser.start()
    with backline.database.write() as connection:
        connection.execute(sa.update(OAuthState).values(expires_at=utc_now() - dt.timedelta(seconds=1)))
    reply = browser.come_back(state)
    assert (reply.status_code, "This connection took too long" in reply.text) == (400, True)
    assert rows(OAuthState) == []
    assert nothing_stored()


def test_state_of_another_provider_is_refused(browser, backline, nothing_stored):
    state = browser.start()
    with backline.database.write() as connection:
        connection.execute(sa.update(OAuthState).values(provider="instagram"))
    reply = browser.come_back(state)
    assert (reply.status_code, "begun for another provider" in reply.text) == (400, True)
    assert nothing_stored()


def test_return_in_another_browser_is_refused_and_leaves_the_state(browser, nothing_stored, rows):
    state, cookies = browser.start(), browser.cookies
    browser.cookies = httpx.Cookies()
    reply = browser.come_back(state)
    assert (reply.status_code, "begun in another browser" in reply.text) == (400, True)
    assert nothing_stored()
    browser.cookies = cookies
    assert browser.come_back(state).status_code == 303


def test_two_connections_may_be_under_way_in_one_browser(browser):
    first, second = browser.start(), browser.start(org="zenith")
    assert browser.come_back(first).status_code == 303
    assert browser.come_back(second).status_code == 303


def test_unknown_provider_is_not_found(browser):
    assert browser.come_back("any", provider="myspace").status_code == 404


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), "a code is good once"),
        (httpx.Response(400, json={"error": "invalid_client"}), "Copy the client id and secret anew"),
        (httpx.Response(503), "Connect again in a minute"),
        (httpx.Response(200, json={"unexpected": True}), "is not understood"),
    ],
)
def test_refused_exchange_names_the_cure(browser, fake, token, said, nothing_stored):
    fake.token = token
    reply = browser.connect()
    assert reply.status_code == HTTPStatus.BAD_GATEWAY
    assert said in reply.text
    assert nothing_stored()


@pytest.mark.parametrize(
    ("me", "said"),
    [
        (
            httpx.Response(403, json={"error": {"status": 403, "message": "Not registered"}}),
            "developer console",
        ),
        (httpx.Response(200, content=b"<html>"), "the reply is not JSON"),
        (httpx.Response(200, json={"display_name": "Nobody"}), "the reply names no account"),
        (httpx.Response(200, json=[]), "the reply names no account"),
    ],
)
def test_grant_that_names_nobody_is_not_stored(browser, fake, me, said, nothing_stored):
    fake.me = [me]
    reply = browser.connect()
    assert reply.status_code == HTTPStatus.BAD_GATEWAY
    assert said in reply.text
    assert nothing_stored()


def test_long_wait_parks_the_provider_and_says_until_when(browser, backline, fake, nothing_stored):
    fake.me = [httpx.Response(429, headers={"retry-after": "7200"})]
    reply = browser.connect()
    parked = current(backline.database, SPOTIFY)
    assert isinstance(parked, RateLimited)
    assert f"{parked.retry_at:%Y-%m-%d %H:%M}" in reply.text
    assert "Wait until then, and connect again" in reply.text
    assert nothing_stored()


def test_provider_that_hangs_is_given_up(browser, app, fake, nothing_stored):
    app.state.console = dataclasses.replace(app.state.console, patience_seconds=0.05)
    fake.me = [httpx.Response(500)] * 4  # tried again after pauses that are longer than that
    reply = browser.connect()
    assert "no answer in 0.05 s" in reply.text
    assert nothing_stored()


def test_reconnection_as_somebody_else_is_refused(browser, stored, rows):
    account_id = stored("acc-2", status="needs_reconnect")
    reply = browser.connect(account=str(account_id))
    assert reply.status_code == HTTPStatus.CONFLICT
    assert "signed in as Ada &amp; Co" in reply.text
    assert [account.status for account in rows(ConnectedAccount)] == ["needs_reconnect"]
    assert rows(WebhookEvent) == []


def test_reconnection_keeps_the_id_under_which_the_account_was_imported(browser, stored, rows):
    account_id = stored("31abc", org="zenith", status="needs_reconnect", error_message="gone")
    reply = browser.connect(account=str(account_id), org="ignored")
    (account,) = rows(ConnectedAccount)
    assert reply.status_code == 303
    assert (account.id, account.external_id, account.status) == (account_id, "31abc", "connected")
