"""The test of one account: asked with its grant, as a sync would."""

import datetime as dt

import httpx
import pytest
import sqlalchemy as sa

from resources import parking
from resources.database import utc_now
from resources.errors import RateLimited
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant, WebhookEvent

UNAUTHORIZED = {"error": {"status": 401, "message": "The access token expired"}}


@pytest.fixture
def verdict(browser, stored):
    """Store an account, test it, return the page's text."""

    def test(external_id="acc-1", **state):
        account_id = stored(external_id, **state)
        reply = browser.post(f"/admin/integrations/accounts/{account_id}/test")
        assert reply.status_code == 200
        return reply.text

    return test


def test_working_grant_is_told(verdict, fake):
    page = verdict()
    assert "The grant works" in page
    assert "Spotify answered as Ada &amp; Co in" in page
    assert fake.seen[0].headers["authorization"] == "Bearer canary-access-51"


def test_grant_about_to_end_is_refreshed_first(verdict, fake):
    assert "The grant works" in verdict(expires_at=utc_now())
    assert [request.url.path for request in fake.seen] == ["/api/token", "/v1/me"]


def test_refused_token_is_refreshed_once(verdict, fake):
    fake.me = [httpx.Response(401, json=UNAUTHORIZED)]
    assert "The grant works" in verdict()
    assert [request.url.path for request in fake.seen] == ["/v1/me", "/api/token", "/v1/me"]


def test_revoked_grant_asks_for_reconnection(verdict, fake, backline):
    fake.me = [httpx.Response(401, json=UNAUTHORIZED)] * 2
    page = verdict()
    assert "The account must be reconnected" in page
    assert ">Reconnect</button>" in page
    with backline.database.read() as connection:
        assert connection.execute(sa.select(ConnectedAccount.status)).scalar() == "needs_reconnect"
        assert connection.execute(sa.select(WebhookEvent.event_type)).scalars().all() == ["error.occurred"]


def test_grant_of_somebody_else_is_told(verdict):
    assert "It speaks for Ada &amp; Co, not for acc-9." in verdict("acc-9")


def test_person_not_let_in_is_told(verdict, fake):
    fake.me = [httpx.Response(403, json={"error": {"message": "Not registered"}})]
    assert "this person is not let in" in verdict()


def test_strange_reply_is_told(verdict, fake):
    fake.me = [httpx.Response(418, json={})]
    assert "Spotify could not be asked" in verdict()


def test_parked_provider_is_left_alone(verdict, fake, backline):
    later = utc_now() + dt.timedelta(hours=1)
    parking.park(backline.database, PROVIDERS["spotify"], RateLimited("spotify", "slow", retry_at=later))
    assert "The test has to wait" in verdict()
    assert fake.seen == []


def test_disconnected_account_has_nothing_to_test(browser, stored, backline):
    account_id = stored("a")
    browser.post(f"/admin/integrations/accounts/{account_id}/disconnect")
    page = browser.post(f"/admin/integrations/accounts/{account_id}/test").text
    assert "There is no grant to test with" in page


def test_grant_sealed_under_a_lost_key_is_told(browser, stored, backline):
    account_id = stored("a")
    with backline.database.write() as connection:
        connection.execute(sa.update(Grant).values(key_id="lost0000"))
    page = browser.post(f"/admin/integrations/accounts/{account_id}/test").text
    assert "The stored grant does not open" in page
    assert "lost0000" in page
