"""The page of integrations: what is broken, why, and what an operator does about it."""

import datetime as dt
import re
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from resources import parking
from resources.database import utc_now
from resources.errors import ContractChanged, GrantExpired, PermissionMissing, QuotaExhausted, ScopeMissing
from resources.providers import PROVIDERS
from resources.tables import AuditEntry, ConnectedAccount, Grant

HOME = "/admin/integrations/providers"
SPOTIFY = PROVIDERS["spotify"]
NAME = re.compile(r'class="name">([^<]*)<')


def broken(error):
    """Return an account's columns as a sync leaves them that failed with ``error``."""
    return {"sync_status": "failed", "error_type": error.code, "error_message": str(error)}


def ago(**span):
    return utc_now() - dt.timedelta(**span)


def test_root_leads_to_integrations(browser):
    reply = browser.get("/")
    assert (reply.status_code, reply.headers["location"]) == (303, HOME)


def test_empty_page_says_the_next_action(browser):
    page = browser.get(HOME).text
    assert "No account is connected yet." in page
    assert "Press Connect above" in page


def test_missing_credentials_say_how_to_set_them(browser, monkeypatch):
    monkeypatch.delenv("BACKLINE_SPOTIFY_CLIENT_ID")
    page = browser.get(HOME).text
    assert "App credentials missing" in page
    assert "<code>BACKLINE_SPOTIFY_CLIENT_SECRET</code>" in page
    assert "<code>http://127.0.0.1:8700/connect/spotify/callback</code>" in page
    assert "First give the app its credentials" in page


def test_credentials_are_masked(browser):
    page = browser.get(HOME).text
    assert "App credentials set" in page
    assert "••••d-51" in page
    assert "canary-client" not in page


def test_short_client_id_is_masked_whole(browser, monkeypatch):
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_ID", "short")
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_SECRET", "")
    page = browser.get(HOME).text
    assert "<dd>••••</dd>" in page
    assert "the app uses PKCE alone" in page


def test_parked_provider_says_why_and_until_when(browser, backline):
    until = ago(hours=-3)
    parking.park(backline.database, SPOTIFY, QuotaExhausted("spotify", "Quota exceeded", retry_at=until))
    page = browser.get(HOME).text
    assert f"Spotify is parked until {until:%Y-%m-%d %H:%M:%S} UTC" in page
    assert "Quota exceeded. Wait for the reset" in page
    assert "parked until" in browser.get("/connect/spotify/start").text


def test_broken_accounts_stand_first_the_worst_on_top(browser, stored):
    stored("a-fine", display_name="Fine", sync_status="ok")
    stored("b-gone", display_name="Gone", status="disconnected")
    stored("c-part", display_name="Part", sync_status="partial")
    stored("d-ends", display_name="Ends", authorized_at=ago(days=181))
    stored("e-fail", display_name="Fail", **broken(ContractChanged("spotify", "no items")))
    stored("f-needs", display_name="Needs", status="needs_reconnect")
    page = browser.get(HOME).text
    assert NAME.findall(page) == ["Needs", "Fail", "Ends", "Part", "Fine", "Gone"]
    assert "4 of 6 accounts need attention" in page


def test_all_in_order_is_said(browser, stored):
    stored("fine", sync_status="ok")
    assert "All connected accounts are in order" in browser.get(HOME).text


def test_failed_sync_shows_cause_and_cure(browser, stored):
    error = PermissionMissing("spotify", "403 Not registered", status=403, path="/me/top/artists")
    stored("a", **broken(error), last_sync_at=ago(hours=9))
    page = browser.get(HOME).text
    assert "At /me/top/artists: 403 Not registered." in page
    assert "Give this account access in the provider&#39;s developer console" in page
    assert re.search(r'last good <time datetime="[^"]+" title="[^"]+ UTC">9 h ago</time>', page)


def test_cure_of_a_narrower_fault_is_its_own(browser, stored):
    stored("a", **broken(ScopeMissing("spotify", "Insufficient client scope")))
    page = browser.get(HOME).text
    assert "Insufficient client scope." in page
    assert "Give this account access" not in page


