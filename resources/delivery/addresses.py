"""Which addresses events may be sent to: public ones, and those that the operator allowed by name.

Checked where the socket is made, on the very address that is connected to: a name that resolved to a public
address a moment ago may resolve to a private one now.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from resources.errors import InputRefused

FIELD = "BACKLINE_WEBHOOK_ALLOWED_HOSTS"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(OSError):
    """An endpoint's address is inside: nothing was sent."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(f"{address} is not a public address; allow it in {FIELD} if it is meant")


@dataclass(frozen=True)
class Allowed:
    """What the operator allows although it is not public: hosts by name, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Allowed:
        """Read comma-separated hosts and networks; raise ``InputRefused`` where a part is neither."""
        hosts, networks = set(), []
        for part in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(part))
            except ValueError as error:
                if set(part) & set("/:@ "):
                    cure = "use hosts as n8n.internal, and networks as 10.1.0.0/16"
                    raise InputRefused(FIELD, f"{part} is neither a host nor a network", cure) from error
                hosts.add(part)
        return cls(frozenset(hosts), tuple(networks))

    def includes(self, address: str) -> bool:
        """Say whether an address may be connected to."""
        found = _embedded(ipaddress.ip_address(address.partition("%")[0]))
        return is_public(found) or any(found in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Say whether an address is one of the open internet's, and for one receiver."""
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, where it does: that is what is reached."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


class GuardedSockets:
    """Makes sockets to allowed addresses alone; the ``socket_factory`` of an aiohttp connector."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    def __call__(self, info: tuple[Any, ...]) -> socket.socket:
        """Return a socket for one resolved address, or raise ``AddressRefused``."""
        family, kind, protocol, _, address = info
        if not self._allowed.includes(str(address[0])):
            raise AddressRefused(str(address[0]))
        return socket.socket(family, kind, protocol)


def literal(host: str) -> str | None:
    """Return the address that a host is by itself, in whichever of its spellings; ``None`` for a name."""
    try:
        found: Iterable[Any] = socket.getaddrinfo(host.strip("[]"), None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return next((str(info[4][0]) for info in found), None)
