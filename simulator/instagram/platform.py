"""The simulated Instagram as one platform: its services, and how the control API steers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from simulator.clock import timestamp
from simulator.consenting import Codes
from simulator.exchange import Request
from simulator.instagram import token_endpoints, tokens
from simulator.instagram.asked import PREFIX
from simulator.instagram.consent import CODE_SECONDS, PATH, Code, Consent
from simulator.instagram.editing import Edit, apply_edit
from simulator.instagram.graph import Graph
from simulator.instagram.ids import user_id
from simulator.instagram.profile import username
from simulator.instagram.pushes import Pushes
from simulator.instagram.site import InstagramPages
from simulator.instagram.state import Mode, ModeOrder, State
from simulator.outgoing import Outgoing
from simulator.platform import ControlRefused, GrantOrder, Order
from simulator.service import Service
from simulator.sites.site import Site
from simulator.world import DAY_SECONDS, World

READ_SCOPES = (tokens.BASIC, tokens.INSIGHTS, tokens.COMMENTS)


class Instagram:
    """A local Instagram."""

    name = "instagram"

    def __init__(self, world: World, outgoing: Outgoing) -> None:
        state, codes = State(world), Codes[Code]("AQ", 96, CODE_SECONDS)
        self.state, self.pushes, self.site = state, Pushes(state, outgoing), Site(InstagramPages(state))
        long_tokens = token_endpoints.LongTokens(state)
        self.services: Sequence[tuple[str, Service]] = (
            (f"{PREFIX}/", Graph(state)),
            (f"{InstagramPages.prefix}/", self.site),
            (PATH, Consent(state, codes)),
            (token_endpoints.CODE_PATH, token_endpoints.CodeEndpoint(state, codes)),
            (token_endpoints.EXCHANGE_PATH, long_tokens),
            (token_endpoints.REFRESH_PATH, long_tokens),
        )
        self.orders: Mapping[tuple[str, str], Order] = {
            **self.site.control,
            ("GET", "mode"): lambda _: state.mode,
            ("POST", "mode"): self._set_mode,
            ("GET", "webhook"): self.pushes.subscription,
            ("POST", "webhook"): self.pushes.subscribe,
            ("POST", "push"): self.pushes.push,
            ("GET", "pushes"): self.pushes.listed,
        }

    def grant(self, order: GrantOrder, account: int) -> dict[str, Any]:
        """Issue a token of 60 days, counted from the consent unless ``expires_in`` says otherwise."""
        scopes = READ_SCOPES if order.scopes is None else order.scopes
        if unknown := set(scopes) - set(tokens.SCOPES):
            raise ControlRefused(f"scopes: {', '.join(sorted(unknown))} is not a scope of Instagram")
        now = self.state.now
        authorized_at = now - order.authorized_days_ago * DAY_SECONDS
        age = now - authorized_at
        seconds = tokens.LONG_SECONDS if order.expires_in is None else age + order.expires_in
        token = tokens.issue(
            "long",
            account,
            tokens.mask_of(scopes),
            authorized_at=authorized_at,
            issued_at=authorized_at,
            seconds=seconds,
        )
        return {
            "external_id": user_id(account),
            "display_name": username(self.state, account),
            "access_token": tokens.write_token(token),
            "refresh_token": None,
            "expires_at": timestamp(token.expires_at),
            "scopes": sorted(token.scopes),
        }

    def revoke(self, account: int) -> None:
        """Let every token given until now be refused, and no push come any more."""
        self.state.revoke(account)

    def edit(self, body: bytes) -> Any:
        """Change what the account has."""
        return apply_edit(self.state, msgspec.json.decode(body, type=Edit))

    def _set_mode(self, request: Request) -> Mode:
        order = msgspec.json.decode(request.body, type=ModeOrder)
        for name in order.__struct_fields__:
            value = getattr(order, name)
            if value is not None:
                setattr(self.state.mode, name, value)
        return self.state.mode
