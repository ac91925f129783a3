"""Which network addresses a download may reach: the guard against server-side request forgery. Pure."""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Nets of the IANA special-purpose registries that `ipaddress` calls global or leaves to its callers.
_REFUSED_NETS = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared address space of carriers (RFC 6598)
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "198.18.0.0/15",
        "240.0.0.0/4",
        "64:ff9b::/96",  # NAT64 (RFC 6052): reaches any IPv4 address, private ones too
        "64:ff9b:1::/48",  # local NAT64 (RFC 8215)
        "100::/64",
        "2001::/23",
        "fec0::/10",
    )
)
_NUMERIC_LABEL = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)")


def refusal(address: str) -> str | None:
    """Why a connection to this IP address is refused, or None if it is a public host's.

    Args:
        address: as the socket would get it, for instance `10.0.0.1` or `fe80::1%eth0`.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    for inner in _wrapped(ip):
        if why := _plain_refusal(inner):
            return why if inner == ip else f"{why}, wrapped as {ip}"
    return None


def _wrapped(ip: Address) -> list[Address]:
    """The address, and every IPv4 address it carries inside."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return [ip]
    if ip.ipv4_mapped is not None:  # the socket connects to the IPv4 address itself
        return [ip.ipv4_mapped]
    inner: list[Address | None] = [ip.sixtofour, *(ip.teredo or ())]
    if int(ip) >> 32 == 0 and int(ip) > 1:  # IPv4-compatible, deprecated (RFC 4291)
        inner.append(ipaddress.IPv4Address(int(ip)))
    return [*(each for each in inner if each is not None), ip]


def _plain_refusal(ip: Address) -> str | None:
    for word in ("unspecified", "loopback", "link_local", "multicast", "private", "reserved"):
        if getattr(ip, f"is_{word}"):
            return f"{ip} is {word.replace('_', '-')}"
    if any(ip in net for net in _REFUSED_NETS if net.version == ip.version) or not ip.is_global:
        return f"{ip} is not public"
    return None


def obscured(host: str) -> bool:
    """Whether a host is an IPv4 address in another notation (decimal, octal, hexadecimal, too few parts).

    Resolvers read `2130706433`, `0177.1` and `0x7f000001` as 127.0.0.1; nobody writes a real host that way.
    """
    labels = host.rstrip(".").split(".")
    if not all(_NUMERIC_LABEL.fullmatch(label) for label in labels):
        return False
    try:
        return str(ipaddress.IPv4Address(host)) != host
    except ValueError:
        return True
