"""Which addresses are of the public internet: none by which a server reaches itself, its network or its cloud."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.api.addresses import is_public

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.9", "192.0.0.10", "192.0.0.170",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b::8.8.8.8", "64:ff9b:1::a9fe:a9fe", "100::1", "100:0:0:1::1", "2001::1", "2001:0:7f00:1::", "2001:2::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1", "3fff::1", "4000::1",
    "5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0", "fec0::1", "ff02::1",
    "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:10.0.0.1", "2620:4f:8000::1",
]  # fmt: skip
WRITTEN_OTHERWISE = [
    "", " ", "localhost", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "0", "8.8.8.8 ",
    " 8.8.8.8", "8.8.8.8\n", "8.8.8", "8.8.8.8.", "08.8.8.8", "8.8.8.8/32", "\u0668.8.8.8", "\uff18.8.8.8", "8\u30028\u30028\u30028",
    "[2606:4700::1]", "2606:4700::1/64", "1.2.3.4.5", "256.1.1.1", "-1.1.1.1", "\u2460.1.1.1", "2606:4700:::1",
]  # fmt: skip


@pytest.mark.parametrize("address", [*PRIVATE, *WRITTEN_OTHERWISE])
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "2a00:1450:4007::1"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_nothing_that_python_knows_to_be_special_is_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_public_when_it_is_wrapped_for_ipv6(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = [
        0xFFFF << 32 | number, 0x64FF9B << 96 | number, number, 0x2002 << 112 | number << 80, 0x20010000 << 96 | number,
        0x2606470000000000 << 64 | 0x5EFE << 32 | number,
    ]  # fmt: skip
    assert not any(is_public(str(ipaddress.IPv6Address(value))) for value in wrapped)
