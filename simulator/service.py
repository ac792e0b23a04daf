"""What answers the requests under one prefix."""

from __future__ import annotations

from typing import Protocol

from simulator.exchange import Reply, Request
from simulator.faults import Rule


class Service(Protocol):
    """One service of the simulator; ``faulty`` says whether faults may meet its requests."""

    faulty: bool

    def account(self, request: Request) -> int | None:
        """Return the number of the account the request speaks for, where that can be told."""

    def answer(self, request: Request) -> Reply:
        """Return the reply; it does not wait for anything."""


class Refusing(Service, Protocol):
    """A service that words the refusals of faults itself, as its provider would."""

    def refusal(self, rule: Rule, request: Request) -> Reply | None:
        """Return the reply that stands in for the real one, or ``None`` where the real one is needed."""
