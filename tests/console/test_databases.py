"""What the console asks of a database, asked of SQLite and of PostgreSQL."""

import datetime as dt

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.tables import WebhookEvent

STATES = ("attention", "needs_reconnect", "failed", "partial", "ending", "healthy", "disconnected")


@pytest.fixture
def console_database_url(database_url):
    """One of each kind."""
    return database_url


def test_account_is_connected_once(browser, backline):
    state = browser.start()
    assert browser.come_back(state).status_code == 303
    assert browser.come_back(state).status_code == 400
    assert browser.connect().status_code == 303
    with backline.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(WebhookEvent)).scalar() == 2
    assert browser.get("/api/v1/accounts").json()["total"] == 1


def test_states_are_counted_as_they_are_listed(browser, stored):
    assert browser.get("/api/v1/accounts?state=attention").json()["total"] == 0
    stored("a", sync_status="ok")
    stored("b", status="needs_reconnect", sync_status="failed", error_message="x")
    stored("c", sync_status="failed", error_message="x", authorized_at=utc_now() - dt.timedelta(days=200))
    stored("d", sync_status="partial")
    stored("e", status="disconnected")
    totals = {}
    for state in STATES:
        reply = browser.get(f"/api/v1/accounts?state={state}").json()
        assert reply["total"] == len(reply["accounts"])
        totals[state] = reply["total"]
    assert totals == dict(zip(STATES, (3, 1, 1, 1, 1, 1, 1), strict=True))
    listed = browser.get("/api/v1/accounts").json()["accounts"]
    assert [account["external_id"] for account in listed] == ["b", "c", "d", "a", "e"]


def test_console_is_ready_and_shows_its_page(browser, stored):
    account_id = stored("a")
    assert browser.get("/readyz").status_code == 200
    assert browser.get("/admin/integrations/providers?org=acme").status_code == 200
    assert browser.post(f"/admin/integrations/accounts/{account_id}/disconnect").status_code == 303
