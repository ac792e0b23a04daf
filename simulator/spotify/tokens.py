"""Access and refresh tokens: each carries what it grants under a seal, so that none needs to be stored.

They outlive a restart of the simulator; only what was spent or revoked is remembered, and forgotten then.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Literal

import msgspec

from simulator import sealed
from simulator.scopes import ScopeBits

SCOPES = [
    "ugc-image-upload",
    "user-read-playback-state",
    "user-modify-playback-state",
    "user-read-currently-playing",
    "app-remote-control",
    "streaming",
    "playlist-read-private",
    "playlist-read-collaborative",
    "playlist-modify-private",
    "playlist-modify-public",
    "user-follow-modify",
    "user-follow-read",
    "user-read-playback-position",
    "user-top-read",
    "user-read-recently-played",
    "user-library-modify",
    "user-library-read",
    "user-read-email",
    "user-read-private",
]
BITS = ScopeBits(SCOPES)
scopes_of, mask_of = BITS.scopes_of, BITS.mask_of
ACCESS_SECONDS = 3_600
LIFETIME_SECONDS = 182 * 86_400  # six months from the person's consent, whatever is refreshed meanwhile
PREFIXES: dict[Literal["access", "refresh"], str] = {"access": "BQ", "refresh": "AQ"}


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What a token grants; times are Unix seconds, ``single_use`` is what PKCE makes of refresh tokens."""

    kind: Literal["access", "refresh"]
    account: int
    scope_mask: int
    authorized_at: int
    expires_at: int
    single_use: bool
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
    single_use: bool


class Pair(msgspec.Struct, frozen=True):
    """Both tokens of a grant, and when the first expires, in Unix seconds."""

    access_token: str
    refresh_token: str
    expires_at: int


def write_token(token: Token) -> str:
    """Return the text of a token."""
    return sealed.write(PREFIXES[token.kind], token)


@lru_cache(maxsize=1 << 14)
def read_token(text: str) -> Token | None:
    """Return what the text grants, or ``None`` where this simulator did not write it."""
    found = (sealed.read(prefix, text, Token) for prefix in PREFIXES.values())
    token = next((token for token in found if token is not None), None)
    return token if token and text.startswith(PREFIXES[token.kind]) else None


class Grants:
    """Issues tokens, and remembers which refresh tokens are spent and which accounts took consent back."""

    def __init__(self) -> None:
        self.spent: set[str] = set()
        self.revoked_at: dict[int, float] = {}

    def issue(self, consent: Consented, now: float, seconds: float = ACCESS_SECONDS) -> Pair:
        """Return fresh tokens; ``seconds`` is how long the access token lasts."""
        expires_at = int(now + seconds)
        access, refresh = (
            Token(
                kind,
                consent.account,
                consent.scope_mask,
                int(consent.authorized_at),
                end,
                consent.single_use,
                secrets.token_hex(8),
            )
            for kind, end in _ends(expires_at, int(consent.authorized_at))
        )
        return Pair(write_token(access), write_token(refresh), expires_at)

    def is_revoked(self, token: Token) -> bool:
        """Tell whether the person took this consent back after giving it."""
        return self.revoked_at.get(token.account, 0) > token.authorized_at

    def spend(self, token: Token) -> bool:
        """Use up a single-use refresh token; return whether that was its first use."""
        if not token.single_use:
            return True
        if token.serial in self.spent:
            return False
        self.spent.add(token.serial)
        return True


def _ends(expires_at: int, authorized_at: int) -> tuple[tuple[Literal["access", "refresh"], int], ...]:
    return ("access", expires_at), ("refresh", authorized_at + LIFETIME_SECONDS)
