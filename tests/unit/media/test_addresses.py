"""Which addresses a download may reach."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.media.addresses import obscured, refusal

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.8",
    "198.18.0.1",
    "192.88.99.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_special_ipv4_is_refused_in_every_wrapping(address: str) -> None:
    number = int(ipaddress.IPv4Address(address))
    assert refusal(address)
    assert refusal(f"::ffff:{address}")
    assert refusal(str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80))))  # 6to4
    assert refusal(str(ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF))))  # Teredo
    assert refusal(str(ipaddress.IPv6Address((0x64FF9B << 96) | number)))  # NAT64


@pytest.mark.parametrize(
    "address",
    [
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "fec0::1",
        "100::1",
    ],
)
def test_special_ipv6_is_refused(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_pass(address: str) -> None:
    assert refusal(address) is None


@given(st.ip_addresses(v=4))
def test_whatever_python_calls_special_is_refused(address: ipaddress.IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert refusal(str(address))


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.01", "1.2.3.4.5"]
)
def test_other_notations_of_an_address_are_told(host: str) -> None:
    assert obscured(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "8.8.8.8", "example.com", "1.example", "0x.example", "::1", "3com.com"])
def test_plain_hosts_are_not_obscured(host: str) -> None:
    assert not obscured(host)
