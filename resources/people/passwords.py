"""Passwords: what is asked of them, and their Argon2id hashes (RFC 9106, 4: the profile of 64 MiB)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from resources.errors import InputRefused

SHORTEST, LONGEST = 12, 200
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$tTldQxQwHhFWycUYEEUfmw$k4PoY3kqdfjfiIfbdE2MwUoZK5A6VolbsxBgSKJEYuM"
HASHER = PasswordHasher()


def hashed(password: str, name: str) -> str:
    """Return the hash of a person's new password; raise ``InputRefused`` for one that is too easy."""
    if len(password) < SHORTEST:
        raise InputRefused(
            "password", "is too short", f"use at least {SHORTEST} characters, such as four words"
        )
    if len(password) > LONGEST:
        raise InputRefused("password", "is too long", f"use at most {LONGEST} characters")
    if len(set(password)) < SHORTEST // 3 or name.lower() in password.lower():
        raise InputRefused("password", "is easy to guess", "use words that have nothing to do with the name")
    return HASHER.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Say whether a password is the one; without a stored hash it takes as long, and is never."""
    possible = stored is not None and len(password) <= LONGEST
    try:
        HASHER.verify(stored if stored and possible else NOBODYS, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return possible


def is_outdated(stored: str) -> bool:
    """Say whether a hash is weaker than those made now."""
    return HASHER.check_needs_rehash(stored)
