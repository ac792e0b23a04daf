"""Databases of both kinds for every test that asks for one, and a Backline whose network is the simulator.

PostgreSQL: ``BACKLINE_TEST_POSTGRESQL_URL`` where it is set, otherwise a throw-away server of our own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import msgspec
import psycopg
import pytest
import sqlalchemy as sa

from resources.accounts import Connection, connect
from resources.backline import Backline
from resources.database import Database, open_database, utc_now
from resources.grants import Tokens
from resources.migrations import upgrade
from resources.providers import PROVIDERS
from resources.settings import Settings
from resources.signing import SigningSecret
from resources.vault import EncryptionKey
from simulator.addresses import provider_settings
from simulator.app import create_app
from simulator.world import World

GIVEN_SERVER = "BACKLINE_TEST_POSTGRESQL_URL"
SECRET = SigningSecret(b"0123456789abcdef0123456789abcdef")
KEY = EncryptionKey(b"k" * 32)
SIMULATOR = "http://simulator.test"

# how fast examples are drawn and run is the machine's matter, and that of what else it does
hypothesis.settings.register_profile(
    "backline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("backline")


class Server:
    """A PostgreSQL server on which tests make databases of their own, and drop them."""

    def __init__(self, url: sa.URL, restart: Callable[[], None] | None = None) -> None:
        self._url, self._restart = url, restart

    def restart(self) -> None:
        """Stop it, whoever is connected, and start it again; skip the test where it is not ours."""
        if self._restart is None:
            pytest.skip(f"{GIVEN_SERVER} is set, and a server of somebody else's is not restarted")
        self._restart()

    def create(self, template: str = "template1") -> str:
        """Make a database, and return its URL."""
        name = f"backline_test_{uuid.uuid4().hex}"
        self._order(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop a database that this server made."""
        self._order(f'DROP DATABASE "{sa.make_url(url).database}" WITH (FORCE)')

    def _order(self, statement: str) -> None:
        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


