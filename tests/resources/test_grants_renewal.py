"""Access tokens that renew themselves, and consents whose end the provider names."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.endings import cure_of, end_of, ends_before
from resources.errors import GrantExpired
from resources.grants import GrantKeeper, open_grant
from resources.oauth import TokenClient
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant, WebhookEvent

pytestmark = pytest.mark.providers

INSTAGRAM, YOUTUBE, SPOTIFY = (PROVIDERS[name] for name in ("instagram", "youtube", "spotify"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Holding:
    """One account whose grant is handed out."""

    def __init__(self, simulated, provider):
        self.simulated, self.backline, self.provider = simulated, simulated.backline, provider
        self.account = simulated.connect("acme", 1, provider=provider.name, authorized_days_ago=40)
        (self.org,) = simulated.rows(sa.select(ConnectedAccount.org_id))[0].values()
        simulated.requests()

    def change(self, **values):
        with self.backline.database.write() as connection:
            connection.execute(sa.update(Grant).values(**values))

    def held(self):
        with self.backline.database.read() as connection:
            return open_grant(self.backline.vault, connection.execute(sa.select(Grant.__table__)).one())

    def call(self, name, *arguments, transport=None):
        """Call a keeper as another process would."""

        async def go():
            async with httpx.AsyncClient(transport=transport or self.simulated.wire) as client:
                token_client = TokenClient(self.backline, self.provider, client)
                keeper = GrantKeeper(self.backline, self.provider, token_client)
                return await getattr(keeper, name)(*arguments)

        return asyncio.run(go())

    def fresh(self, held=None, transport=None):
        return self.call("fresh", held or self.held(), self.org, transport=transport)

    @property
    def renewals(self):
        return len(self.simulated.requests("/refresh_access_token"))

    @property
    def status(self):
        return self.simulated.rows(sa.select(ConnectedAccount.status))[0]["status"]

    @property
    def alerts(self):
        return [row["payload"]["error"] for row in self.simulated.rows(sa.select(WebhookEvent.payload))]


@pytest.fixture
def holding(simulated):
    return Holding(simulated, INSTAGRAM)


def answering(status, **body):
    return httpx.MockTransport(lambda _: httpx.Response(status, json=body))


class TestRenewing:
    """A token renews itself ahead of its end, and never too young."""

    def test_one_younger_than_a_day_is_left_alone(self, holding):
        holding.change(updated_at=utc_now() - DAY + HOUR, expires_at=utc_now() + DAY)
        assert holding.fresh().generation == 1
        assert holding.renewals == 0

    def test_one_far_from_its_end_is_left_alone(self, holding):
        holding.change(updated_at=utc_now() - 5 * DAY, expires_at=utc_now() + 55 * DAY)
        assert holding.fresh().generation == 1
        assert holding.renewals == 0

    def test_one_near_enough_to_its_end_is_renewed(self, holding):
        holding.change(updated_at=utc_now() - 11 * DAY, expires_at=utc_now() + 49 * DAY)
        fresh = holding.fresh()
        assert fresh.generation == 2
        assert fresh == holding.held()
        assert fresh.expires_at > utc_now() + 59 * DAY
        assert holding.renewals == 1

    def test_one_whose_end_is_not_known_is_renewed_which_tells_it(self, holding):
        holding.change(updated_at=utc_now() - 2 * DAY, expires_at=None)
        assert holding.fresh().expires_at > utc_now() + 59 * DAY

    @pytest.mark.parametrize("status", [500, 503, 429, 400])
    def test_a_passing_failure_goes_on_with_the_old_one(self, holding, status, caplog):
        holding.change(updated_at=utc_now() - 11 * DAY, expires_at=utc_now() + DAY)
        held = holding.held()
        assert holding.fresh(transport=answering(status, error={"code": 2, "message": "later"})) == held
        assert (holding.status, holding.alerts) == ("connected", [])
        assert held.tokens.access_token not in caplog.text
        assert holding.fresh().generation == 2, "the lease was given back"

    def test_a_dead_one_asks_for_reconnection_without_a_request(self, holding):
        holding.change(updated_at=utc_now() - 61 * DAY, expires_at=utc_now() - DAY)
        with pytest.raises(GrantExpired):
            holding.fresh()
        assert (holding.status, holding.alerts, holding.renewals) == ("needs_reconnect", ["grant_expired"], 0)

    def test_a_refused_renewal_asks_for_reconnection_once(self, holding, simulated):
        simulated.control("revoke", provider="instagram", account=1)
        holding.change(updated_at=utc_now() - 11 * DAY, expires_at=utc_now() + DAY)
        for _ in range(2):
            with pytest.raises(GrantExpired):
                holding.fresh()
        assert (holding.status, holding.alerts) == ("needs_reconnect", ["grant_expired"])

    def test_what_another_process_renewed_meanwhile_is_taken(self, holding):
        holding.change(updated_at=utc_now() - 11 * DAY, expires_at=utc_now() + DAY)
        stale = holding.held()
        first = holding.fresh()
        assert holding.fresh(stale) == first
        assert holding.renewals == 1


class TestRefused:
    """A token that the API refused."""

    ERROR = GrantExpired("instagram", "190")

    def test_cannot_renew_itself_any_more(self, holding):
        with pytest.raises(GrantExpired):
            holding.call("refresh_refused", holding.held(), holding.org, self.ERROR)
        assert (holding.status, holding.alerts, holding.renewals) == ("needs_reconnect", ["grant_expired"], 0)

    def test_is_replaced_by_what_another_process_renewed(self, holding):
        holding.change(updated_at=utc_now() - 11 * DAY, expires_at=utc_now() + DAY)
        stale, first = holding.held(), holding.fresh()
        assert holding.call("refresh_refused", stale, holding.org, self.ERROR) == first
        assert holding.status == "connected"


class TestGoogle:
    """Google's refresh tokens stay, and their end is named only once."""

    @pytest.fixture
    def holding(self, simulated):
        holding = Holding(simulated, YOUTUBE)
        holding.change(expires_at=utc_now() - HOUR)
        return holding

    def test_a_refresh_brings_no_new_refresh_token_and_keeps_the_end(self, holding):
        ends_at = utc_now() + 5 * DAY
        holding.change(ends_at=ends_at)
        before = holding.held().tokens
        transport = answering(200, access_token="new", expires_in=3_599, scope="a b", token_type="Bearer")
        after = holding.fresh(transport=transport).tokens
        assert (after.access_token, after.refresh_token) == ("new", before.refresh_token)
        assert holding.simulated.rows(sa.select(Grant.ends_at)) == [{"ends_at": ends_at}]

    def test_an_end_that_a_refresh_names_is_kept(self, holding):
        holding.fresh(transport=answering(200, access_token="new", refresh_token_expires_in=86_400))
        (row,) = holding.simulated.rows(sa.select(Grant.ends_at))
        assert abs(row["ends_at"] - utc_now() - DAY) < HOUR