def test_unknown_message_is_shown_as_it_is(browser, stored):
    stored("a", sync_status="failed", error_type="gone", error_message="<b>odd</b>")
    page = browser.get(HOME).text
    assert "&lt;b&gt;odd&lt;/b&gt;" in page
    assert "Remove its id from the account" in page


def test_failure_before_the_reconnection_is_no_trouble_any_more(browser, stored):
    stored("a", sync_status="failed")
    page = browser.get(HOME).text
    assert "reconnected since; the next sync tells" in page
    assert "All connected accounts are in order" in page


def test_partial_sync_without_an_error_points_at_the_run(browser, stored):
    stored("a", sync_status="partial")
    assert "The run in Dagster names what was left out." in browser.get(HOME).text


@pytest.mark.parametrize(
    ("days", "said"),
    [(150, "in 32 days"), (181, "Authorization ends soon."), (190, "Authorization ended.")],
)
def test_end_of_authorization_is_announced(browser, stored, days, said):
    stored("a", authorized_at=ago(days=days) + dt.timedelta(minutes=1), sync_status="ok")
    page = browser.get(HOME).text
    assert said in page
    assert ("needs attention" in page) is (days > 168)


def test_missing_permissions_are_named(browser, stored):
    stored("a", scopes=SPOTIFY.oauth.scopes[1:])
    assert "Not granted: user-read-private." in browser.get(HOME).text


def test_filters_stand_in_the_address(browser, stored):
    stored("a", org="acme", display_name="Ada")
    stored("b", org="zenith", display_name="Bob", status="needs_reconnect")
    assert NAME.findall(browser.get(f"{HOME}?org=zenith").text) == ["Bob"]
    assert NAME.findall(browser.get(f"{HOME}?state=healthy").text) == ["Ada"]
    empty = browser.get(f"{HOME}?org=acme&state=needs_reconnect").text
    assert "No account matches." in empty
    assert "All connected accounts are in order" in empty


@pytest.mark.parametrize("query", ["state=odd", "page=0", "page=x", "connected=x"])
def test_odd_filter_is_refused_with_a_page(browser, query):
    reply = browser.get(f"{HOME}?{query}")
    assert reply.status_code == 422
    assert f"What is wrong: {query.split('=')[0]}." in reply.text


def test_many_accounts_come_page_by_page(browser, stored):
    for number in range(53):
        stored(f"n{number:02}", display_name=f"N{number:02}")
    first = browser.get(f"{HOME}?org=acme").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    query = parse_qs(urlsplit(following[1].replace("&amp;", "&")).query)
    assert query == {"org": ["acme"], "page": ["2"]}
    second = browser.get(f"{HOME}?org=acme&page=2").text
    assert (len(NAME.findall(first)), NAME.findall(second)) == (50, ["N50", "N51", "N52"])
    assert 'rel="prev"' in second


def test_disconnecting_asks_first_and_forgets_the_grant(browser, backline, stored):
    account_id = stored("a", display_name="Ada")
    address = f"/admin/integrations/accounts/{account_id}/disconnect"
    assert "Disconnect Ada?" in browser.get(address).text
    reply = browser.post(address)
    assert reply.headers["location"] == f"{HOME}?disconnected={account_id}"
    page = browser.get(reply.headers["location"]).text
    assert "Ada is disconnected." in page
    with backline.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(Grant)).scalar() == 0
        assert connection.execute(sa.select(ConnectedAccount.status)).scalar() == "disconnected"
        actions = connection.execute(sa.select(AuditEntry.actor, AuditEntry.action)).all()
        assert ("ada", "account.disconnected") in actions


@pytest.mark.parametrize("action", ["disconnect", "test"])
def test_unknown_account_is_not_found(browser, action):
    assert browser.post(f"/admin/integrations/accounts/{uuid.uuid4()}/{action}").status_code == 404


def test_account_in_need_offers_reconnection_first(browser, stored):
    error = GrantExpired("spotify", "Refresh token revoked")
    stored("a", status="needs_reconnect", **broken(error))
    page = browser.get(HOME).text
    assert "Refresh token revoked." in page
    assert '<button class="primary" aria-label="Reconnect A">' in page
