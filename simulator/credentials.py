"""The app that is registered with every simulated platform, and how it shows itself."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

CLIENT_ID = "simulator-client"
CLIENT_SECRET = "simulator-secret"  # noqa: S105  # opens the simulator only


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