def _binaries() -> Path | None:
    """Return the folder that holds ``initdb`` and ``postgres``, the newest where there are several."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True
    )
    return next(
        (path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()), None
    )


def _unprivileged() -> dict[str, Any]:
    """Return as whom to run the server: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _own_server() -> Iterator[Server]:
    """Run a server on a free port until the end of the block; nothing of it survives."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    folder, identity, password = (
        Path(tempfile.mkdtemp(prefix="backline-pg-")),
        _unprivileged(),
        secrets.token_hex(),
    )
    (folder / "password").write_text(password)
    if identity:
        for path in (folder, folder / "password"):
            os.chown(path, identity["user"], identity["group"])
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--no-sync", "--encoding=UTF8", "--locale=C", "--username=backline", "--auth=scram-sha-256"]
    command = [str(binaries / "initdb"), "-D", f"{folder}/data", f"--pwfile={folder}/password", *options]
    subprocess.run(command, check=True, cwd=folder, capture_output=True, **identity)
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "fsync": "off",
    }
    settings |= {"synchronous_commit": "off", "full_page_writes": "off", "max_connections": 200}
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [str(binaries / "postgres"), "-D", f"{folder}/data", *arguments]
    url = sa.URL.create("postgresql+psycopg", "backline", password, "127.0.0.1", port, "postgres")
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        with (folder / "log").open("ab") as log:
            running.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **identity))
        _wait_for(running[0], url)

    def stop() -> None:
        server = running.pop()
        server.send_signal(signal.SIGINT)
        server.wait(30)

    def restart() -> None:
        stop()
        start()

    try:
        start()
        yield Server(url, restart)
    finally:
        stop()
        shutil.rmtree(folder)


def _wait_for(server: subprocess.Popen[bytes], url: sa.URL) -> None:
    address, until = (
        url.set(drivername="postgresql").render_as_string(hide_password=False),
        time.monotonic() + 30,
    )
    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server: the given one, or one of our own."""
    given = os.environ.get(GIVEN_SERVER)
    with contextlib.nullcontext(Server(sa.make_url(given))) if given else _own_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: Server) -> Iterator[str]:
    """The name of a migrated database, from which those of the tests are copied."""
    url = postgresql.create()
    database = Database(url)
    upgrade(database)
    database.close()
    yield str(database.url.database)
    postgresql.drop(url)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, of which tests get copies."""
    path = tmp_path_factory.mktemp("template") / "backline.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database, once of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "backline.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    template, server = request.getfixturevalue("migrated_postgresql"), request.getfixturevalue("postgresql")
    url = server.create(template)
    yield url
    server.drop(url)


@pytest.fixture(params=KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgresql")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database, once of each kind."""
    database = open_database(database_url)
    yield database
    database.close()


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop that leaps over waiting: where nothing but waiting is left, it is that time already."""

    def __init__(self) -> None:
        self._ahead, self._in_threads = 0.0, 0
        super().__init__(_LeapingSelector(self))

    def time(self) -> float:
        """Return the loop's own time, seconds."""
        return super().time() + self._ahead

    def run_in_executor(self, *arguments: Any) -> asyncio.Future[Any]:
        """Run in a thread, and leap over nothing meanwhile."""
        self._in_threads += 1
        future = super().run_in_executor(*arguments)
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _: object) -> None:
        self._in_threads -= 1

    def may_leap(self) -> bool:
        """Say whether nothing is under way in a thread."""
        return not self._in_threads

    def leap(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += seconds


class _LeapingSelector(selectors.DefaultSelector):
    def __init__(self, loop: LeapingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if not timeout or timeout < 0 or not self._loop.may_leap():
            return super().select(timeout)
        events = super().select(0)
        if not events:
            self._loop.leap(timeout)
        return events


class Wire(httpx.AsyncBaseTransport):
    """Takes requests to an app without a socket, keeping what a real connection would do.

    ``rewrite`` may change an answer's body on its way.
    """

    def __init__(self, app: Any) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self.rewrite: Callable[[httpx.Request, bytes], bytes] = lambda _, body: body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or raise as httpx does where the answer is late or cut off."""
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                response = await self._inner.handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout("late", request=request) from None
        except AssertionError:  # the app did not send all that it promised
            raise httpx.RemoteProtocolError("cut off", request=request) from None
        body = self.rewrite(request, await response.aread())
        headers = [(name, value) for name, value in response.headers.items() if name != "content-length"]
        return httpx.Response(response.status_code, headers=headers, content=body)


def _wanted(org: str, grant: dict[str, Any], config: dict[str, Any], provider: str) -> Connection:
    return Connection(
        org_slug=org,
        provider=PROVIDERS[provider],
        external_id=grant["external_id"],
        display_name=grant["display_name"],
        tokens=Tokens(grant["access_token"], grant["refresh_token"]),
        expires_at=datetime.fromisoformat(grant["expires_at"]),
        authorized_at=utc_now(),
        scopes=grant["scopes"],
        config=config,
    )


@dataclass
class Simulated:
    """A Backline whose providers and receiver are one simulator, without sockets."""

    backline: Backline
    world: World
    wire: Wire
    tokens: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The database."""
        return self.backline.database

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine without waiting for real."""
        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            return runner.run(work)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Ask the simulator directly, and return the body."""

        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.wire, base_url=SIMULATOR) as client:
                return await client.request(method, path, **options)

        reply = self.run(go())
        assert reply.is_success, reply.text
        return reply.json()

    def control(self, order: str, **body: Any) -> Any:
        """Give the simulator an order."""
        return self.ask("POST", f"/control/{order}", json=body)

    def fault(self, kind: str, path: str = "/", account: int | None = None, **more: Any) -> None:
        """Let requests meet a fault, once where nothing else is said."""
        match = {"path_prefix": path} | ({} if account is None else {"account": account})
        self.control("faults", kind=kind, match=match, **more)

    def mend(self) -> None:
        """Take all faults back."""
        self.ask("DELETE", "/control/faults")

    def spoil(self, path: str, change: Callable[[Any], None]) -> None:
        """Let ``change`` alter the JSON of every answer from a path."""

        def rewrite(request: httpx.Request, body: bytes) -> bytes:
            if not request.url.path.endswith(path):
                return body
            reply = msgspec.json.decode(body)
            change(reply)
            return msgspec.json.encode(reply)

        self.wire.rewrite = rewrite

    def requests(self, part: str = "/spotify/") -> list[str]:
        """Return the paths and queries asked so far that contain ``part``, and forget them all."""
        entries = list(self.world.journal.entries)
        self.world.journal.entries.clear()
        asked = (f"{entry.path}?{entry.query}" if entry.query else entry.path for entry in entries)
        return [address for address in asked if part in address]

    def grant(self, account: int, provider: str = "spotify", **order: Any) -> dict[str, Any]:
        """Make a grant of a simulated account."""
        return self.control("grants", provider=provider, account=account, **order)

    def connect(
        self,
        org: str,
        account: int,
        config: dict[str, Any] | None = None,
        provider: str = "spotify",
        **order: Any,
    ) -> uuid.UUID:
        """Connect a simulated account to an org, and return its id."""
        grants = [self.grant(account, provider, **order)]
        (made,) = self.import_grants([(org, grants)], config, provider)
        return made

    def import_grants(
        self,
        orgs: list[tuple[str, list[dict[str, Any]]]],
        config: dict[str, Any] | None = None,
        provider: str = "spotify",
    ) -> list[uuid.UUID]:
        """Connect the accounts of grants to orgs, in one transaction."""
        with self.database.write() as connection:
            return [
                connect(self.backline, _wanted(org, grant, config or {}, provider), "test", connection)[1]
                for org, grants in orgs
                for grant in grants
            ]

    def rows(self, statement: str | sa.Executable, **values: Any) -> list[dict[str, Any]]:
        """Return what a statement finds."""
        text = sa.text(statement) if isinstance(statement, str) else statement
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(text, values).mappings()]


@pytest.fixture
def backline(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backline:
    """A Backline on a fresh database, with a key, a signing secret, and the simulator's addresses."""
    for name, value in provider_settings(SIMULATOR, "1000000/1").items():
        monkeypatch.setenv(f"BACKLINE_{name}", value)
    url = database.url.render_as_string(hide_password=False)
    settings = Settings(
        home=tmp_path / "home",
        database_url=url,
        environment="embedded",
        encryption_keys=KEY.text(),
        n8n_url=f"{SIMULATOR}/receiver",
        n8n_signing_secrets=SECRET.text(),
        redis_url="",
        sync_concurrency=8,
        delivery_concurrency=8,
    )
    assert open_database(url) is database
    return Backline(settings)


@pytest.fixture
def simulated(backline: Backline) -> Simulated:
    """A Backline and the simulator that it speaks to."""
    world = World(accounts=200, rate_limit=0, spotify_mode="extended")
    return Simulated(backline, world, Wire(create_app(world, (SECRET,))))
