"""A simulator without sockets, and ways to ask it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from resources.signing import SigningSecret
from simulator.app import create_app
from simulator.clock import Clock
from simulator.front import Front
from simulator.outgoing import Outgoing
from simulator.world import World

STARTED = 1_795_000_000.0  # 2026-11-18
SHARED = Path(__file__).parents[3] / "shared"
SECRET = SigningSecret(b"0123456789abcdef0123456789abcdef")


@dataclass
class Sim:
    """One simulator and a client that opens no socket."""

    world: World
    app: Front
    tokens: dict[Any, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8790") as client:
                return await client.request(method, path, **options)

        return asyncio.run(go())

    def control(self, order: str, **body: Any) -> Any:
        """Give the simulator an order."""
        reply = self.ask("POST", f"/control/{order}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def grant(self, account: int = 0, **order: Any) -> dict[str, Any]:
        """Return a grant of an account."""
        return self.control("grants", provider="spotify", account=account, **order)

    def get(self, path: str, account: int = 0, **order: Any) -> httpx.Response:
        """Ask the Web API as an account, with a grant of its own."""
        key = (account, repr(order))
        if key not in self.tokens:
            self.tokens[key] = self.grant(account, **order)["access_token"]
        return self.ask("GET", f"/spotify/v1{path}", headers={"authorization": f"Bearer {self.tokens[key]}"})

    def body(self, path: str, account: int = 0) -> Any:
        """Return an accepted reply's body."""
        reply = self.get(path, account)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def pages(self, path: str, account: int = 0) -> list[dict[str, Any]]:
        """Read a list to its end by the positions in its next links."""
        pages = [self.body(path, account)]
        while pages[-1]["next"]:
            position = pages[-1]["next"].partition("?")[2]
            pages.append(self.body(f"{path.partition('?')[0]}?{position}", account))
        return pages

    def items(self, path: str, account: int = 0) -> list[Any]:
        """Return all items of a list."""
        return [item for page in self.pages(path, account) for item in page["items"]]

    def refused(self, path: str, account: int = 0, **order: Any) -> tuple[int, str]:
        """Return the status and message of a refusal."""
        reply = self.get(path, account, **order)
        return reply.status_code, reply.json()["error"]["message"]


class Callback(httpx.MockTransport):
    """A callback that answers as told and remembers what it was sent."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.echoes = True
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        challenge = request.url.params.get("hub.challenge", "")
        return httpx.Response(200, text=challenge if self.echoes else "welcome")


@dataclass
class Instagram(Sim):
    """A simulator asked as Instagram's clients ask."""

    callback: Callback = field(default_factory=Callback)

    def grant(self, account: int = 0, **order: Any) -> dict[str, Any]:
        """Return a grant of an account."""
        return self.control("grants", provider="instagram", account=account, **order)

    def call(self, method: str, path: str, account: int = 0, **order: Any) -> httpx.Response:
        """Send a request to the API as an account."""
        key = (account, repr(order))
        if key not in self.tokens:
            self.tokens[key] = self.grant(account, **order)["access_token"]
        headers = {"authorization": f"Bearer {self.tokens[key]}"}
        return self.ask(method, f"/instagram/v25.0{path}", headers=headers)

    def get(self, path: str, account: int = 0, **order: Any) -> httpx.Response:
        """Read from the API as an account."""
        return self.call("GET", path, account, **order)

    def error(self, path: str, account: int = 0, **order: Any) -> dict[str, Any]:
        """Return a Graph error's body, with the status."""
        reply = self.get(path, account, **order)
        assert reply.status_code != 200, reply.text
        return {"status": reply.status_code, **reply.json()["error"]}

    def pages(self, path: str, account: int = 0) -> list[dict[str, Any]]:
        """Read a list to its end by its next links."""
        pages = [self.body(path, account)]
        while following := pages[-1].get("paging", {}).get("next"):
            pages.append(self.ask("GET", following).json())
        return pages

    def items(self, path: str, account: int = 0) -> list[Any]:
        """Return all items of a list."""
        return [item for page in self.pages(path, account) for item in page["data"]]


@pytest.fixture
def instagram() -> Instagram:
    world, callback = World(accounts=100, clock=Clock(lambda: STARTED)), Callback()
    return Instagram(world, create_app(world, (SECRET,), Outgoing(callback)), callback=callback)


@pytest.fixture
def sim() -> Sim:
    world = World(accounts=100, clock=Clock(lambda: STARTED))
    return Sim(world, create_app(world, (SECRET,)))


@pytest.fixture
def extended() -> Sim:
    world = World(accounts=100, clock=Clock(lambda: STARTED), spotify_mode="extended")
    return Sim(world, create_app(world, (SECRET,)))


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("../shared, with the recorded replies and specs, is not here")
    return SHARED
