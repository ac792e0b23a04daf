"""Standard Webhooks signatures: what we send is signed with them, what we receive is verified by them.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resources.errors import BacklineError, InputRefused

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300
UNIX_SECONDS = re.compile(r"[0-9]{1,12}")
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 64


class SignatureRefused(BacklineError):
    """A received message is not from who it says, was changed, or is too old or too new."""


class TimestampRefused(SignatureRefused):
    """A received message is too old, or from the future."""


@dataclass(frozen=True)
class SigningSecret:
    """One shared secret; its ``repr`` shows nothing of it."""

    key: bytes

    def __repr__(self) -> str:
        return "SigningSecret(••••)"

    @classmethod
    def parse(cls, text: str) -> SigningSecret:
        """Read ``whsec_<base64>``; raise ``InputRefused`` where it is not that."""
        field, cure = "BACKLINE_N8N_SIGNING_SECRETS", "use whsec_ and the base64 of 16 to 64 bytes"
        if not text.startswith(PREFIX):
            raise InputRefused(field, f"a secret does not start with {PREFIX}", cure)
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except ValueError as error:  # not base64, or not even ASCII
            raise InputRefused(field, "a secret is not base64", cure) from error
        if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
            raise InputRefused(field, f"a secret has {len(key)} bytes", cure)
        return cls(key)

    @classmethod
    def new(cls) -> SigningSecret:
        """Make one whose bytes are printable ASCII, because n8n's Crypto node takes its key as text."""
        return cls(secrets.token_hex(16).encode())

    def text(self) -> str:
        """Return the ``whsec_…`` form; a secret, to be shown to nobody but the receiver."""
        return PREFIX + base64.b64encode(self.key).decode()

    @functools.cached_property
    def _begun(self) -> hmac.HMAC:
        return hmac.new(self.key, digestmod=hashlib.sha256)

    def signature(self, message_id: str, timestamp: int, body: bytes) -> str:
        """Return ``v1,<base64 of HMAC-SHA256 over id.timestamp.body>``."""
        signing = self._begun.copy()
        signing.update(f"{message_id}.{timestamp}.".encode() + body)
        return "v1," + base64.b64encode(signing.digest()).decode()


def parse_secrets(text: str) -> tuple[SigningSecret, ...]:
    """Read a comma-separated list of secrets; empty text is an empty list."""
    return tuple(SigningSecret.parse(part.strip()) for part in text.split(",") if part.strip())


def signed_headers(
    signing_secrets: Sequence[SigningSecret], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the three ``webhook-*`` headers; every secret signs, so that one can be rotated out."""
    signatures = (secret.signature(message_id, timestamp, body) for secret in signing_secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(
    signing_secrets: Sequence[SigningSecret], headers: Mapping[str, str], body: bytes, now: float
) -> str:
    """Return the message's id, or raise ``SignatureRefused``; ``now`` is Unix seconds."""
    message_id, timestamp = signed_at(headers, now)
    signer(signing_secrets, headers, message_id, timestamp, body)
    return message_id


def signed_at(headers: Mapping[str, str], now: float) -> tuple[str, int]:
    """Return a message's id and Unix seconds, before its body is looked at; raise ``SignatureRefused``."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not UNIX_SECONDS.fullmatch(timestamp):
        raise SignatureRefused("The webhook-id or webhook-timestamp header is missing or malformed.")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise TimestampRefused(f"The timestamp is more than {TOLERANCE_SECONDS} s away from now.")
    return message_id, int(timestamp)


def signer(
    signing_secrets: Sequence[SigningSecret],
    headers: Mapping[str, str],
    message_id: str,
    timestamp: int,
    body: bytes,
) -> SigningSecret:
    """Return the secret that signed a message; raise ``SignatureRefused`` where none of them did."""
    given = [signature.encode() for signature in headers.get("webhook-signature", "").split(" ")]
    for secret in signing_secrets:
        expected = secret.signature(message_id, timestamp, body).encode()
        if any(hmac.compare_digest(expected, one) for one in given):
            return secret
    raise SignatureRefused("No signature fits the body.")
