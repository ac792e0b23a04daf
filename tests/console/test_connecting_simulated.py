"""Connecting through the console with the simulated Instagram and YouTube, from the button to the grant."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import html
import json
import urllib.parse
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from console.app import create_app
from resources.database import utc_now
from resources.grants import open_grant
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant
from sensors.grants import announce_ending
from simulator.addresses import provider_settings

ORIGIN = "http://simulator.test"
DAY = timedelta(days=1)


@pytest.fixture
def backline(backline, monkeypatch):
    """The console's Backline, whose providers are the simulator."""
    for name, value in provider_settings(ORIGIN, "1000000/1").items():
        monkeypatch.setenv(f"BACKLINE_{name}", value)
    return backline


@pytest.fixture
def app(backline, simulated):
    return create_app(backline, transport=simulated.wire)


class Person:
    """Somebody who connects an account: the console in one tab, the provider's consent in the next."""

    def __init__(self, simulated, browser):
        self.simulated, self.browser = simulated, browser
        self.asked = {}

    def connect(self, provider, **choice):
        """Press the button, decide, come back; return the page that the console shows then."""
        begun = self.browser.post(f"/connect/{provider}/start", org="acme")
        assert begun.status_code == 303, begun.text
        address = urllib.parse.urlsplit(begun.headers["location"])
        self.asked = dict(urllib.parse.parse_qsl(address.query))
        form = {**self.asked, "decision": "agree", "account": "3", **choice}
        decided = self.simulated.run(self._decide(address.path, form))
        assert decided.status_code == 302, decided.text
        back = urllib.parse.urlsplit(decided.headers["location"])
        reply = self.browser.get(f"{back.path}?{back.query}")
        return self.browser.get(reply.headers["location"]) if reply.status_code == 303 else reply

    async def _decide(self, path, form):
        async with httpx.AsyncClient(transport=self.simulated.wire, base_url=ORIGIN) as client:
            return await client.post(path, data=form)

    @property
    def grant(self):
        (row,) = self.simulated.rows(sa.select(Grant.__table__))
        return row

    @property
    def tokens(self):
        with self.simulated.database.read() as connection:
            row = connection.execute(sa.select(Grant.__table__)).one()
        return open_grant(self.simulated.backline.vault, row).tokens

    @property
    def accounts(self):
        return self.simulated.rows(sa.select(ConnectedAccount.__table__))


@pytest.fixture
def person(simulated, browser):
    return Person(simulated, browser)


def lasts(moment, days):
    return abs(moment - utc_now() - days * DAY) < timedelta(minutes=5)


class TestInstagram:
    """A code brings a token of an hour, which is exchanged for one of 60 days at once."""

    @pytest.mark.parametrize("shape", ["data", "flat"])
    def test_consent_ends_with_a_long_lived_token(self, person, simulated, shape):
        simulated.control("instagram/mode", token_shape=shape)
        page = person.connect("instagram")
        (account,) = person.accounts
        assert html.escape(account["display_name"]) in page.text
        assert account["external_id"] == simulated.grant(3, "instagram")["external_id"]
        assert lasts(person.grant["expires_at"], 60)
        assert person.tokens.refresh_token is None
        assert set(person.grant["scopes"]) == set(person.asked["scope"].split(","))
        assert "code_challenge" not in person.asked

    def test_the_stored_token_is_answered(self, person, simulated):
        person.connect("instagram")
        header = {"authorization": f"Bearer {person.tokens.access_token}"}
        found = simulated.ask("GET", "/instagram/v25.0/me?fields=user_id", headers=header)
        assert found["user_id"] == person.accounts[0]["external_id"]

    def test_a_failing_exchange_stores_nothing_and_tells_no_secret(self, person, simulated, caplog):
        simulated.fault("server_error", "/instagram/access_token", times=None)
        page = person.connect("instagram")
        assert person.accounts == []
        assert "simulator-secret" not in page.text + caplog.text
        assert "access_token=" not in page.text + caplog.text

    def test_a_declined_consent_stores_nothing(self, person):
        person.connect("instagram", decision="cancel")
        assert person.accounts == []

    def test_a_second_consent_takes_the_place_of_the_first(self, person):
        person.connect("instagram")
        first = person.tokens
        person.connect("instagram")
        assert len(person.accounts) == 1
        assert person.grant["generation"] == 2
        assert person.tokens != first


class TestYouTube:
    """Offline access, scopes that may be unticked, and an app that Google has not published."""

    def test_consent_brings_a_refresh_token_without_an_end(self, person):
        page = person.connect("youtube")
        assert (person.asked["access_type"], person.asked["prompt"]) == ("offline", "consent")
        assert person.asked["code_challenge_method"] == "S256"
        assert person.tokens.refresh_token
        assert person.grant["ends_at"] is None
        assert html.escape(person.accounts[0]["display_name"]) in page.text
        assert "Authorization ends soon" not in page.text

    def test_scopes_that_were_unticked_are_missed_and_named(self, person):
        read, *_ = PROVIDERS["youtube"].oauth.scopes
        page = person.connect("youtube", ticks="shown", granted=read)
        assert person.grant["scopes"] == [read]
        assert "yt-analytics.readonly" in page.text
        assert "leave\n  all permissions ticked" in page.text or "leave all permissions ticked" in page.text

    def test_optional_scopes_are_missed_by_nobody(self, person):
        page = person.connect("youtube", ticks="shown", granted=list(PROVIDERS["youtube"].oauth.scopes))
        assert "monetary" not in page.text

    def test_an_app_in_testing_ends_in_seven_days_and_the_cure_is_told(self, person, simulated):
        simulated.control("youtube/mode", testing=True)
        page = person.connect("youtube")
        assert lasts(person.grant["ends_at"], 7)
        assert "Authorization ends soon" in page.text
        assert "Publish the Google app" in page.text

    def test_its_end_is_announced_once(self, person, simulated):
        simulated.control("youtube/mode", testing=True)
        person.connect("youtube")
        for _ in range(2):
            announce_ending(simulated.database, PROVIDERS["youtube"])
        events = simulated.rows("SELECT payload FROM webhook_events WHERE event_type = 'error.occurred'")
        (payload,) = [json.loads(one["payload"]) for one in events]
        assert (payload["error"], payload["accountId"]) == ("grant_ending", str(person.accounts[0]["id"]))
        assert "Publish the Google app" in payload["cure"]

    def test_a_new_consent_after_publishing_has_no_end(self, person, simulated):
        simulated.control("youtube/mode", testing=True)
        person.connect("youtube")
        simulated.control("youtube/mode", testing=False)
        person.connect("youtube")
        assert person.grant["ends_at"] is None

    def test_a_declined_consent_stores_nothing(self, person):
        person.connect("youtube", decision="cancel")
        assert person.accounts == []
