"""Which addresses belong to one site, told from their hosts alone."""

from __future__ import annotations

import ipaddress

SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gov", "net", "ne", "or", "org"})
COUNTRY_CODE_LETTERS = 2


def registrable(host: str) -> str:
    """Return the part of a host that one registers: ``youtube.com`` of ``consent.youtube.com``.

    A rule of thumb in place of the Public Suffix List, which changes weekly: the last two labels, or three
    where the second is one that countries give away (``co.uk``). An IP address is itself.
    """
    host = host.strip("[]").rstrip(".").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        is_country = len(labels[-1]) == COUNTRY_CODE_LETTERS
        taken = 3 if is_country and len(labels) > 2 and labels[-2] in SECOND_LEVELS else 2  # noqa: PLR2004
        return ".".join(labels[-taken:])
    return host


def is_same_site(one: str, other: str) -> bool:
    """Say whether two hosts belong to one site; the consent and login hosts of a site do."""
    return registrable(one) == registrable(other)
