"""The simulated Spotify as one platform: its services, and how the control API steers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from simulator.clock import timestamp
from simulator.consenting import Codes
from simulator.platform import ControlRefused, GrantOrder, Order
from simulator.service import Service
from simulator.sites.site import Site
from simulator.spotify.consent import CODE_SECONDS, Code, Consent
from simulator.spotify.editing import Edit, apply_edit
from simulator.spotify.library import account_id, display_name
from simulator.spotify.site import SpotifyPages
from simulator.spotify.token_endpoint import TokenEndpoint
from simulator.spotify.tokens import ACCESS_SECONDS, SCOPES, Consented, Grants, mask_of, scopes_of
from simulator.spotify.web_api import PREFIX, WebApi
from simulator.world import DAY_SECONDS, World

READ_SCOPES = (
    *("user-read-private", "user-read-email", "user-top-read", "user-read-recently-played"),
    *("user-library-read", "user-follow-read", "playlist-read-private", "playlist-read-collaborative"),
)


class Spotify:
    """A local Spotify."""

    name = "spotify"

    def __init__(self, world: World) -> None:
        grants, codes = Grants(), Codes[Code]("AQ", 48, CODE_SECONDS)
        self.world, self.grants, self.site = world, grants, Site(SpotifyPages())
        self.services: Sequence[tuple[str, Service]] = (
            (f"{PREFIX}/", WebApi(world, grants)),
            ("/spotify/authorize", Consent(world, codes)),
            ("/spotify/api/token", TokenEndpoint(world, grants, codes)),
            (f"{SpotifyPages.prefix}/", self.site),
        )
        self.orders: Mapping[tuple[str, str], Order] = self.site.control

    def grant(self, order: GrantOrder, account: int) -> dict[str, Any]:
        """Issue both tokens of a grant."""
        scopes = READ_SCOPES if order.scopes is None else order.scopes
        if unknown := set(scopes) - set(SCOPES):
            raise ControlRefused(f"scopes: {', '.join(sorted(unknown))} is not a scope of Spotify")
        now, mask = self.world.clock.now(), mask_of(scopes)
        authorized_at = now - order.authorized_days_ago * DAY_SECONDS
        expires_in = ACCESS_SECONDS if order.expires_in is None else order.expires_in
        pair = self.grants.issue(Consented(account, mask, authorized_at, order.pkce), now, expires_in)
        return {
            "external_id": account_id(account),
            "display_name": display_name(self.world, account),
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "expires_at": timestamp(pair.expires_at),
            "scopes": sorted(scopes_of(mask)),
        }

    def revoke(self, account: int) -> None:
        """Let every grant made until now be refused."""
        self.grants.revoked_at[account] = self.world.clock.now() + 1

    def edit(self, body: bytes) -> Any:
        """Change what the account has."""
        try:
            return apply_edit(self.world, msgspec.json.decode(body, type=Edit))
        except IndexError as problem:
            raise ControlRefused(str(problem)) from problem
