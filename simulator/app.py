"""The simulator as one ASGI app."""

from __future__ import annotations

from collections.abc import Sequence

from resources.signing import SigningSecret
from simulator import receiver
from simulator.control import PREFIX as CONTROL
from simulator.control import Control
from simulator.exchange import Reply, Request, as_json
from simulator.front import Front
from simulator.spotify.consent import Codes, Consent
from simulator.spotify.token_endpoint import TokenEndpoint
from simulator.spotify.tokens import Grants
from simulator.spotify.web_api import PREFIX as SPOTIFY
from simulator.spotify.web_api import WebApi
from simulator.world import World


class Health:
    """``/healthz``."""

    faulty = False

    def account(self, request: Request) -> int | None:  # noqa: ARG002  # health is nobody's
        """Return ``None``."""
        return None

    def answer(self, request: Request) -> Reply:  # noqa: ARG002  # always the same
        """Say that the simulator is alive."""
        return as_json({"status": "ok"})


def create_app(world: World | None = None, signing_secrets: Sequence[SigningSecret] = ()) -> Front:
    """Return the app; ``world`` is what it remembers, ``signing_secrets`` what its receiver accepts."""
    world = world or World()
    grants, codes = Grants(), Codes()
    inbox = receiver.Receiver(world, signing_secrets)
    return Front(
        world,
        (
            (f"{SPOTIFY}/", WebApi(world, grants)),
            ("/spotify/authorize", Consent(world, codes)),
            ("/spotify/api/token", TokenEndpoint(world, grants, codes)),
            (receiver.WEBHOOKS, inbox),
            (receiver.EVENTS, receiver.ReceivedEvents(inbox)),
            (CONTROL, Control(world, grants)),
            ("/healthz", Health()),
        ),
    )
