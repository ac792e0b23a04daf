"""Proofs: random words that let somebody in. They are shown once, and stored as hashes.

SHA-256 without salt is enough for 256 random bits: there is nothing to guess, unlike with passwords.
"""

from __future__ import annotations

import hashlib
import secrets

LONGEST = 200


def new_proof(prefix: str = "") -> str:
    """Return a new proof."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(proof: str) -> str:
    """Return the name under which a proof is stored."""
    return hashlib.sha256(proof[:LONGEST].encode()).hexdigest()
