"""Texts that carry what they mean under a seal, so that no token needs to be stored to be known again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

SEAL_KEY = b"The simulator's tokens open nothing real."
SEAL_BYTES = 12
Kind = TypeVar("Kind", bound=msgspec.Struct)


def write(prefix: str, content: msgspec.Struct) -> str:
    """Return the text that begins with ``prefix`` and carries ``content``."""
    plain = msgspec.json.encode(content)
    return prefix + base64.urlsafe_b64encode(plain + _seal(plain)).decode().rstrip("=")


def read(prefix: str, text: str, kind: type[Kind]) -> Kind | None:
    """Return what a text carries, or ``None`` where this simulator did not write it so."""
    plain = _opened(text.removeprefix(prefix)) if text.startswith(prefix) else None
    if plain is None:
        return None
    try:
        content: Any = msgspec.json.decode(plain, type=kind)
    except msgspec.DecodeError:
        return None
    return content if isinstance(content, kind) else None


@lru_cache(maxsize=1 << 14)
def _opened(coded: str) -> bytes | None:
    try:
        raw = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    except (binascii.Error, ValueError):
        return None
    plain, seal = raw[:-SEAL_BYTES], raw[-SEAL_BYTES:]
    return plain if hmac.compare_digest(seal, _seal(plain)) else None


def _seal(plain: bytes) -> bytes:
    return hmac.digest(SEAL_KEY, plain, hashlib.sha256)[:SEAL_BYTES]
