"""Tokens that carry their own meaning, and what is remembered of consents."""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Literal

import msgspec

from simulator import sealed
from simulator.scopes import ScopeBits
from simulator.world import DAY_SECONDS

BASE = "https://www.googleapis.com/auth/"
READONLY, FORCE_SSL, FULL = f"{BASE}youtube.readonly", f"{BASE}youtube.force-ssl", f"{BASE}youtube"
ANALYTICS, MONETARY = f"{BASE}yt-analytics.readonly", f"{BASE}yt-analytics-monetary.readonly"
SCOPES = (READONLY, ANALYTICS, MONETARY, FORCE_SSL, FULL, f"{BASE}youtube.upload", f"{BASE}youtubepartner")
BITS = ScopeBits(SCOPES)
scopes_of, mask_of = BITS.scopes_of, BITS.mask_of
DEFAULT_SCOPES = (READONLY, ANALYTICS)
ACCESS_SECONDS, TESTING_SECONDS = 3_599, 604_799
UNUSED_SECONDS = 182 * DAY_SECONDS
PREFIXES = {"access": "ya29.a0", "refresh": "1//0"}


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What a token grants; times in Unix seconds, 0 for no end. ``consent`` counts an account's consents."""

    kind: Literal["access", "refresh"]
    account: int
    scope_mask: int
    authorized_at: int
    expires_at: int
    consent: int
    serial: str

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes granted."""
        return scopes_of(self.scope_mask)


class Consented(msgspec.Struct, frozen=True):
    """What a person agreed to, and when, in Unix seconds."""

    account: int
    scope_mask: int
    authorized_at: float


@lru_cache(maxsize=1 << 14)
def read_token(text: str) -> Token | None:
    """Return what the text grants, or ``None`` where this simulator did not write it."""
    for kind, prefix in PREFIXES.items():
        token = sealed.read(prefix, text, Token)
        if token is not None:
            return token if token.kind == kind else None
    return None


class Grants:
    """Issues tokens, and remembers what was agreed to, taken back and last used.

    ``agreed`` holds each account's scopes since it last took its consent back, ``revocations`` how often it
    did that, ``used_at`` when a refresh token was last used. ``testing`` is Google's app in Testing.
    """

    def __init__(self, *, testing: bool = False) -> None:
        self.testing = testing
        self.agreed: dict[int, int] = {}
        self.revocations: dict[int, int] = {}
        self.used_at: dict[str, float] = {}

    def agree(self, account: int, scope_mask: int) -> None:
        """Remember that a person agreed to so much."""
        self.agreed[account] = self.agreed.get(account, 0) | scope_mask

    def access_token(self, consent: Consented, now: float, seconds: float = ACCESS_SECONDS) -> str:
        """Return a fresh access token."""
        return self._write("access", consent, int(now + seconds))

    def refresh_token(self, consent: Consented) -> str:
        """Return a fresh refresh token, which a project in Testing lets live for a week."""
        ends = int(consent.authorized_at) + TESTING_SECONDS if self.testing else 0
        return self._write("refresh", consent, ends)

    def _write(self, kind: Literal["access", "refresh"], consent: Consented, expires_at: int) -> str:
        token = Token(
            kind,
            consent.account,
            consent.scope_mask,
            int(consent.authorized_at),
            expires_at,
            self.revocations.get(consent.account, 0),
            secrets.token_hex(8),
        )
        return sealed.write(PREFIXES[kind], token)

    def is_dead(self, token: Token, now: float) -> bool:
        """Tell whether a token opens nothing any more: revoked, too old, or half a year unused."""
        if token.consent < self.revocations.get(token.account, 0):
            return True
        if token.expires_at and token.expires_at <= now:
            return True
        last = max(token.authorized_at, self.used_at.get(token.serial, 0))
        return token.kind == "refresh" and last + UNUSED_SECONDS <= now

    def revoke(self, account: int) -> None:
        """Take back all that the account's person agreed to until now."""
        self.agreed.pop(account, None)
        self.revocations[account] = self.revocations.get(account, 0) + 1
