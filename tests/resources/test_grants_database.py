"""Refreshing grants on both databases: by one process at a time, and never twice with the same token."""

# ruff: noqa: D102  # a test's name states the fact

import asyncio
import base64
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import sqlalchemy as sa

from resources import grants
from resources.database import utc_now
from resources.errors import AppRefused, GrantExpired, Transient
from resources.grants import GrantKeeper, HeldGrant, Tokens, ask_for_reconnection, open_grant, store_grant
from resources.oauth import TokenClient
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant, WebhookEvent

pytestmark = pytest.mark.providers
SPOTIFY = PROVIDERS["spotify"]


class Holding:
    """One connected account whose access token has ended, and keepers that refresh it."""

    def __init__(self, simulated):
        self.simulated, self.backline = simulated, simulated.backline
        self.account = simulated.connect("acme", 1, expires_in=-10)
        (self.org,) = self.rows(sa.select(ConnectedAccount.org_id))[0].values()

    def rows(self, query):
        return self.simulated.rows(query)

    def row(self):
        return self.rows(sa.select(Grant.__table__))[0]

    def change(self, **values):
        with self.backline.database.write() as connection:
            connection.execute(sa.update(Grant).values(**values))

    def held(self):
        """Return the grant as it is stored."""
        with self.backline.database.read() as connection:
            return open_grant(self.backline.vault, connection.execute(sa.select(Grant.__table__)).one())

    async def refresh(self, stale=None, transport=None):
        """Refresh as another process would, with a keeper of its own."""
        async with httpx.AsyncClient(transport=transport or self.simulated.wire) as client:
            keeper = GrantKeeper(self.backline, SPOTIFY, TokenClient(self.backline, SPOTIFY, client))
            return await keeper.refresh(stale or self.held(), self.org)

    def token_requests(self):
        return len(self.simulated.requests("/api/token"))


@pytest.fixture
def holding(simulated):
    holding = Holding(simulated)
    simulated.requests()
    return holding


def answering(status, **body):
    return httpx.MockTransport(lambda _: httpx.Response(status, json=body))


def test_many_threads_refresh_once(holding):
    stale = holding.held()
    with ThreadPoolExecutor(12) as pool:
        grants = list(pool.map(lambda _: asyncio.run(holding.refresh(stale)), range(12)))
    assert holding.token_requests() == 1
    assert {grant.generation for grant in grants} == {2}
    assert {grant.tokens.access_token for grant in grants} == {holding.held().tokens.access_token}
    assert holding.row()["lease_until"] is None


def test_the_refreshed_grant_is_stored_and_good(holding):
    grant = asyncio.run(holding.refresh())
    assert grant == holding.held()
    assert grant.is_fresh(utc_now())
    header = {"authorization": f"Bearer {grant.tokens.access_token}"}
    assert holding.simulated.ask("GET", "/spotify/v1/me", headers=header)["type"] == "user"


def test_refreshes_go_on_for_ever_with_single_use_tokens(holding):
    for generation in range(2, 7):
        assert asyncio.run(holding.refresh()).generation == generation
    assert holding.token_requests() == 5


def test_a_reply_without_a_refresh_token_keeps_the_old_one(holding):
    before = holding.held().tokens
    transport = answering(200, access_token="new", expires_in=3600)
    after = asyncio.run(holding.refresh(transport=transport)).tokens
    assert (after.access_token, after.refresh_token) == ("new", before.refresh_token)
    assert holding.held().tokens == after


def test_a_reply_without_an_end_is_good_until_refused(holding):
    grant = asyncio.run(holding.refresh(transport=answering(200, access_token="new")))
    assert grant.expires_at is None
    assert grant.is_fresh(utc_now() + timedelta(days=999))


