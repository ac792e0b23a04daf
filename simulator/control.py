"""The control API: grants without clicking, faults, clock, mode, edits and the request log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from simulator.clock import timestamp
from simulator.exchange import Reply, Request, as_json
from simulator.faults import Rule
from simulator.platform import MOST_GRANTS, ControlRefused, GrantOrder, Order, Platform
from simulator.world import Mode, World

PREFIX = "/control/"


class ClockOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/clock``."""

    advance_seconds: float


class ModeOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/mode``; what is left out stays as it is."""

    spotify: Mode | None = None
    allowlist: frozenset[int] | None = None
    rate_limit: int | None = None
    latency_ms: float | None = None


class RevokeOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/revoke``: the person takes back every consent given until now."""

    provider: str
    account: int


class Addressed(msgspec.Struct):
    """What is read first of ``POST /control/edit``: whose account is edited."""

    account: int
    provider: str = "spotify"


class Control:
    """``/control/…``."""

    faulty = False

    def __init__(self, world: World, platforms: Sequence[Platform]) -> None:
        self.world = world
        self.platforms = {platform.name: platform for platform in platforms}
        self.orders: dict[tuple[str, str], Order] = {
            ("POST", "grants"): self._grant,
            ("POST", "revoke"): self._revoke,
            ("GET", "faults"): lambda _: self.world.faults.rules,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "clock"): lambda _: self._clock(),
            ("POST", "clock"): self._advance,
            ("GET", "mode"): lambda _: self._mode(),
            ("POST", "mode"): self._set_mode,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._clear_requests,
            ("POST", "edit"): self._edit,
        }
        for platform in platforms:
            for (method, name), order in platform.orders.items():
                self.orders[method, f"{platform.name}/{name}"] = order

    def account(self, request: Request) -> int | None:  # noqa: ARG002  # orders are nobody's
        """Return ``None``."""
        return None

    def answer(self, request: Request) -> Reply:
        """Carry out an order; 400 says what is wrong with it."""
        name = request.path.removeprefix(PREFIX)
        order = self.orders.get((request.method, name))
        if order is None:
            known = any(path == name for _, path in self.orders)
            return as_json({"error": "No such order"}, 405 if known else 404)
        try:
            result = order(request)
            return result if isinstance(result, Reply) else as_json(result)
        except (msgspec.DecodeError, ControlRefused) as problem:
            return as_json({"error": str(problem)}, 400)

    def _known(self, account: int) -> int:
        if not self.world.has(account):
            raise ControlRefused(f"account: {account} is not one of 0 to {self.world.accounts - 1}")
        return account

    def _platform(self, name: str) -> Platform:
        if name not in self.platforms:
            raise ControlRefused(f"provider: {name} is not one of {', '.join(self.platforms)}")
        return self.platforms[name]

    def _grant(self, request: Request) -> Any:
        order = msgspec.json.decode(request.body, type=GrantOrder)
        platform = self._platform(order.provider)
        if order.count is None:
            return platform.grant(order, self._known(order.account))
        if not 1 <= order.count <= MOST_GRANTS:
            raise ControlRefused(f"count: {order.count} is not one of 1 to {MOST_GRANTS}")
        self._known(order.account)
        self._known(order.account + order.count - 1)
        last = order.account + order.count
        return {"grants": [platform.grant(order, account) for account in range(order.account, last)]}

    def _revoke(self, request: Request) -> dict[str, int]:
        order = msgspec.json.decode(request.body, type=RevokeOrder)
        self._platform(order.provider).revoke(self._known(order.account))
        return {"account": order.account}

    def _add_fault(self, request: Request) -> Rule:
        rule = msgspec.json.decode(request.body, type=Rule)
        self.world.faults.rules.append(rule)
        return rule

    def _clear_faults(self, _: Request) -> dict[str, int]:
        removed = len(self.world.faults.rules)
        self.world.faults.rules.clear()
        return {"removed": removed}

    def _advance(self, request: Request) -> dict[str, str]:
        self.world.clock.advance(msgspec.json.decode(request.body, type=ClockOrder).advance_seconds)
        return self._clock()

    def _clock(self) -> dict[str, str]:
        return {"now": timestamp(self.world.clock.now())}

    def _set_mode(self, request: Request) -> dict[str, Any]:
        order = msgspec.json.decode(request.body, type=ModeOrder)
        world = self.world
        world.spotify_mode = order.spotify or world.spotify_mode
        world.allowlist = world.allowlist if order.allowlist is None else order.allowlist
        world.rate_limit = world.rate_limit if order.rate_limit is None else order.rate_limit
        world.latency_ms = world.latency_ms if order.latency_ms is None else order.latency_ms
        return self._mode()

    def _mode(self) -> dict[str, Any]:
        world = self.world
        return {
            "spotify": world.spotify_mode,
            "allowlist": sorted(world.allowlist),
            "rate_limit": world.rate_limit,
            "latency_ms": world.latency_ms,
            "accounts": world.accounts,
        }

    def _requests(self, request: Request) -> dict[str, Any]:
        asked = parse_qs(request.query_text)
        entries = self.world.journal.under(asked.get("path_prefix", ["/"])[0])
        last = asked.get("last", [""])[0]
        shown = entries[-int(last) :] if last.isdecimal() and int(last) else entries
        return {"total": len(entries), "requests": shown}

    def _clear_requests(self, _: Request) -> dict[str, int]:
        removed = len(self.world.journal.entries)
        self.world.journal.entries.clear()
        return {"removed": removed}

    def _edit(self, request: Request) -> Any:
        addressed = msgspec.json.decode(request.body, type=Addressed)
        self._known(addressed.account)
        return self._platform(addressed.provider).edit(request.body)
