"""What every simulated provider is to the rest: its services, and what the control API may order of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Protocol

import msgspec

from simulator.exchange import Request
from simulator.service import Service

Order = Callable[[Request], Any]
Some = Annotated[int, msgspec.Meta(ge=0, le=1_000)]  # how many things one edit may add
MOST_GRANTS = 10_000


class ControlRefused(ValueError):  # an answer to whoever steers the simulator
    """The order cannot be carried out; the message says why."""


class GrantOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/grants``: as though the person had agreed ``authorized_days_ago`` days ago.

    What is left out is the provider's own default; ``pkce`` counts where the provider knows it.
    """

    provider: str
    account: int
    count: int | None = None
    scopes: tuple[str, ...] | None = None
    expires_in: float | None = None
    authorized_days_ago: float = 0
    pkce: bool = True


class Platform(Protocol):
    """One simulated provider.

    ``services`` are its services by prefix. ``orders`` are what ``/control/<name>/<order>`` can do beside
    what all providers do, by method and order.
    """

    name: str
    services: Sequence[tuple[str, Service]]
    orders: Mapping[tuple[str, str], Order]

    def grant(self, order: GrantOrder, account: int) -> dict[str, Any]:
        """Return a grant in the shape that ``backline accounts import`` reads; raise ``ControlRefused``."""

    def revoke(self, account: int) -> None:
        """Take back every consent that the account's person has given until now."""

    def edit(self, body: bytes) -> Any:
        """Change an account and return what it has now; raise ``ControlRefused``."""
