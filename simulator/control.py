"""The control API: grants without clicking, faults, clock, mode, edits and the request log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec

from simulator.clock import timestamp
from simulator.editing import Edit, apply_edit
from simulator.exchange import Reply, Request, as_json
from simulator.faults import Rule
from simulator.spotify.library import account_id, display_name
from simulator.spotify.tokens import ACCESS_SECONDS, SCOPES, Consented, Grants, mask_of, scopes_of
from simulator.world import DAY_SECONDS, Mode, World

PREFIX = "/control/"
READ_SCOPES = (
    *("user-read-private", "user-read-email", "user-top-read", "user-read-recently-played"),
    *("user-library-read", "user-follow-read", "playlist-read-private", "playlist-read-collaborative"),
)
MOST_GRANTS = 10_000


class ControlRefused(ValueError):  # an answer to whoever steers the simulator
    """The order cannot be carried out; the message says why."""


class GrantOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/grants``: as though the person had agreed ``authorized_days_ago`` days ago."""

    provider: Literal["spotify"]
    account: int
    count: int | None = None
    scopes: tuple[str, ...] = READ_SCOPES
    expires_in: float = ACCESS_SECONDS
    authorized_days_ago: float = 0
    pkce: bool = True


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

    provider: Literal["spotify"]
    account: int


class Control:
    """``/control/…``."""

    faulty = False

    def __init__(self, world: World, grants: Grants) -> None:
        self.world, self.grants = world, grants
        self.orders: dict[tuple[str, str], Callable[[Request], Any]] = {
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
            return as_json(order(request))
        except (msgspec.DecodeError, ControlRefused) as problem:
            return as_json({"error": str(problem)}, 400)

    def _known(self, account: int) -> int:
        if not self.world.has(account):
            raise ControlRefused(f"account: {account} is not one of 0 to {self.world.accounts - 1}")
        return account

    def _grant(self, request: Request) -> Any:
        order = msgspec.json.decode(request.body, type=GrantOrder)
        if unknown := set(order.scopes) - set(SCOPES):
            raise ControlRefused(f"scopes: {', '.join(sorted(unknown))} is not a scope of Spotify")
        if order.count is None:
            return self._grant_one(order, self._known(order.account))
        if not 1 <= order.count <= MOST_GRANTS:
            raise ControlRefused(f"count: {order.count} is not one of 1 to {MOST_GRANTS}")
        self._known(order.account)
        self._known(order.account + order.count - 1)
        last = order.account + order.count
        return {"grants": [self._grant_one(order, account) for account in range(order.account, last)]}

    def _grant_one(self, order: GrantOrder, account: int) -> dict[str, Any]:
        now, mask = self.world.clock.now(), mask_of(order.scopes)
        authorized_at = now - order.authorized_days_ago * DAY_SECONDS
        pair = self.grants.issue(Consented(account, mask, authorized_at, order.pkce), now, order.expires_in)
        return {
            "external_id": account_id(account),
            "display_name": display_name(self.world, account),
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "expires_at": timestamp(pair.expires_at),
            "scopes": sorted(scopes_of(mask)),
        }

    def _revoke(self, request: Request) -> dict[str, int]:
        order = msgspec.json.decode(request.body, type=RevokeOrder)
        self.grants.revoked_at[self._known(order.account)] = self.world.clock.now() + 1
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

    def _edit(self, request: Request) -> dict[str, int]:
        order = msgspec.json.decode(request.body, type=Edit)
        self._known(order.account)
        try:
            return apply_edit(self.world, order)
        except IndexError as problem:
            raise ControlRefused(str(problem)) from problem
