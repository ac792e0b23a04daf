"""Access tokens: each carries what it grants under a seal, so that none needs to be stored.

There is no refresh token: a token of 60 days is exchanged for the next one, and goes on
to its own end.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Literal

import msgspec

from simulator import sealed
from simulator.scopes import ScopeBits

BASIC = "instagram_business_basic"
INSIGHTS = "instagram_business_manage_insights"
COMMENTS = "instagram_business_manage_comments"
SCOPES = [
    BASIC,
    INSIGHTS,
    COMMENTS,
    "instagram_business_manage_messages",
    "instagram_business_content_publish",
]
BITS = ScopeBits(SCOPES)
scopes_of, mask_of = BITS.scopes_of, BITS.mask_of
PREFIX = "IGAA"
SHORT_SECONDS, LONG_SECONDS = 3_600, 60 * 86_400
YOUNGEST_REFRESHED_SECONDS = 86_400


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What a token grants; times are Unix seconds. ``authorized_at`` is when the person agreed."""

    kind: Literal["short", "long"]
    account: int
    scope_mask: int
    authorized_at: int
    issued_at: int
    expires_at: int
    serial: str

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes granted."""
        return scopes_of(self.scope_mask)

    @property
    def permissions(self) -> str:
        """The scopes as replies name them."""
        return ",".join(scope for scope in SCOPES if scope in self.scopes)


def issue(  # noqa: PLR0913  # one argument a thing the token carries
    kind: Literal["short", "long"],
    account: int,
    scope_mask: int,
    *,
    authorized_at: float,
    issued_at: float,
    seconds: float | None = None,
) -> Token:
    """Return a new token, which lasts ``seconds``, or as long as its kind does."""
    lasts = seconds if seconds is not None else SHORT_SECONDS if kind == "short" else LONG_SECONDS
    end = int(issued_at + lasts)
    return Token(kind, account, scope_mask, int(authorized_at), int(issued_at), end, secrets.token_hex(12))


def write_token(token: Token) -> str:
    """Return the text of a token."""
    return sealed.write(PREFIX, token)


@lru_cache(maxsize=1 << 14)
def read_token(text: str) -> Token | None:
    """Return what the text grants, or ``None`` where this simulator did not write it."""
    return sealed.read(PREFIX, text, Token)
