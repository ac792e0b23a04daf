"""What one way to a page is sent out with, and what it comes back with where there is no page."""

from __future__ import annotations

from dataclasses import dataclass

from resources.reading.verdict import Capture, Outcome, Refusal
from resources.visiting.identity import Identity
from resources.visiting.proxies import Proxy

PROXY_AUTHENTICATION_REQUIRED = 407


@dataclass(frozen=True)
class Errand:
    """One document to bring back: as whom, through what, and within which time and size."""

    url: str
    identity: Identity
    proxy: Proxy | None
    seconds: float
    largest_bytes: int
    listens: tuple[str, ...] = ()


class NoPage(Exception):
    """Nothing came that a reader could judge; ``refusal`` says why, ``capture`` is what there was.

    ``is_proxys`` says that the proxy failed, not the site.
    """

    def __init__(
        self,
        detail: str,
        *,
        outcome: Outcome = Outcome.TIMED_OUT,
        is_proxys: bool = False,
        capture: Capture | None = None,
    ) -> None:
        self.refusal, self.is_proxys, self.capture = Refusal(outcome, detail), is_proxys, capture
        super().__init__(detail)


def refused_by(proxy: Proxy | None) -> NoPage:
    """Return what a page is that a proxy did not let through."""
    name = proxy.name if proxy else "of the network"
    return NoPage(f"The proxy {name} did not let it through.", is_proxys=True)


def too_large(largest_bytes: int) -> NoPage:
    """Return what a page is that does not end within the size that one may have."""
    return NoPage(f"The page did not end within {largest_bytes / 1024**2:g} MiB.")


def too_slow(seconds: float) -> NoPage:
    """Return what a page is that does not end within the time that one may take."""
    return NoPage(f"The page was not there within {seconds:.0f} s.")
