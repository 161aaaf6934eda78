"""Whether an address is one of the public internet.

`ipaddress.is_global` is not enough: it passes 192.0.0.192 (a cloud's metadata) and 64:ff9b::a9fe:a9fe, which a NAT64
gateway translates to 169.254.169.254. Sources: IANA's registries of special-purpose addresses for IPv4 and IPv6.
"""

from __future__ import annotations

import ipaddress

_SPECIAL_4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
"""All that is not somebody's own place in the internet; 168.63.129.16 is a cloud's host seen from its guests."""
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
"""The only part that is given out. Mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96) and local addresses lie outside it."""
_SPECIAL_6 = tuple(
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
"""Teredo and other protocols', documentation, 6to4 (2002:7f00:1:: is 127.0.0.1), AS112."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The middle of an address whose last 32 bits are an IPv4 address to tunnel to (RFC 5214)."""


def is_public(text: str) -> bool:
    """Whether an address, as the resolver writes it, is public; False for what is no address, or has a zone."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in _SPECIAL_4)
    return (
        address.scope_id is None
        and address in _UNICAST_6
        and not any(address in block for block in _SPECIAL_6)
        and (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP
    )
