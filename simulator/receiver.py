"""The built-in event receiver, which takes n8n's place: it verifies, answers and remembers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from resources.signing import SignatureRefused, SigningSecret, verify
from simulator.exchange import Reply, Request, as_json
from simulator.world import World

PATHS = ("provider-event", "data-sync", "scraper-results", "error-alerts")
WEBHOOKS, EVENTS = "/receiver/webhook/", "/receiver/events"
MOST_EVENTS = 100_000


class Received(msgspec.Struct):
    """One event: its id, the path it came to first, its body, and how often it came."""

    id: str
    path: str
    body: Any
    received_at: float
    count: int = 1


class Receiver:
    """``/receiver/webhook/…``. Ages are judged by the real time, because senders know no other."""

    faulty = True

    def __init__(self, world: World, signing_secrets: Sequence[SigningSecret]) -> None:
        self.world, self.signing_secrets = world, tuple(signing_secrets)
        self.events: dict[str, Received] = {}

    def account(self, request: Request) -> int | None:  # noqa: ARG002  # events speak for no account
        """Return ``None``."""
        return None

    def answer(self, request: Request) -> Reply:
        """Take an event: 202 the first time, 200 again, 401 where the signature or its age is wrong."""
        path = request.path.removeprefix(WEBHOOKS)
        if path not in PATHS:
            return as_json({"error": "No webhook is registered here"}, 404)
        if request.method != "POST":
            return as_json({"error": "Method not allowed"}, 405)
        now = self.world.clock.wall()
        try:
            event_id = verify(self.signing_secrets, request.headers, request.body, now)
        except SignatureRefused as refused:
            return as_json({"error": str(refused)}, 401)
        try:
            body = msgspec.json.decode(request.body)
        except msgspec.DecodeError:
            return as_json({"error": "The body is not JSON"}, 400)
        return self._remember(event_id, f"/webhook/{path}", body, now)

    def _remember(self, event_id: str, path: str, body: Any, now: float) -> Reply:
        known = self.events.get(event_id)
        if known is not None:
            known.count += 1
            return as_json({"id": event_id, "duplicate": True})
        if len(self.events) >= MOST_EVENTS:
            del self.events[next(iter(self.events))]
        self.events[event_id] = Received(event_id, path, body, now)
        return as_json({"id": event_id, "duplicate": False}, 202)


class ReceivedEvents:
    """``/receiver/events``: what was received, oldest first; ``DELETE`` forgets it."""

    faulty = False

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def account(self, request: Request) -> int | None:  # noqa: ARG002  # the list is nobody's
        """Return ``None``."""
        return None

    def answer(self, request: Request) -> Reply:
        """List or forget."""
        if request.method == "GET":
            events = list(self.receiver.events.values())
            return as_json({"total": len(events), "events": events})
        if request.method == "DELETE":
            self.receiver.events.clear()
            return as_json({"total": 0})
        return as_json({"error": "Method not allowed"}, 405)
