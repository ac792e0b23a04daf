"""Real programs: the command line and the simulator as processes of their own."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
import sqlalchemy as sa

from resources.database import Database, open_database
from resources.settings import REPOSITORY
from resources.signing import SigningSecret
from resources.vault import EncryptionKey
from simulator.addresses import provider_settings

SHARED = Path(__file__).parents[3] / "shared"
READY_SECONDS, LONGEST_COMMAND_SECONDS = 90, 240
ANSWER_BYTES = 20  # as `loaded` writes them


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """Return this environment without any setting of ours."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BACKLINE_") and name != "DAGSTER_HOME"
    }


class Command:
    """A command of `backline` that runs as a process of its own."""

    def __init__(self, connection: socket.socket, output: IO[str], errors: IO[str]) -> None:
        self._connection, self._output, self._errors = connection, output, errors
        self.pid = self._answer()
        self.returncode: int | None = None

    def _answer(self) -> int:
        return int(self._connection.recv(ANSWER_BYTES, socket.MSG_WAITALL))

    def poll(self) -> int | None:
        """Return the return code, or nothing while it runs."""
        return self.wait(0)

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, so long at most, and return the return code."""
        if self.returncode is None and select.select([self._connection], [], [], seconds)[0]:
            self.returncode = self._answer()
            self._connection.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Signal it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def communicate(self) -> tuple[str, str]:
        """Wait for its end, and return its output and its errors."""
        if self.wait(LONGEST_COMMAND_SECONDS) is None:
            self.send_signal(signal.SIGABRT)  # it says where it hangs
            assert self.wait(READY_SECONDS) is not None
        said = []
        for file in (self._output, self._errors):
            with file:
                file.seek(0)
                said.append(file.read())
        return said[0], said[1]


@pytest.fixture(scope="session")
def loaded() -> Iterator[socket.socket]:
    """What starts commands: the program of which they are forks."""
    command = [sys.executable, str(Path(__file__).with_name("loaded.py"))]
    environment = clean_environment() | {"PYTHONPATH": str(REPOSITORY)}
    ours, theirs = socket.socketpair()
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=subprocess.DEVNULL), ours:
        theirs.close()
        yield ours


@dataclass
class Installed:
    """An installation whose commands run as processes of their own."""

    folder: Path
    database: Database
    settings: dict[str, str]
    loaded: socket.socket
    output: list[str] = field(default_factory=list)

    def start(self, *arguments: str, given: str = "") -> Command:
        """Start a command of `backline`; ``given`` is its input."""
        settings = {f"BACKLINE_{name}": value for name, value in self.settings.items()}
        environment = clean_environment() | settings
        order = {"arguments": arguments, "folder": str(self.folder), "environment": environment}
        entered, output, errors = (tempfile.TemporaryFile("w+", encoding="utf-8") for _ in range(3))  # noqa: SIM115  # closed when read
        connection, theirs = socket.socketpair()
        with entered, theirs:
            entered.write(given)
            entered.seek(0)
            files = [theirs.fileno(), *(file.fileno() for file in (entered, output, errors))]
            socket.send_fds(self.loaded, [b"!"], files)
        connection.sendall(json.dumps(order).encode() + b"\n")
        return Command(connection, output, errors)

    def run(self, *arguments: str, code: int | None = 0, given: str = "") -> str:
        """Run a command to its end and return what it printed; ``code`` is what it has to end with."""
        program = self.start(*arguments, given=given)
        out, err = program.communicate()
        self.output += [out, err]
        assert code is None or program.returncode == code, f"{arguments}: {program.returncode}\n{out}\n{err}"
        return out

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """Run a command with ``--json`` and return its document."""
        return json.loads(self.run(*arguments, "--json", code=code))

    def rows(self, statement: str | sa.Executable, **values: Any) -> list[dict[str, Any]]:
        """Return what a statement finds."""
        text = sa.text(statement) if isinstance(statement, str) else statement
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(text, values).mappings()]

    def connect(self, simulator: Simulator, accounts: dict[int, str], **order: Any) -> None:
        """Import simulated accounts, each into its org."""
        lines = []
        for number, org in accounts.items():
            grant = simulator.control("grants", provider="spotify", account=number, **order)
            account = {"org": org, "provider": "spotify"}
            account |= {name: grant.pop(name) for name in ("external_id", "display_name")}
            lines.append(json.dumps({**account, "grant": grant}))
        self.run("accounts", "import", "-", given="\n".join(lines))

    def wait_for(self, program: Command, happened: Callable[[], Any]) -> None:
        """Wait until something happens or the program ends; fail with its stacks where neither does."""
        until = time.monotonic() + READY_SECONDS
        while not happened() and program.poll() is None:
            if time.monotonic() > until:
                program.send_signal(signal.SIGABRT)
                pytest.fail(f"nothing happened within {READY_SECONDS} s:\n{program.communicate()[1]}")
            time.sleep(0.02)


@dataclass
class Simulator:
    """A simulator that runs as a process of its own."""

    address: str
    client: httpx.Client  # one for all that is asked: to make one takes longer than to ask

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Ask it something, and return the body."""
        return self.client.request(method, path, **options).raise_for_status().json()

    def answers(self) -> bool:
        """Say whether it can be asked yet."""
        try:
            return self.client.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def control(self, order: str, **body: Any) -> Any:
        """Give it an order."""
        return self.ask("POST", f"/control/{order}", json=body)

    def fault(self, kind: str, path: str, **more: Any) -> None:
        """Let requests meet a fault."""
        self.control("faults", kind=kind, match={"path_prefix": path}, **more)

    def settings(self) -> dict[str, str]:
        """Return the settings under which it stands for the providers and for n8n."""
        return {"N8N_URL": f"{self.address}/receiver", **provider_settings(self.address, "1000000/1")}

    def received(self) -> dict[str, dict[str, Any]]:
        """Return the events received, by id."""
        return {event["id"]: event for event in self.ask("GET", "/receiver/events")["events"]}