class TestEndings:
    """When a person must have consented again."""

    @pytest.mark.parametrize("provider", [SPOTIFY, INSTAGRAM, YOUTUBE], ids=lambda one: one.name)
    def test_the_condition_on_the_table_says_the_same_as_the_rule(self, simulated, provider):
        simulated.connect("acme", 1, provider=provider.name)
        now = utc_now()
        moment = now + 14 * DAY
        for ends_in, expires_in, consented in itertools.product(
            (None, -1, 3, 30), (None, -1, 3, 90), (1, 170)
        ):
            times = SimpleNamespace(
                authorized_at=now - consented * DAY,
                ends_at=None if ends_in is None else now + ends_in * DAY,
                expires_at=None if expires_in is None else now + expires_in * DAY,
            )
            with simulated.database.write() as connection:
                connection.execute(sa.update(Grant).values(**vars(times)))
            found = simulated.rows(sa.select(Grant.account_id).where(ends_before(provider, moment)))
            end = end_of(provider, times)
            assert bool(found) is (end is not None and end <= moment), times

    def test_the_cure_is_told_where_the_provider_named_the_end_itself(self):
        named = SimpleNamespace(authorized_at=None, ends_at=utc_now(), expires_at=None)
        unnamed = SimpleNamespace(authorized_at=None, ends_at=None, expires_at=utc_now())
        assert "Publish the Google app" in cure_of(YOUTUBE, named)
        assert cure_of(YOUTUBE, unnamed) == ""
