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