def wait_until(happened: Callable[[], Any], seconds: float = READY_SECONDS) -> Any:
    """Wait until something is true, and return it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := happened():
            return found
        time.sleep(0.02)
    return pytest.fail(f"it did not happen within {seconds} s")


@pytest.fixture
def signing_secret() -> SigningSecret:
    return SigningSecret.new()


@pytest.fixture
def simulator(signing_secret: SigningSecret, tmp_path: Path) -> Iterator[Simulator]:
    """A simulator of 200 accounts in extended mode."""
    port = free_port()
    command = [sys.executable, "-m", "simulator", "--port", str(port), "--accounts", "200"]
    command += ["--mode", "extended", "--rate-limit", "0", "--latency-ms", "5"]
    environment = clean_environment() | {"BACKLINE_N8N_SIGNING_SECRETS": signing_secret.text()}
    address = f"http://127.0.0.1:{port}"
    with (
        subprocess.Popen(command, cwd=tmp_path, env=environment) as program,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        try:
            simulator = Simulator(address, client)
            wait_until(simulator.answers)
            yield simulator
        finally:
            program.kill()


@pytest.fixture
def install(
    database: Database, signing_secret: SigningSecret, loaded: Path, tmp_path: Path
) -> Callable[..., Installed]:
    """Return what makes an installation on a fresh database; settings are given by name."""
    url = database.url.render_as_string(hide_password=False)
    assert open_database(url) is database

    def make(**settings: str) -> Installed:
        basic = basic_settings(url, signing_secret, tmp_path / "home")
        return Installed(tmp_path, database, basic | settings, loaded)

    return make


@pytest.fixture
def installed(install: Callable[..., Installed], simulator: Simulator) -> Installed:
    """An installation whose provider and receiver are the simulator."""
    return install(**simulator.settings())


def basic_settings(database_url: str, secret: SigningSecret, home: Path) -> dict[str, str]:
    """Return the settings of an installation that speaks to nobody yet."""
    return {
        "HOME": str(home),
        "DATABASE_URL": database_url,
        "ENCRYPTION_KEYS": EncryptionKey.new().text(),
        "N8N_SIGNING_SECRETS": secret.text(),
        "SPOTIFY_CLIENT_ID": "simulator-client",
        "SPOTIFY_CLIENT_SECRET": "simulator-secret",
        "SPOTIFY_RATE_LIMIT": "1000000/1",
        "SYNC_CONCURRENCY": "3",
    }


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("../shared, with the recorded replies and specs, is not here")
    return SHARED


@pytest.fixture
def waiting() -> Callable[..., Any]:
    return wait_until
