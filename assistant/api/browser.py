"""Whether a request may come from where it comes: what a page of another site makes a browser send is refused.

A server without a token trusts every program of this machine. A browser is such a program, and it sends what any page
tells it to: a form, or, once a name is made to mean this machine (DNS rebinding), anything. Three headers that a page
cannot set tell: `Host` (the name that the page was reached by), `Origin` and `Sec-Fetch-Site`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from assistant.api.options import Options

Headers = Mapping[bytes, Sequence[bytes]]
"""Values by name in lower case."""
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9._-]{0,252}))(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT = {"http": "80", "https": "443"}


def is_loopback(host: str) -> bool:
    """Whether a host to bind, or one in a request, can only be this machine."""
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def host_fault(headers: Headers, options: Options) -> str:
    """Why a request's `Host` is not one of this server's; empty when it is."""
    named = _HOST.fullmatch(_only(headers, b"host").lower())
    if named is None:
        return "The request names no host, or not in a form that is understood."
    name = named["name"].strip("[]").removesuffix(".")
    if is_loopback(name) or name in {host.lower() for host in (options.host.strip("[]"), *options.hosts)}:
        return ""
    # A name can be made to mean this machine; a number means itself.
    if is_wildcard(options.host) and _address(name) is not None:
        return ""
    return "This server does not answer to the host that the request names."


def origin_fault(headers: Headers, options: Options) -> str:
    """Why a request comes from another site's page; empty when it does not, or from no browser."""
    site = headers.get(b"sec-fetch-site", ())
    if any(value.strip().lower() not in (b"same-origin", b"none") for value in site):
        return "A page of another site may not send requests here."
    if b"origin" not in headers:
        return ""
    origin, host = _only(headers, b"origin").lower(), _only(headers, b"host").lower()
    place = _place(origin)
    if place and (place == _without_default(host, origin) or place in {name.lower() for name in options.hosts}):
        return ""
    return "A page of another origin may not send requests here."


def is_wildcard(host: str) -> bool:
    """Whether a server bound to `host` listens on every address of the machine."""
    address = _address(host.strip("[]"))
    return not host or (address is not None and address.is_unspecified)


def _place(origin: str) -> str:
    """`name:port` of an origin, without the port that its scheme implies; empty for `null` and what is no web origin."""
    try:
        parts = urlsplit(origin)
        plain = f"{parts.scheme}://{parts.netloc}" == origin and parts.scheme in _DEFAULT
    except ValueError:
        return ""
    return _without_default(parts.netloc, origin) if plain and _HOST.fullmatch(parts.netloc) else ""


def _without_default(host: str, origin: str) -> str:
    return host.removesuffix(f":{_DEFAULT[origin.partition('://')[0]]}")


def _only(headers: Headers, name: bytes) -> str:
    """The value of a header that is there once; else empty."""
    values = headers.get(name, ())
    return values[0].decode("latin-1").strip() if len(values) == 1 else ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
