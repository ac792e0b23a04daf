"""What all consent screens share: the codes they give, who may sign in, and what they carry along."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Generic, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

from simulator.exchange import Request
from simulator.world import World

OFFERED_ACCOUNTS = 10
LONGEST_NUMBER = 20  # digits; Python reads no endless ones
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
LOOPBACK_HOSTS = (*LOOPBACK_ADDRESSES, "localhost")


class Given(Protocol):
    """What an authorization code stands for."""

    @property
    def given_at(self) -> float:
        """When it was given, in Unix seconds."""


Code = TypeVar("Code", bound=Given)


class Codes(Generic[Code]):
    """The codes given and not used yet; each is good once, for so many ``seconds``."""

    def __init__(self, prefix: str, size: int, seconds: float) -> None:
        self.prefix, self.size, self.seconds = prefix, size, seconds
        self.open: dict[str, Code] = {}

    def give(self, code: Code) -> str:
        """Return the text of a new code."""
        name = self.prefix + secrets.token_urlsafe(self.size)
        self.open[name] = code
        return name

    def take(self, name: str, now: float) -> Code | None:
        """Use up a code; return ``None`` where it is unknown, used or too old."""
        code = self.open.pop(name, None)
        return code if code and code.given_at + self.seconds > now else None


def asked_of(request: Request) -> dict[str, str]:
    """Return the parameters of a screen that is shown, or the fields of one that is sent."""
    return dict(request.query) if request.method == "GET" else request.form


def redirect_fault(
    address: str, path: str, loopback: Sequence[str] = LOOPBACK_HOSTS
) -> Literal["Invalid", "Insecure"] | None:
    """Return what is wrong with an address to send people back to, ``None`` where the app registered it.

    It is the app's own path, by https, or by http on this machine under one of its ``loopback`` names.
    """
    if not address.isascii() or not address.isprintable():
        return "Invalid"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "Invalid"
    if parts.path != path or parts.query or parts.fragment or not parts.hostname:
        return "Invalid"
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in loopback):
        return None
    return "Insecure"


def chosen_account(request: Request) -> int | None:
    """Return the account chosen on the screen, the first where none is."""
    chosen = asked_of(request).get("account", "0")
    is_number = chosen.isascii() and chosen.isdecimal() and len(chosen) < LONGEST_NUMBER
    return int(chosen) if is_number else None


def hidden_fields(asked: Mapping[str, str], carried: Sequence[str]) -> str:
    """Return the form fields that carry a request's parameters along."""
    return "".join(
        f'<input type="hidden" name="{name}" value="{escape(asked[name])}">'
        for name in carried
        if name in asked
    )


def account_options(world: World, account: int, name_of: Callable[[int], str]) -> str:
    """Return the accounts that a person may sign in as: the first few, and the one asked for."""
    offered = sorted({*range(min(OFFERED_ACCOUNTS, world.accounts)), account})
    return "".join(
        f'<option value="{number}"{" selected" if number == account else ""}>'
        f"{escape(name_of(number))} ({number})</option>"
        for number in offered
    )
