"""The app registered with the simulated Spotify, and where it may send people back to."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

CLIENT_ID = "simulator-client"
CLIENT_SECRET = "simulator-secret"  # noqa: S105  # opens the simulator only
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


def basic_credentials(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the id and secret of an ``Authorization: Basic`` header, if there is one."""
    scheme, _, coded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret


def is_secret(secret: str) -> bool:
    """Tell whether this is the app's secret."""
    return hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode())