class TestInvalidGrants:
    """The provider no longer takes the refresh token."""

    def test_are_told_of_once_however_many_ask(self, holding):
        holding.simulated.control("revoke", provider="spotify", account=1)
        stale = holding.held()

        def refused(_):
            with pytest.raises(GrantExpired):
                asyncio.run(holding.refresh(stale))

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(refused, range(6)))
        (event,) = holding.rows(sa.select(WebhookEvent.__table__))
        assert event["payload"]["error"] == "grant_expired"
        (account,) = holding.rows(sa.select(ConnectedAccount.__table__))
        assert (account["status"], account["error_type"]) == ("needs_reconnect", "grant_expired")
        audit = holding.rows(sa.text("SELECT * FROM audit_log WHERE action = 'account.needs_reconnect'"))
        assert len(audit) == 1
        assert holding.row()["lease_until"] is None

    def test_are_told_of_anew_once_reconnected_and_lost_again(self, holding):
        for events in (1, 2):
            holding.simulated.control("revoke", provider="spotify", account=1)
            with pytest.raises(GrantExpired):
                asyncio.run(holding.refresh())
            assert len(holding.rows(sa.select(WebhookEvent.__table__))) == events
            holding.simulated.control("clock", advance_seconds=5)
            holding.simulated.connect("acme", 1, expires_in=-10)

    def test_of_an_older_generation_leave_the_reconnected_account_alone(self, holding):
        stale = holding.held()
        holding.simulated.connect("acme", 1)
        holding.change(lease_owner="somebody", lease_until=utc_now() + timedelta(seconds=50))
        error = GrantExpired("spotify", "the grant is invalid")
        ask_for_reconnection(holding.backline, SPOTIFY, stale, holding.org, error)
        (account,) = holding.rows(sa.select(ConnectedAccount.__table__))
        assert account["status"] == "connected"
        assert holding.rows(sa.select(WebhookEvent.__table__)) == []
        assert holding.row()["lease_owner"] == "somebody"

    def test_say_nothing_of_the_secrets_that_the_provider_repeats(self, holding):
        token = holding.held().tokens.refresh_token

        def repeating(request):
            said = f"{token} with {request.headers['authorization']} was revoked"
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": said})

        with pytest.raises(GrantExpired, match="was revoked") as caught:
            asyncio.run(holding.refresh(transport=httpx.MockTransport(repeating)))
        told = str(caught.value) + str(holding.rows(sa.select(WebhookEvent.__table__)))
        for secret in (token, base64.b64encode(b"simulator-client:simulator-secret").decode()):
            assert secret not in told

    def test_without_a_refresh_token_need_no_request(self, holding):
        sealed = holding.backline.vault.seal(b'{"access_token":"a"}', f"grants/{holding.account}")
        holding.change(sealed=sealed.value, key_id=sealed.key_id)
        with pytest.raises(GrantExpired, match="no refresh token"):
            asyncio.run(holding.refresh())
        assert holding.token_requests() == 0


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, {}, Transient),
        (429, {}, Transient),
        (401, {"error": "invalid_client"}, AppRefused),
        (400, {"error": "unauthorized_client"}, AppRefused),
    ],
)
def test_other_refusals_give_the_lease_back_and_blame_nobody(holding, status, body, error):
    with pytest.raises(error):
        asyncio.run(holding.refresh(transport=answering(status, **body)))
    assert holding.row()["lease_until"] is None
    assert holding.rows(sa.select(ConnectedAccount.status)) == [{"status": "connected"}]
    assert asyncio.run(holding.refresh()).generation == 2


class TestLeases:
    """One process refreshes, the others wait for it."""

    def test_outlive_their_holder_and_are_taken_over(self, holding):
        holding.change(lease_owner="crashed", lease_until=utc_now() + timedelta(seconds=0.4))
        assert asyncio.run(holding.refresh()).generation == 2
        assert holding.token_requests() == 1

    def test_that_never_end_are_not_waited_for_for_ever(self, holding):
        holding.change(lease_owner="stuck", lease_until=utc_now() + timedelta(hours=1))
        with pytest.raises(Transient, match="another process"):
            holding.simulated.run(holding.refresh())
        assert holding.row()["lease_owner"] == "stuck"
        assert holding.token_requests() == 0

    def test_end_for_those_who_come_late_with_what_was_stored(self, holding):
        stale = holding.held()
        fresh = asyncio.run(holding.refresh(stale))
        assert asyncio.run(holding.refresh(stale)) == fresh
        assert holding.token_requests() == 1

    def test_lost_meanwhile_overwrite_nothing(self, holding):
        async def slow(_):
            await asyncio.to_thread(holding.simulated.connect, "acme", 1)  # a person reconnects meanwhile
            return httpx.Response(200, json={"access_token": "late", "refresh_token": "late"})

        asyncio.run(holding.refresh(transport=httpx.MockTransport(slow)))
        assert holding.held().tokens.access_token != "late"
        assert holding.held().generation == 2

    def test_what_came_for_a_spent_token_is_stored_though_the_refresher_is_cancelled(self, holding):
        asked = asyncio.Event()

        async def slow(_):
            asked.set()
            await asyncio.sleep(0.2)
            return httpx.Response(200, json={"access_token": "new", "refresh_token": "next", "expires_in": 9})

        async def cancelled():
            task = asyncio.create_task(holding.refresh(transport=httpx.MockTransport(slow)))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        assert holding.held().tokens.refresh_token == "next"
        assert holding.row()["lease_owner"] is None

    def test_are_given_back_where_the_refresher_is_cancelled(self, holding, monkeypatch):
        monkeypatch.setattr(grants, "GRACE_SECONDS", 0.05)

        async def cancelled():
            asked = asyncio.Event()

            async def never(_):
                asked.set()
                await asyncio.sleep(3600)

            task = asyncio.create_task(holding.refresh(transport=httpx.MockTransport(never)))
            await asked.wait()
            assert holding.row()["lease_owner"] is not None
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        assert holding.row()["lease_owner"] is None

    def test_of_a_disconnected_account_are_refused(self, holding):
        stale = holding.held()
        with holding.backline.database.write() as connection:
            connection.execute(sa.delete(Grant))
        with pytest.raises(GrantExpired, match="disconnected"):
            asyncio.run(holding.refresh(stale))


