"""The sensor that lets access tokens renew themselves, and the announcements of what ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources.accounts import disconnect
from resources.database import utc_now
from resources.tables import Grant, WebhookEvent
from sensors.grants import grants_ending, grants_renewal

pytestmark = pytest.mark.providers
DAY = timedelta(days=1)


@pytest.fixture
def connect(simulated):
    """Return a function that connects an account whose token has some days left."""

    def connect(number, days_left, provider="instagram", **values):
        account = simulated.connect("north", number, provider=provider, authorized_days_ago=30)
        times = {"expires_at": utc_now() + days_left * DAY, "updated_at": utc_now() - 2 * DAY} | values
        with simulated.database.write() as connection:
            connection.execute(sa.update(Grant).where(Grant.account_id == account).values(**times))
        return account

    return connect


def generations(simulated):
    query = sa.select(Grant.account_id, Grant.generation)
    return {row["account_id"]: row["generation"] for row in simulated.rows(query)}


def announced(simulated):
    return [row["payload"] for row in simulated.rows(sa.select(WebhookEvent.payload))]


def test_what_is_due_is_renewed_and_nothing_else(dagster, simulated, connect):
    due = [connect(number, days) for number, days in ((1, 3), (2, 49))]
    connect(3, 55)
    connect(4, 3, updated_at=utc_now())
    connect(5, -3)
    assert dagster.tick(grants_renewal) == "Renewed: {'Instagram': 2}."
    assert {account for account, generation in generations(simulated).items() if generation > 1} == set(due)


def test_a_token_whose_end_is_not_known_is_renewed(dagster, simulated, connect):
    account = connect(1, 3, expires_at=None)
    dagster.tick(grants_renewal)
    assert generations(simulated)[account] == 2


def test_one_that_fails_keeps_no_other_from_being_renewed(dagster, simulated, connect):
    accounts = [connect(number, number) for number in range(1, 8)]
    simulated.control("revoke", provider="instagram", account=1)
    assert "6" in dagster.tick(grants_renewal)
    assert generations(simulated)[accounts[0]] == 1


def test_a_disconnected_account_is_not_renewed(dagster, simulated, connect):
    disconnect(simulated.backline, connect(1, 3), "test")
    simulated.requests()
    assert "0" in dagster.tick(grants_renewal)
    assert simulated.requests("/refresh_access_token") == []


def test_a_token_that_did_not_renew_itself_is_announced_once_an_end(dagster, simulated, connect):
    connect(1, 10)
    dagster.tick(grants_ending)
    dagster.tick(grants_ending)
    (told,) = announced(simulated)
    assert told["error"] == "grant_ending"
    assert f"on {utc_now() + 10 * DAY:%Y-%m-%d}" in told["message"]
    with simulated.database.write() as connection:
        connection.execute(sa.update(Grant).values(expires_at=utc_now() + 12 * DAY))
    dagster.tick(grants_ending)
    assert len(announced(simulated)) == 2, "a year later it may end again"


def test_a_google_app_in_testing_is_announced_with_its_cure(dagster, simulated, connect):
    connect(1, 0, provider="youtube", ends_at=utc_now() + 6 * DAY)
    connect(2, 0, provider="youtube")
    dagster.tick(grants_ending)
    (told,) = announced(simulated)
    assert f"on {utc_now() + 6 * DAY:%Y-%m-%d}" in told["message"]
    assert "Publish the Google app" in told["cure"]
