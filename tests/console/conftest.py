"""A console over a migrated SQLite database and a provider that answers as it is told."""

import asyncio
import shutil
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from console.app import create_app
from resources import accounts
from resources.backline import Backline
from resources.database import utc_now
from resources.grants import Tokens
from resources.people import sessions, users
from resources.people.roles import Role
from resources.providers import PROVIDERS
from resources.settings import Settings
from resources.tables import ConnectedAccount

SPOTIFY = PROVIDERS["spotify"]
PUBLIC_URL = "http://127.0.0.1:8700"
CLIENT_SECRET = "canary-client-secret-51"
ACCESS, REFRESH, CODE = "canary-access-51", "canary-refresh-51", "canary-code-51"
SAME_ORIGIN = {"origin": "null", "sec-fetch-site": "same-origin"}  # as Chromium sends under no-referrer


@dataclass
class FakeProvider:
    """Spotify's token endpoint and ``/me``, with replies to be changed; ``seen`` are the requests."""

    token: httpx.Response | None = None
    me: list[httpx.Response] = field(default_factory=list)
    scope: str | None = " ".join(SPOTIFY.oauth.scopes)
    person: dict[str, Any] = field(
        default_factory=lambda: {"account_id": "acc-1", "id": "31abc", "display_name": "Ada & Co"}
    )
    other: dict[str, httpx.Response] = field(default_factory=dict)
    seen: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.seen.append(request)
        path = request.url.path
        if path in self.other:
            return self.other[path]
        if path == "/api/token":
            return self.token or self.tokens(request)
        if path == "/v1/me":
            return self.me.pop(0) if self.me else httpx.Response(200, json=self.person)
        return httpx.Response(404)

    def tokens(self, request: httpx.Request) -> httpx.Response:
        """Answer as a token endpoint does."""
        reply = {"access_token": ACCESS, "refresh_token": REFRESH, "expires_in": 3600, "token_type": "Bearer"}
        return httpx.Response(200, json=reply | ({"scope": self.scope} if self.scope is not None else {}))


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def console_database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The database of the console; ``test_databases`` takes one of each kind."""
    shutil.copyfile(migrated_sqlite, tmp_path / "console.db")
    return f"sqlite:///{tmp_path / 'console.db'}"


@pytest.fixture
def backline(
    console_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backline]:
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_ID", "canary-client-id-51")
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_SECRET", CLIENT_SECRET)
    addresses = {"public_url": PUBLIC_URL, "dagster_url": "", "n8n_url": ""}
    backline = Backline(Settings(home=tmp_path / "home", database_url=console_database_url, **addresses))
    yield backline
    backline.database.close()


@pytest.fixture
def app(backline: Backline, fake: FakeProvider) -> FastAPI:
    return create_app(backline, transport=httpx.MockTransport(fake))


class Browser:
    """A browser that is as careful as Chromium with the headers it sends, driven from a plain test."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.base_url, self.cookies = PUBLIC_URL, httpx.Cookies()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request; redirects are not followed."""
        if method != "GET":
            options.setdefault("headers", SAME_ORIGIN)

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url=self.base_url, cookies=self.cookies
            ) as client:
                reply = await client.request(method, path, **options)
                self.cookies = client.cookies
                return reply

        return asyncio.run(once())

    def hold(self, proof: str) -> None:
        """Hold the cookie of a session."""
        self.cookies = httpx.Cookies({"backline_session": proof, "__Host-backline_session": proof})

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask for a page."""
        return self.send("GET", path, **options)

    def post(self, path: str, **form: str) -> httpx.Response:
        """Send a form of one of our own pages."""
        return self.send("POST", path, data=form, headers=SAME_ORIGIN)

    def start(self, **form: str) -> str:
        """Begin a connection; return the state."""
        reply = self.post("/connect/spotify/start", **({"org": "acme"} | form))
        assert reply.status_code == 303, reply.text
        return urllib.parse.parse_qs(urllib.parse.urlsplit(reply.headers["location"]).query)["state"][0]

    def come_back(self, state: str, provider: str = "spotify", **query: str) -> httpx.Response:
        """Return from the provider."""
        return self.get(f"/connect/{provider}/callback", params={"state": state} | ({"code": CODE} | query))

    def connect(self, **form: str) -> httpx.Response:
        """Connect an account from start to end."""
        return self.come_back(self.start(**form))


@dataclass(frozen=True)
class Somebody:
    """A user who is logged in; ``proof`` is the session's."""

    name: str
    user_id: uuid.UUID
    proof: str


@pytest.fixture
def log_in(backline: Backline) -> Callable[..., Somebody]:
    """Log somebody in with a role in an org or over all; again under the same name, it is the same user."""

    def enter(name: str = "ada", role: Role | None = Role.ADMIN, org: str | None = None) -> Somebody:
        with backline.database.write() as connection:
            known = {one.name: one.id for one in users.listed(connection)}
            if name not in known:
                known[name] = users.add(connection, "test", name, role or Role.VIEWER, org)
            if role is None:
                users.set_role(connection, "test", known[name], None, org)
            user = users.find(connection, name)
            proof = sessions.open_session(connection, backline.settings, user, "127.0.0.1", "pytest")
        return Somebody(name, known[name], proof)

    return enter


@pytest.fixture
def held(log_in: Callable[..., Somebody]) -> dict[str, Any]:
    """What a Chromium holds that is logged in as an admin over all, as Playwright's ``storage_state``."""
    cookie = {"name": "backline_session", "value": log_in().proof, "domain": "127.0.0.1", "path": "/"}
    return {"cookies": [cookie | {"expires": -1, "httpOnly": True, "secure": False, "sameSite": "Lax"}]}


@pytest.fixture
def stranger(app: FastAPI) -> Browser:
    """A browser that is not logged in."""
    return Browser(app)


@pytest.fixture
def browser(app: FastAPI, log_in: Callable[..., Somebody]) -> Browser:
    """A browser that is logged in as an admin over all."""
    browser = Browser(app)
    browser.hold(log_in().proof)
    return browser


@pytest.fixture
def stored(backline: Backline) -> Callable[..., uuid.UUID]:
    """Store an account, with what is wrong with it."""

    def store(external_id: str, org: str = "acme", **state: Any) -> uuid.UUID:
        wanted = accounts.Connection(
            org_slug=org,
            provider=SPOTIFY,
            external_id=external_id,
            display_name=state.pop("display_name", external_id.title()),
            tokens=state.pop("tokens", Tokens(ACCESS, REFRESH)),
            expires_at=state.pop("expires_at", utc_now() + timedelta(hours=1)),
            authorized_at=state.pop("authorized_at", utc_now()),
            scopes=state.pop("scopes", SPOTIFY.oauth.scopes),
        )
        with backline.database.write() as connection:
            _, account_id, _ = accounts.connect(backline, wanted, "test", connection)
            if state:
                mine = ConnectedAccount.id == account_id
                connection.execute(sa.update(ConnectedAccount).where(mine).values(**state))
        return account_id

    return store
