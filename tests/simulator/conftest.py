"""A simulator without sockets, and ways to ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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


@dataclass
class Tube:
    """The simulated YouTube, and who is told by its hub."""

    sim: Sim
    sent: list[httpx.Request] = field(default_factory=list)
    answers: Callable[[httpx.Request], httpx.Response] = lambda request: httpx.Response(204)
    tokens: dict[Any, str] = field(default_factory=dict)

    def receive(self, request: httpx.Request) -> httpx.Response:
        """Take what YouTube sends."""
        self.sent.append(request)
        return self.answers(request)

    def token(self, account: int, scopes: Sequence[str] | None = None) -> str:
        """Return an access token; scopes are named by their last part."""
        key = (account, scopes)
        if key not in self.tokens:
            full = None if scopes is None else [f"https://www.googleapis.com/auth/{name}" for name in scopes]
            order = {"provider": "youtube", "account": account, "scopes": full}
            self.tokens[key] = self.sim.control("grants", **order)["access_token"]
        return self.tokens[key]

    def get(
        self, path: str, account: int | None = 0, scopes: Sequence[str] | None = None, **parameters: Any
    ) -> httpx.Response:
        """Ask the Data API as an account, or with a key where it is ``None``."""
        headers = {} if account is None else {"authorization": f"Bearer {self.token(account, scopes)}"}
        parameters |= {"key": "simulator-key"} if account is None else {}
        return self.sim.ask("GET", f"/youtube/v3/{path}", params=parameters, headers=headers)

    def body(self, path: str, account: int | None = 0, **parameters: Any) -> Any:
        """Return an accepted reply's body."""
        reply = self.get(path, account, **parameters)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def refused(self, path: str, account: int | None = 0, **parameters: Any) -> tuple[int, str]:
        """Return the status and reason of a refusal."""
        reply = self.get(path, account, **parameters)
        return reply.status_code, reply.json()["error"]["errors"][0]["reason"]

    def uploads(self, account: int) -> str:
        """Return the id of a channel's uploads playlist."""
        channel = self.body("channels", account, part="contentDetails", mine="true")["items"][0]
        return channel["contentDetails"]["relatedPlaylists"]["uploads"]

    def items(self, path: str, account: int | None = 0, **parameters: Any) -> list[Any]:
        """Read a list to its end."""
        found: list[Any] = []
        while True:
            page = self.body(path, account, **parameters)
            found += page["items"]
            if "nextPageToken" not in page:
                return found
            parameters["pageToken"] = page["nextPageToken"]

    def videos(self, account: int, viewer: int | None = -1) -> list[str]:
        """Return the ids of a channel's uploads, newest first, as a viewer sees them: else its owner."""
        seen_by = account if viewer == -1 else viewer
        found = self.items(
            "playlistItems", seen_by, part="contentDetails", playlistId=self.uploads(account), maxResults=50
        )
        return [item["contentDetails"]["videoId"] for item in found]

    def order(self, name: str, method: str = "POST", **body: Any) -> Any:
        """Give an order of YouTube's own."""
        reply = self.sim.ask(method, f"/control/youtube/{name}", **({"json": body} if body else {}))
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture
def tube() -> Tube:
    world = World(accounts=100, clock=Clock(lambda: STARTED))
    outgoing = Outgoing()
    told = Tube(Sim(world, create_app(world, (), outgoing)))
    outgoing.transport = httpx.MockTransport(told.receive)
    return told


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
