"""The simulated YouTube as one platform: its services, and how the control API steers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from simulator.clock import timestamp
from simulator.consenting import Codes
from simulator.exchange import Request
from simulator.outgoing import Outgoing
from simulator.platform import ControlRefused, GrantOrder, Order
from simulator.service import Service
from simulator.sites.site import Site
from simulator.world import DAY_SECONDS, World
from simulator.youtube import analytics
from simulator.youtube.consent import CODE_SECONDS, Code, Consent
from simulator.youtube.data_api import PREFIX, DataApi
from simulator.youtube.editing import Edit, apply_edit
from simulator.youtube.hub import Hub
from simulator.youtube.ids import channel_id
from simulator.youtube.library import Library
from simulator.youtube.pushing import push
from simulator.youtube.quota import Quota
from simulator.youtube.site import YouTubePages
from simulator.youtube.token_endpoint import Revocation, TokenEndpoint
from simulator.youtube.tokens import (
    ACCESS_SECONDS,
    DEFAULT_SCOPES,
    SCOPES,
    Consented,
    Grants,
    mask_of,
    scopes_of,
)

Units = Annotated[int, msgspec.Meta(ge=0)]


class ModeOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/youtube/mode``; what is left out stays as it is."""

    daily_units: Units | None = None
    stats_units: Units | None = None
    search_calls: Units | None = None
    testing: bool | None = None


class YouTube:
    """A local YouTube."""

    name = "youtube"

    def __init__(self, world: World, outgoing: Outgoing) -> None:
        self.world, self.library, self.grants = world, Library(world), Grants()
        self.quota, codes = Quota(world.clock), Codes[Code]("4/0A", 48, CODE_SECONDS)
        self.hub, self.site = Hub(world, outgoing), Site(YouTubePages(self.library))
        self.services: Sequence[tuple[str, Service]] = (
            (f"{PREFIX}/", DataApi(world, self.library, self.grants, self.quota)),
            (f"{analytics.PREFIX}/", analytics.Analytics(world, self.library, self.grants)),
            ("/youtube/o/oauth2/v2/auth", Consent(world, self.library, self.grants, codes)),
            ("/youtube/token", TokenEndpoint(world, self.grants, codes)),
            ("/youtube/revoke", Revocation(world, self.grants, codes)),
            ("/youtube/hub/subscribe", self.hub),
            (f"{YouTubePages.prefix}/", self.site),
        )
        self.orders: Mapping[tuple[str, str], Order] = {
            **self.site.control,
            ("GET", "mode"): lambda _: self._mode(),
            ("POST", "mode"): self._set_mode,
            ("GET", "quota"): lambda _: self.quota.status(),
            ("POST", "push"): lambda request: push(self.library, self.hub, request),
            ("GET", "pushes"): lambda _: {"pushes": self.hub.pushes},
            ("DELETE", "pushes"): lambda _: self._forget_pushes(),
            ("GET", "subscriptions"): lambda _: self.hub.show(),
        }

    def grant(self, order: GrantOrder, account: int) -> dict[str, Any]:
        """Issue both tokens of a grant."""
        scopes = DEFAULT_SCOPES if order.scopes is None else order.scopes
        if unknown := set(scopes) - set(SCOPES):
            raise ControlRefused(f"scopes: {', '.join(sorted(unknown))} is not a scope of YouTube")
        now, mask = self.world.clock.now(), mask_of(scopes)
        consent = Consented(account, mask, now - order.authorized_days_ago * DAY_SECONDS)
        expires_in = ACCESS_SECONDS if order.expires_in is None else order.expires_in
        self.grants.agree(account, mask)
        return {
            "external_id": channel_id(account),
            "display_name": self.library.title(account),
            "access_token": self.grants.access_token(consent, now, expires_in),
            "refresh_token": self.grants.refresh_token(consent),
            "expires_at": timestamp(int(now + expires_in)),
            "scopes": sorted(scopes_of(mask)),
        }

    def revoke(self, account: int) -> None:
        """Let every grant made until now be refused."""
        self.grants.revoke(account)

    def edit(self, body: bytes) -> Any:
        """Change what the channel has."""
        try:
            return apply_edit(self.library, msgspec.json.decode(body, type=Edit))
        except IndexError as problem:
            raise ControlRefused(str(problem)) from problem

    def _set_mode(self, request: Request) -> dict[str, Any]:
        order, limits = msgspec.json.decode(request.body, type=ModeOrder), self.quota.limits
        limits["default"] = limits["default"] if order.daily_units is None else order.daily_units
        limits["stats"] = limits["stats"] if order.stats_units is None else order.stats_units
        limits["search"] = limits["search"] if order.search_calls is None else order.search_calls
        self.grants.testing = self.grants.testing if order.testing is None else order.testing
        return self._mode()

    def _mode(self) -> dict[str, Any]:
        limits = self.quota.limits
        return {
            "daily_units": limits["default"],
            "stats_units": limits["stats"],
            "search_calls": limits["search"],
            "testing": self.grants.testing,
        }

    def _forget_pushes(self) -> dict[str, int]:
        removed = len(self.hub.pushes)
        self.hub.pushes.clear()
        return {"removed": removed}
