"""Who calls is what trusted proxies say, read from the right; nothing else that is sent counts."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.errors import InputRefused
from resources.inbound.source import caller, is_in, networks, shared_name

pytestmark = pytest.mark.webhooks
PROXY, REAL = "10.0.0.1", "203.0.113.9"
TRUSTED = networks("10.0.0.0/8, fd00::/8", "X")
addresses = st.ip_addresses().map(str)
strangers = addresses.filter(lambda text: _seen(text) is not None and not is_in(_seen(text), TRUSTED))
claims = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(addresses, st.sampled_from([PROXY, "garbage", "", " ", "1.2.3.4:5", "::1%lo"]))).map(
        ", ".join
    ),
)


def _seen(text):
    return caller(text, [], ())


@given(addresses, st.lists(claims, max_size=3))
def test_nobody_is_believed_where_no_proxy_is_trusted(peer, headers):
    assert caller(peer, headers, ()) == _seen(peer)


@given(strangers, st.lists(claims, max_size=3))
def test_a_stranger_that_claims_to_forward_is_the_caller_itself(peer, headers):
    assert caller(peer, headers, TRUSTED) == _seen(peer)


@given(st.lists(claims, max_size=3), strangers)
def test_what_a_caller_claims_never_counts_behind_a_proxy_that_appends(headers, real):
    *before, last = [*headers, ""]
    assert caller(PROXY, [*before, f"{last}, {real}"], TRUSTED) == _seen(real)
    assert caller(PROXY, [*headers, real], TRUSTED) == _seen(real)


@given(st.lists(claims, max_size=3))
def test_a_caller_is_never_one_to_whose_right_a_stranger_stands(headers):
    found = caller(PROXY, headers, TRUSTED)
    entries = [entry for header in headers for entry in header.split(",")]
    right = iter(reversed(entries))
    for entry in right:
        if _seen(entry) is None or not is_in(_seen(entry), TRUSTED):
            assert found == _seen(entry)
            return
    assert found == (_seen(entries[0]) if entries else _seen(PROXY))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], PROXY),
        ([REAL], REAL),
        ([f"{REAL}, 10.9.9.9"], REAL),
        ([REAL, "10.9.9.9"], REAL),
        ([f"{REAL}:51234"], REAL),
        (["[2001:db8::7]:443"], "2001:db8::7"),
        ([f"::ffff:{REAL}"], REAL),
        (["garbage"], None),
        ([f"{REAL}, garbage"], None),
        ([f"{REAL},"], None),
        (["10.0.0.7, unknown"], None),
        (["fe80::1%eth0"], None),
        (["010.0.0.7"], None),
    ],
)
def test_entries_are_read_from_the_right_until_one_is_no_proxy(headers, expected):
    found = caller(PROXY, headers, TRUSTED)
    assert found == (None if expected is None else ipaddress.ip_address(expected))


def test_a_connection_without_an_address_is_an_unknown_caller():
    assert caller(None, [REAL], TRUSTED) is None
    assert caller("testclient", [REAL], TRUSTED) is None


def test_an_ipv4_address_written_as_ipv6_is_in_its_ipv4_network():
    assert is_in(caller("::ffff:10.1.2.3", [], ()), TRUSTED)


def test_callers_of_one_ipv6_network_are_counted_together():
    names = {shared_name(_seen(f"2001:db8:0:1::{number:x}")) for number in range(1, 50)}
    assert names == {"2001:db8:0:1::/64"}
    assert (shared_name(_seen(REAL)), shared_name(None)) == (REAL, "unknown")


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "localhost", "10.0.0.1;10.0.0.2", "*"])
def test_a_network_that_is_none_is_refused_by_its_setting(text):
    with pytest.raises(InputRefused, match="BACKLINE_TRUSTED_PROXIES"):
        networks(f"10.0.0.0/8,{text}", "BACKLINE_TRUSTED_PROXIES")


def test_an_empty_list_has_no_network():
    assert networks(" , ", "X") == ()