def test_a_new_consent_raises_the_generation(holding):
    now, vault = utc_now(), holding.backline.vault
    with holding.backline.database.write() as connection:
        store_grant(
            connection,
            vault,
            holding.account,
            Tokens("a", "r"),
            expires_at=now,
            scopes=["x"],
            authorized_at=now,
        )
    row = holding.row()
    assert (row["generation"], row["scopes"]) == (2, ["x"])
    held = holding.held()
    assert held == HeldGrant(holding.account, Tokens("a", "r"), now, 2, held.updated_at)


PROCESS = """
import asyncio, sys, httpx, sqlalchemy as sa
from resources.backline import Backline
from resources.grants import GrantKeeper, open_grant
from resources.oauth import TokenClient
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant

async def main():
    backline, provider = Backline(), PROVIDERS["spotify"]
    with backline.database.read() as connection:
        grant = open_grant(backline.vault, connection.execute(sa.select(Grant.__table__)).one())
        org = connection.execute(sa.select(ConnectedAccount.org_id)).scalar_one()
    print("ready", flush=True)
    sys.stdin.readline()
    async with httpx.AsyncClient() as client:
        keeper = GrantKeeper(backline, provider, TokenClient(backline, provider, client))
        fresh = await keeper.refresh(grant, org)
    print(fresh.generation, flush=True)

asyncio.run(main())
"""


@pytest.mark.integration
def test_many_processes_refresh_once(holding, token_server, monkeypatch):
    url = holding.backline.database.url.render_as_string(hide_password=False)
    settings = {
        "DATABASE_URL": url,
        "HOME": str(holding.backline.settings.home),
        "ENCRYPTION_KEYS": holding.backline.settings.encryption_keys.get_secret_value(),
        "SPOTIFY_TOKEN_URL": token_server.address,
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"BACKLINE_{name}", value)
    pipe = subprocess.PIPE
    programs = [
        subprocess.Popen([sys.executable, "-c", PROCESS], stdin=pipe, stdout=pipe, text=True)
        for _ in range(4)
    ]
    try:
        assert [program.stdout.readline().strip() for program in programs] == ["ready"] * 4
        for program in programs:
            program.stdin.write("go\n")
            program.stdin.flush()
        assert [program.stdout.readline().strip() for program in programs] == ["2"] * 4
    finally:
        for program in programs:
            program.communicate(timeout=20)
    assert token_server.asked == 1
    assert holding.held().tokens.access_token == "fresh-1"


def test_moments_are_kept_to_the_microsecond(holding):
    moment = datetime.fromisoformat("2026-11-23T10:00:00.123457+00:00")
    holding.change(expires_at=moment)
    assert holding.held().expires_at == moment


@pytest.fixture
def token_server():
    """A token endpoint on a real socket that answers slowly, and counts how often it was asked."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            server.asked += 1
            self.rfile.read(int(self.headers["content-length"]))
            time.sleep(0.5)
            body = json.dumps(
                {"access_token": f"fresh-{server.asked}", "refresh_token": "r", "expires_in": 3600}
            )
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.asked, server.address = 0, f"http://127.0.0.1:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
