"""The app registered with the simulated Instagram, and where it may send people back to."""

from __future__ import annotations

from urllib.parse import urlsplit

CALLBACK_PATH = "/connect/instagram/callback"
LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


def redirect_problem(address: str) -> str | None:
    """Return why Instagram would not redirect there, or ``None`` where it would.

    Instagram wants https everywhere; http is let through to this machine, so that the demo needs no
    certificate.
    """
    if not address.isascii() or not address.isprintable():
        return "Invalid redirect_uri"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "Invalid redirect_uri"
    if parts.path != CALLBACK_PATH or parts.query or parts.fragment or not parts.hostname:
        return "Invalid redirect_uri"
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS):
        return None
    return "Insecure redirect_uri"
