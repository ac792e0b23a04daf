"""One declaration a provider; :data:`PROVIDERS` is the list of them all."""

from __future__ import annotations

from resources.errors import InputRefused
from resources.provider import Provider
from resources.providers.instagram import PROVIDER as INSTAGRAM
from resources.providers.spotify import PROVIDER as SPOTIFY
from resources.providers.youtube import PROVIDER as YOUTUBE

PROVIDERS: dict[str, Provider] = {one.name: one for one in (SPOTIFY, INSTAGRAM, YOUTUBE)}


def find_provider(name: str) -> Provider:
    """Return the provider of that name; raise ``InputRefused`` that lists the known ones."""
    try:
        return PROVIDERS[name]
    except KeyError:
        raise InputRefused("provider", f"{name!r} is unknown", f"use one of {', '.join(PROVIDERS)}") from None
