"""The sensor that announces grants which end."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources.accounts import disconnect
from resources.database import utc_now
from resources.providers import PROVIDERS
from resources.tables import Grant, WebhookEvent
from sensors import grants
from sensors.grants import grants_ending

LIFETIME, ANNOUNCE = PROVIDERS["spotify"].oauth.lifetime, PROVIDERS["spotify"].oauth.announce


@pytest.fixture
def connect(simulated):
    """Return a function that connects an account whose grant ends after some time."""

    def connect(number, ends_in):
        account = simulated.connect("north", number)
        consent = utc_now() - LIFETIME + ends_in
        with simulated.database.write() as connection:
            update = sa.update(Grant).where(Grant.account_id == account)
            connection.execute(update.values(authorized_at=consent))
        return account

    return connect


def announced(simulated):
    query = sa.select(WebhookEvent.event_type, WebhookEvent.payload)
    return {row["payload"]["accountId"]: row for row in simulated.rows(query)}


@pytest.mark.parametrize(
    ("ends_in", "is_announced"),
    [
        (ANNOUNCE + timedelta(hours=1), False),
        (ANNOUNCE - timedelta(hours=1), True),
        (timedelta(hours=1), True),
        (timedelta(days=100), False),
    ],
)
def test_a_grant_is_announced_within_the_window(dagster, simulated, connect, ends_in, is_announced):
    account = connect(0, ends_in)
    dagster.tick(grants_ending)
    assert (str(account) in announced(simulated)) is is_announced


def test_a_grant_is_announced_once(dagster, simulated, connect):
    account = connect(0, timedelta(days=3))
    for _ in range(3):
        dagster.tick(grants_ending)
    assert [row["event_type"] for row in announced(simulated).values()] == ["error.occurred"]
    assert len(simulated.rows("SELECT id FROM webhook_events")) == 1
    day = utc_now() + timedelta(days=3)
    message = announced(simulated)[str(account)]["payload"]["message"]
    assert message.endswith(f"on {day:%Y-%m-%d}")


def test_a_new_consent_is_announced_anew_when_it_ends(dagster, simulated, connect):
    connect(0, timedelta(days=3))
    dagster.tick(grants_ending)
    connect(0, timedelta(days=5))
    dagster.tick(grants_ending)
    assert len(simulated.rows("SELECT id FROM webhook_events")) == 2


def test_a_disconnected_account_is_not_announced(dagster, simulated, connect):
    disconnect(simulated.backline, connect(0, timedelta(days=3)), "test")
    dagster.tick(grants_ending)
    assert announced(simulated) == {}


@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)], indirect=True
)
def test_more_grants_than_fit_one_transaction_are_all_announced(dagster, simulated, connect, monkeypatch):
    monkeypatch.setattr(grants, "ANNOUNCED_AT_ONCE", 2)
    for number in range(5):
        connect(number, timedelta(days=3, minutes=number // 2))
    assert "5" in dagster.tick(grants_ending)
    assert len(announced(simulated)) == 5
