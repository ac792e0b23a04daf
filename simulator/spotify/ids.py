"""Ids that look like Spotify's and name what they stand for, so that nothing needs to be stored."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import Literal

from simulator.mixing import MASK64

Kind = Literal["artist", "album", "track", "playlist", "episode", "show", "user"]
KINDS: tuple[Kind, ...] = ("artist", "album", "track", "playlist", "episode", "show", "user")
BASE62 = string.digits + string.ascii_lowercase + string.ascii_uppercase
BASE36 = string.digits + string.ascii_lowercase
SPACE = 1 << 128
MULTIPLIER = 0x9E3779B97F4A7C15F39CC0605CEDC835
INVERSE = pow(MULTIPLIER, -1, SPACE)
SEAL = 0xB4C  # a random id fits it once in 2 ** 56 times
SEAL_SHIFT, KIND_SHIFT = 72, 64
ID_LENGTH, USER_LENGTH = 22, 26
USER_PREFIX = "31"


class MalformedId(ValueError):  # what was asked, not what broke
    """The text is not 22 characters of base 62."""


@lru_cache(maxsize=1 << 16)
def make_id(kind: Kind, number: int) -> str:
    """Return the id of the ``number``-th thing of its kind."""
    plain = SEAL << SEAL_SHIFT | KINDS.index(kind) << KIND_SHIFT | number
    return _write(plain * MULTIPLIER % SPACE, BASE62, ID_LENGTH)


def read_id(kind: Kind, text: str) -> int | None:
    """Return the number an id stands for, ``None`` where it stands for nothing; raise ``MalformedId``."""
    if len(text) != ID_LENGTH or not (text.isascii() and text.isalnum()):
        raise MalformedId(text)
    return _unseal(kind, _value(text, BASE62))


@lru_cache(maxsize=1 << 14)
def make_user_id(account: int) -> str:
    """Return the user name of an account, as Spotify makes them for people who sign up by e-mail."""
    plain = SEAL << SEAL_SHIFT | KINDS.index("user") << KIND_SHIFT | account
    return USER_PREFIX + _write(plain * MULTIPLIER % SPACE, BASE36, USER_LENGTH)


def read_user_id(text: str) -> int | None:
    """Return the account a user name belongs to, if any."""
    rest = text.removeprefix(USER_PREFIX)
    if not text.startswith(USER_PREFIX) or len(rest) != USER_LENGTH or not set(rest) <= set(BASE36):
        return None
    return _unseal("user", _value(rest, BASE36))


def _unseal(kind: Kind, value: int) -> int | None:
    plain = value * INVERSE % SPACE
    if value >= SPACE or plain >> KIND_SHIFT != SEAL << (SEAL_SHIFT - KIND_SHIFT) | KINDS.index(kind):
        return None
    return plain & MASK64


def _write(value: int, alphabet: str, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(reversed(digits))


def _value(text: str, alphabet: str) -> int:
    value = 0
    for character in text:
        value = value * len(alphabet) + alphabet.index(character)
    return value
