"""What the console's handlers work with: Backline, the way out, and where browsers reach the console."""

import asyncio
import functools
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

import httpx
from fastapi import Depends, Request

from resources.backline import Backline
from resources.inbound.door import Door
from resources.inbound.source import caller, networks, shared_name
from resources.limiter import AppLimiter
from resources.people.attempts import FailureLog, LoginPace
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.scraping.evidence import EvidenceStore
from resources.verification import PATIENCE_SECONDS, Asker, asking

MOST_HASHED_AT_ONCE = 2


@dataclass(frozen=True)
class Console:
    """One console; ``transport`` replaces the network.

    ``patience_seconds`` is how long a person waits for a provider at most. ``providers`` are those whose
    public pages are shown.
    """

    backline: Backline
    transport: httpx.AsyncBaseTransport | None = None
    patience_seconds: float = PATIENCE_SECONDS
    limiters: dict[str, AppLimiter] = field(default_factory=dict)
    providers: Mapping[str, Provider] = field(default_factory=lambda: PROVIDERS)

    @functools.cached_property
    def evidence(self) -> EvidenceStore:
        """What is kept of failed visits."""
        return EvidenceStore(self.backline.settings)

    @functools.cached_property
    def door(self) -> Door:
        """What lets n8n's calls in."""
        return Door(self.backline)

    @functools.cached_property
    def login_pace(self) -> LoginPace:
        """What counts tries to log in."""
        return LoginPace(self.backline.settings.login_rate_limit, self.backline.settings.redis_url)

    @functools.cached_property
    def login_failures(self) -> FailureLog:
        """What writes failed logins down."""
        return FailureLog(self.backline)

    @functools.cached_property
    def hashing(self) -> asyncio.Semaphore:
        """How many passwords are looked at at once: each takes 64 MiB."""
        return asyncio.Semaphore(MOST_HASHED_AT_ONCE)

    def source_of(self, request: Request) -> str:
        """Return the name under which the requests of one asker's address are counted."""
        peer = request.client.host if request.client else None
        trusted = networks(self.backline.settings.trusted_proxies, "BACKLINE_TRUSTED_PROXIES")
        return shared_name(caller(peer, request.headers.getlist("x-forwarded-for"), trusted))

    @property
    def public_url(self) -> str:
        """Where browsers reach the console, without a slash at its end."""
        return self.backline.settings.public_url.rstrip("/")

    def asking(self, provider: Provider) -> AbstractAsyncContextManager[Asker]:
        """Open the way to a provider, at the pace of all who ask it here."""
        return asking(
            self.backline,
            provider,
            limiter=self.limiter(provider),
            transport=self.transport,
            patience_seconds=self.patience_seconds,
        )

    def limiter(self, provider: Provider) -> AppLimiter:
        """Return the pace of the provider's app, the same for all who ask."""
        if provider.name not in self.limiters:
            self.limiters[provider.name] = self.backline.limiter(provider)
        return self.limiters[provider.name]


def console_of(request: Request) -> Console:
    """Return the console that a request came to."""
    console = request.app.state.console
    if not isinstance(console, Console):
        raise TypeError("The application was not made by console.app.create_app.")
    return console


ConsolePart = Annotated[Console, Depends(console_of)]


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address, as browsers write them in ``Origin``."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
