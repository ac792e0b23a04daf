"""Where a call comes from, and whether calls from there are taken.

Only what a trusted proxy appended to ``X-Forwarded-For`` is believed: the entries are read from the right,
and the first that is no trusted proxy is the caller. What stands further left is the caller's own claim.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from resources.errors import InputRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SHARED_PREFIX = 64  # of IPv6: whoever has one address has all of its network's


def networks(text: str, field: str) -> tuple[Network, ...]:
    """Read a comma-separated list of addresses and networks; raise ``InputRefused`` naming the field."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            problem = f"{part[:60]!r} is no address and no network"
            cure = "use such as 10.0.0.5, 10.0.0.0/24 or 2001:db8::/32, separated by commas"
            raise InputRefused(field, problem, cure) from None
    return tuple(found)


def is_in(address: Address, among: Sequence[Network]) -> bool:
    """Say whether an address lies in one of the networks."""
    return any(address in network for network in among)


def caller(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """Return who calls, ``None`` where that cannot be known.

    ``peer`` is the other end of the connection, ``forwarded`` the ``X-Forwarded-For`` headers as they came.
    A malformed entry that a trusted proxy passes on makes the caller unknown, not the proxy.
    """
    found = _parsed(peer or "")
    entries = [entry for header in forwarded for entry in header.split(",")]
    while found is not None and entries and is_in(found, trusted):
        found = _parsed(entries.pop())
    return found


def shared_name(address: Address | None) -> str:
    """Return the name under which the calls of one caller are counted."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, SHARED_PREFIX), strict=False))
    return "unknown" if address is None else str(address)


def _parsed(text: str) -> Address | None:
    """Read an address, with or without a port behind it; an IPv4 address written as IPv6 is one of IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    if "%" in text:  # a zone means something on one host only
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
