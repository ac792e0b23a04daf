"""The app registered with the simulated Spotify, and where it may send people back to."""

from __future__ import annotations

from urllib.parse import urlsplit

CALLBACK_PATH = "/connect/spotify/callback"
LOOPBACK_HOSTS = ("127.0.0.1", "::1")


def redirect_problem(address: str) -> str | None:
    """Return why Spotify would not redirect there, or ``None`` where it would."""
    if not address.isascii() or not address.isprintable():
        return "INVALID_CLIENT: Invalid redirect URI"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "INVALID_CLIENT: Invalid redirect URI"
    if parts.path != CALLBACK_PATH or parts.query or parts.fragment or not parts.hostname:
        return "INVALID_CLIENT: Invalid redirect URI"
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS):
        return None
    return "INVALID_CLIENT: Insecure redirect URI"
