"""A real n8n, started once per test session where one is installed, and a console that it may call."""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines import processes
from pipelines.n8n_server import N8nServer, find
from resources.n8n import push
from resources.n8n.place import read_embedded
from resources.settings import REPOSITORY, Settings


@dataclass
class Call:
    """One call that the console got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def asked(self) -> dict[str, Any]:
        """The call's body."""
        read: dict[str, Any] = json.loads(self.body)
        return read


@dataclass
class Console:
    """Answers what n8n asks for with 202, or first with the statuses that ``refusals`` holds."""

    url: str
    calls: list[Call] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)

    def answer(self, call: Call) -> tuple[int, dict[str, Any]]:
        """Take a call."""
        self.calls.append(call)
        if self.refusals:
            return self.refusals.pop(0), {
                "title": "No",
                "detail": "That is not there.",
                "cure": "Look again.",
            }
        call_id = call.headers["webhook-id"]
        follow = f"{self.url}/api/v1/calls/{call_id}"
        return 202, {"id": call_id, "type": call.asked["type"], "status": "accepted", "follow": follow}


@pytest.fixture
def free_port() -> int:
    """A port that is free."""
    return processes.free_port()


@pytest.fixture(scope="session")
def console() -> Iterator[Console]:
    """A console on a port of its own that records the calls of n8n."""
    port = processes.free_port()
    made = Console(f"http://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = made.answer(Call(self.path, headers, body))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", f"application/{'json' if status == 202 else 'problem+json'}")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def installed() -> Path:
    """The folder of an n8n that can run, or a skip that says how to get one."""
    folder = Settings().n8n_install or REPOSITORY / ".backline" / "n8n"
    if find(folder) is None:
        pytest.skip("n8n is not installed; run make n8n")
    return folder


@pytest.fixture(scope="session")
def n8n(installed: Path, tmp_path_factory: pytest.TempPathFactory, console: Console) -> Iterator[N8nServer]:
    """A fresh n8n with our workflows, a signing secret of its own, and the console to call."""
    settings = Settings(
        home=tmp_path_factory.mktemp("n8n"),
        n8n_install=installed,
        n8n_port=processes.free_port(),
        n8n_signing_secrets="",
        n8n_api_key="",
        n8n_url="",
        public_url=console.url,
    )
    with N8nServer(settings) as server:
        yield server


def read_table(server: N8nServer, table: str) -> list[dict[str, Any]]:
    """Read all rows of one of n8n's data tables, oldest first."""
    database = server.home / "user" / ".n8n" / "database.sqlite"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute("select id from data_table where name = ?", [table]).fetchone()
        query = f'select * from "data_table_user_{found["id"]}" order by id' if found else "select 1 limit 0"
        return [dict(row) for row in connection.execute(query)]


@pytest.fixture
def rows(n8n: N8nServer) -> Callable[[str], list[dict[str, Any]]]:
    """Return a reader of n8n's data tables: all rows of one, oldest first."""
    return lambda table: read_table(n8n, table)


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that asks until the answer is true, for at most 60 s, and returns it."""

    def ask(question: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 60
        while not (found := question()):
            assert time.monotonic() < deadline, "n8n did not get there within 60 s"
            time.sleep(0.2)
        return found

    return ask


@pytest.fixture
def settings(n8n: N8nServer) -> Iterator[Settings]:
    """Those of a process beside `make n8n`, to which git's workflows are brought back afterwards."""
    yield n8n.settings
    asyncio.run(push(n8n.settings))


@pytest.fixture
def api(n8n: N8nServer) -> Iterator[httpx.Client]:
    """n8n's own API, with the key that was made for us."""
    embedded = read_embedded(n8n.settings)
    assert embedded
    headers = {"X-N8N-API-KEY": embedded.key}
    with httpx.Client(base_url=f"{n8n.url}/api/v1", headers=headers, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def owner(n8n: N8nServer) -> Iterator[httpx.Client]:
    """What n8n's editor may do for the owner."""
    login = {"emailOrLdapLoginId": "owner@example.com", "password": n8n.owner_password}
    with httpx.Client(base_url=n8n.url, trust_env=False, timeout=30) as client:
        assert client.post("/rest/login", json=login).status_code == 200
        yield client
