"""Scopes as the bits of a number, which is how the tokens of every simulated platform carry them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache


class ScopeBits:
    """A platform's scopes, each a bit by its place."""

    def __init__(self, scopes: Sequence[str]) -> None:
        self._scopes = scopes
        self.scopes_of = lru_cache(maxsize=256)(self._scopes_of)

    def _scopes_of(self, mask: int) -> frozenset[str]:
        """Return the scopes whose bits are set."""
        return frozenset(scope for place, scope in enumerate(self._scopes) if mask >> place & 1)

    def mask_of(self, scopes: Iterable[str]) -> int:
        """Return the bits of the scopes; raise ``ValueError`` for an unknown one."""
        return sum(1 << self._scopes.index(scope) for scope in set(scopes))
