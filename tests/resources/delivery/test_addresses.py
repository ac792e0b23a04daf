"""Addresses: what is inside is refused, in whichever spelling, unless the operator named it."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.delivery.addresses import AddressRefused, Allowed, GuardedSockets, literal
from resources.errors import InputRefused

pytestmark = pytest.mark.webhooks

INSIDE = [
    *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
    *("100.64.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0"),
    *("fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::"),
]
NETWORKS = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16")]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_refused(address):
    assert not Allowed().includes(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"])
def test_what_is_public_is_not(address):
    assert Allowed().includes(address)


@given(st.sampled_from(NETWORKS).flatmap(lambda network: st.ip_addresses(network=network)))
def test_no_private_address_slips_through_in_a_spelling_of_version_six(address):
    number = int(address)
    assert not Allowed().includes(str(ipaddress.IPv6Address((0xFFFF << 32) | number)))
    assert not Allowed().includes(str(ipaddress.IPv6Address((0x64_FF9B << 96) | number)))
    assert not Allowed().includes(str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80))))


def test_networks_that_the_operator_names_are_allowed():
    allowed = Allowed.parse("10.1.0.0/16, fd00::/8,n8n.internal")
    assert allowed.includes("10.1.2.3")
    assert allowed.includes("fd00::7")
    assert not allowed.includes("10.2.0.1")
    assert allowed.hosts == {"n8n.internal"}


@pytest.mark.parametrize("text", ["10.0.0.0/99", "http://n8n.internal", "n8n:5678", "a b"])
def test_what_is_neither_host_nor_network_is_refused(text):
    with pytest.raises(InputRefused, match="neither a host nor a network"):
        Allowed.parse(text)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("[::1]", "::1"),
        ("receiver.example", None),
        ("", None),
    ],
)
def test_an_address_is_seen_in_every_spelling(host, address):
    assert literal(host) == address


def test_a_socket_to_an_address_inside_is_never_made():
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80))
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1 is not a public address; allow it in BACKLINE_"):
        GuardedSockets(Allowed())(info)
