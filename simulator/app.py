"""The simulator as one ASGI app."""

from __future__ import annotations

from collections.abc import Sequence

from resources.signing import SigningSecret
from simulator import receiver
from simulator.control import PREFIX as CONTROL
from simulator.control import Control
from simulator.exchange import Reply, Request, as_json
from simulator.front import Front
from simulator.instagram.platform import Instagram
from simulator.outgoing import Outgoing
from simulator.platform import Platform
from simulator.sites.site import RobotsOfAll
from simulator.spotify.platform import Spotify
from simulator.world import World
from simulator.youtube.platform import YouTube


class Health:
    """``/healthz``."""

    faulty = False

    def account(self, request: Request) -> int | None:  # noqa: ARG002  # health is nobody's
        """Return ``None``."""
        return None

    def answer(self, request: Request) -> Reply:  # noqa: ARG002  # always the same
        """Say that the simulator is alive."""
        return as_json({"status": "ok"})


def create_app(
    world: World | None = None,
    signing_secrets: Sequence[SigningSecret] = (),
    outgoing: Outgoing | None = None,
) -> Front:
    """Return the app.

    ``world`` is what it remembers, ``signing_secrets`` what its receiver accepts, ``outgoing`` how its
    providers send what they send themselves.
    """
    world, outgoing = world or World(), outgoing or Outgoing()
    spotify, instagram, youtube = Spotify(world), Instagram(world, outgoing), YouTube(world, outgoing)
    platforms: tuple[Platform, ...] = (spotify, instagram, youtube)
    inbox = receiver.Receiver(world, signing_secrets)
    return Front(
        world,
        (
            *(service for platform in platforms for service in platform.services),
            (receiver.WEBHOOKS, inbox),
            (receiver.EVENTS, receiver.ReceivedEvents(inbox)),
            (CONTROL, Control(world, platforms)),
            ("/healthz", Health()),
            ("/robots.txt", RobotsOfAll((spotify.site, instagram.site, youtube.site))),
        ),
    )
