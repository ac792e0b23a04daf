"""The command line in this process, on an installation of its own; no command here opens a socket.

Tests of commands that must reach a provider or a receiver ask for ``served``: a simulator of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from pipelines.cli import main
from resources.accounts import Connection, connect
from resources.backline import Backline
from resources.database import utc_now
from resources.delivery.sums import sum_up
from resources.events import Event, event_id, write_events
from resources.grants import Tokens
from resources.providers import PROVIDERS
from resources.schemas import kind_of
from resources.settings import REPOSITORY
from resources.signing import SigningSecret
from resources.tables import ConnectedAccount, WebhookDelivery

SECRET = SigningSecret(b"0123456789abcdef0123456789abcdef")


@dataclass
class Installation:
    """An installation in a folder, the command line on it, and what it holds."""

    folder: Path

    @property
    def backline(self) -> Backline:
        """What a command works with."""
        return Backline()

    def run(self, *arguments: str, **options: Any) -> Result:
        """Run a command in this process."""
        result = CliRunner().invoke(main, [str(one) for one in arguments], **options)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *arguments: str, code: int = 0, **options: Any) -> Any:
        """Run a command for machines: its output is one JSON document and nothing else."""
        result = self.run(*arguments, "--json", **options)
        assert result.exit_code == code, result.output
        return msgspec.json.decode(result.stdout)

    def refused(self, *arguments: str, **options: Any) -> str:
        """Run a command that must be refused: exit 2, a sentence on the error output, nothing else."""
        result = self.run(*arguments, **options)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr.removeprefix("error: ").rstrip("\n")

    def program(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a program of its own."""
        command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
        variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
        return subprocess.run(
            command, cwd=self.folder, env=variables, capture_output=True, text=True, check=False, timeout=200
        )

    def rows(self, statement: sa.Executable) -> list[Any]:
        """Return what a statement finds."""
        with self.backline.database.read() as connection:
            return list(connection.execute(statement))

    def connect(
        self, org: str = "north", name: str = "Acme", grant: dict[str, Any] | None = None
    ) -> uuid.UUID:
        """Connect an account."""
        grant = grant or {"access_token": "secret-access", "refresh_token": "secret-refresh"}
        wanted = Connection(
            org_slug=org,
            provider=PROVIDERS["spotify"],
            external_id=grant.get("external_id", name),
            display_name=name,
            tokens=Tokens(grant["access_token"], grant["refresh_token"]),
            expires_at=utc_now() + timedelta(hours=1),
            authorized_at=utc_now(),
            scopes=grant.get("scopes", ()),
        )
        backline = self.backline
        with backline.database.write() as connection:
            return connect(backline, wanted, "test", connection)[1]

    def write_event(
        self, name: str, kind: Any = "data.synced", status: str = "pending", age: timedelta = timedelta(0)
    ) -> str:
        """Write an event in some state, and return its id."""
        then, backline = utc_now() - age, self.backline
        payload = kind_of(kind).example["payload"]
        event = Event(event_id(name), kind, "spotify", uuid.uuid4(), payload, created_at=then)
        with backline.database.write() as connection:
            write_events(connection, [event])
            made = sa.update(WebhookDelivery).where(WebhookDelivery.event_id == event.id)
            connection.execute(made.values(status=status))
            sum_up(connection, {event.id: None})
        return event.id

    def account(self, account_id: uuid.UUID) -> Any:
        """Return an account's row."""
        [row] = self.rows(sa.select(ConnectedAccount.__table__).where(ConnectedAccount.id == account_id))
        return row


@pytest.fixture
def installation(tmp_path, monkeypatch, migrated_sqlite) -> Installation:
    """An embedded installation that nothing of the surroundings reaches."""
    for name in [name for name in os.environ if name.startswith(("BACKLINE_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite, home / "backline.db")
    monkeypatch.setenv("BACKLINE_HOME", str(home))
    monkeypatch.setenv("BACKLINE_N8N_SIGNING_SECRETS", SECRET.text())
    monkeypatch.setenv("BACKLINE_DAGSTER_URL", "http://127.0.0.1:1")
    return Installation(tmp_path)


@dataclass
class Served:
    """A simulator that listens on the loopback."""

    address: str

    def control(self, order: str, **body: Any) -> Any:
        """Give it an order."""
        return httpx.post(f"{self.address}/control/{order}", json=body).raise_for_status().json()

    def mend(self) -> None:
        """Take all faults back."""
        httpx.delete(f"{self.address}/control/faults").raise_for_status()

    def received(self) -> list[Any]:
        """Return the events that its receiver took."""
        return httpx.get(f"{self.address}/receiver/events").raise_for_status().json()["events"]

    def requests(self) -> int:
        """Return how many requests its Web API took."""
        asked = httpx.get(f"{self.address}/control/requests", params={"path_prefix": "/spotify/v1/"})
        return asked.raise_for_status().json()["total"]

    def grant(self, account: int) -> dict[str, Any]:
        """Return a grant of an account."""
        return self.control("grants", provider="spotify", account=account)


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "simulator",
        "--port",
        str(port),
        "--accounts",
        "50",
        "--mode",
        "extended",
    ]
    environment = {**os.environ, "BACKLINE_N8N_SIGNING_SECRETS": SECRET.text()}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment) as program:
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                try:
                    httpx.get(f"{address}/healthz")
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield address
        finally:
            program.kill()  # told to end, it would first finish the answers that a test made slow


@pytest.fixture
def served(simulator, installation, monkeypatch) -> Iterator[Served]:
    for name, value in {
        "SPOTIFY_API_URL": f"{simulator}/spotify/v1",
        "SPOTIFY_TOKEN_URL": f"{simulator}/spotify/api/token",
        "SPOTIFY_AUTHORIZE_URL": f"{simulator}/spotify/authorize",
        "SPOTIFY_CLIENT_ID": "simulator-client",
        "SPOTIFY_CLIENT_SECRET": "simulator-secret",
        "SPOTIFY_RATE_LIMIT": "100000/1",
        "N8N_URL": f"{simulator}/receiver",
    }.items():
        monkeypatch.setenv(f"BACKLINE_{name}", value)
    served = Served(simulator)
    yield served
    served.mend()
    httpx.delete(f"{simulator}/receiver/events").raise_for_status()
    httpx.delete(f"{simulator}/control/requests").raise_for_status()
