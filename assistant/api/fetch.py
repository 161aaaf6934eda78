"""A dataset named by an address in a request: fetched from an allow-listed host, and from nowhere that it could lead to.

The name is resolved once, every address it has must be public, and the connection goes to one of those that were
checked: a name that means something else a moment later (DNS rebinding) leads nowhere. TLS proves that the host is the
named one. Redirects are not followed. One deadline holds for all of it.
"""

from __future__ import annotations

import http.client
import os
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from assistant.api.addresses import is_public
from assistant.api.dataset_paths import ENDINGS
from retrieval.errors import BadInput
from retrieval.files import disk_errors, private_folder

if TYPE_CHECKING:
    from assistant.api.options import Options

SECONDS = 300.0
"""Longest a dataset may take to come, from the first packet to the last byte."""
CONNECT_SECONDS = 10.0
STALL_SECONDS = 30.0
"""Longest that nothing may come."""
LONGEST = 2_000
_BLOCK = 1 << 16
_URL = re.compile(
    r"https://(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<target>/[!-\"$-\[\]-~]*)?",
    re.IGNORECASE,
)
"""Whatever two programs could read differently is left out: user names, numbers for hosts, escapes and other scripts in
the name, backslashes, spaces, fragments."""
_FORM = "Write https://HOST/PATH, with characters other than ASCII as %XX, and without a user name."


class NotFetched(BadInput):
    """An address that is not allowed, or what is there cannot be had."""


class Place(NamedTuple):
    """A checked address of a dataset."""

    host: str
    port: int
    target: str
    """Path and query."""


def download(url: str, folder: Path, options: Options) -> Path:
    """Fetch a dataset into a private file with a name of its own in `folder`. Raises NotFetched, NoSpace, NoAccess."""
    place = place_of(url, options)
    path = private_folder(folder) / f"fetched-{secrets.token_hex(8)}{_ending(place.target)}"
    deadline = time.monotonic() + SECONDS
    try:
        with disk_errors(path), open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for data in _body(place, options.max_upload, deadline):
                file.write(data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def place_of(url: str, options: Options) -> Place:
    """The parts of an address whose host is allowed. Raises NotFetched."""
    found = _URL.fullmatch(url) if len(url) <= LONGEST else None
    if found is None:
        raise NotFetched("The address of the dataset is not one that is fetched.", _FORM)
    host, port = found["host"].lower(), int(found["port"] or 443)
    if (host if port == 443 else f"{host}:{port}") not in options.url_hosts:
        hint = f"Start the server with --allow-url-host {host}, or put the file under data/."
        raise NotFetched(f"Datasets are not fetched from {host}.", hint)
    return Place(host, port, found["target"] or "/")


def addresses_of(place: Place) -> list[str]:
    """What a host's name means now, all of it public. Raises NotFetched."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotFetched(f"{place.host} is not known to the resolver.", "Check the address.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(map(is_public, addresses)):
        raise NotFetched(f"{place.host} is not a host of the public internet.", "Put the file under data/ instead.")
    return addresses


def _body(place: Place, most: int, deadline: float) -> Iterator[bytes]:
    """What lies at a place, in pieces. Raises NotFetched."""
    connection = http.client.HTTPSConnection(place.host, place.port)
    try:
        with _connected(place, deadline) as connection.sock:
            headers = {"Accept-Encoding": "identity", "User-Agent": "dyag", "Connection": "close"}
            connection.request("GET", place.target, headers=headers)
            with connection.getresponse() as response:
                yield from _checked(response, place, most)
        if time.monotonic() >= deadline:  # an end without a length may be the deadline's
            raise TimeoutError
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
            raise NotFetched(f"{place.host} took too long.", "Try again, or put the file under data/.") from error
        reason = "its certificate is not right" if isinstance(error, ssl.SSLCertVerificationError) else "it broke off"
        raise NotFetched(f"{place.host} did not send the dataset: {reason}.", "Check the address.") from error


def _checked(response: http.client.HTTPResponse, place: Place, most: int) -> Iterator[bytes]:
    """The body of a response that is what was asked for, and no larger than `most` bytes."""
    if 300 <= response.status < 400:
        raise NotFetched(f"{place.host} redirects to another address.", "Name the address of the file itself.")
    if response.status != 200:
        raise NotFetched(f"{place.host} answered with status {response.status}.", "Check the address.")
    if response.getheader("Content-Encoding", "identity").strip().lower() != "identity":
        raise NotFetched(f"{place.host} sent the dataset compressed.", "Offer it as it is.")
    length, came = response.length, 0
    while came <= most and (length or 0) <= most and (data := response.read1(_BLOCK)):
        came += len(data)
        yield data
    if max(came, length or 0) > most:
        raise NotFetched(f"The dataset is larger than {most:,} bytes.", "Split it, or raise serve.max_upload_mb.")
    if length is not None and came < length:
        raise http.client.IncompleteRead(b"", length - came)


@contextmanager
def _connected(place: Place, deadline: float) -> Iterator[ssl.SSLSocket]:
    """A connection to one of a host's checked addresses, which proved to be the host; it is cut at the deadline."""
    raw = _reached(addresses_of(place), place.port, deadline)
    try:
        # A body without a length ends with the connection: that must be the host's doing.
        tls = ssl.create_default_context().wrap_socket(
            raw, server_hostname=place.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
    except BaseException:
        raw.close()
        raise
    # A timeout of the socket begins anew with every byte.
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [tls])
    timer.daemon = True
    with tls:
        timer.start()
        try:
            tls.do_handshake()
            yield tls
        finally:
            timer.cancel()
            timer.join()


def _reached(addresses: list[str], port: int, deadline: float) -> socket.socket:
    """A connection to the first of these addresses that answers. Raises OSError."""
    for address in addresses[:-1]:
        try:
            return _connection(address, port, deadline)
        except OSError:
            continue
    return _connection(addresses[-1], port, deadline)


def _connection(address: str, port: int, deadline: float) -> socket.socket:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    made = socket.create_connection((address, port), min(CONNECT_SECONDS, left))
    made.settimeout(STALL_SECONDS)
    return made


def _cut(tls: ssl.SSLSocket) -> None:
    """Wake whoever reads from a connection: for them it has ended."""
    try:
        # Not SSLSocket's own, which would have them read on without TLS.
        socket.socket.shutdown(tls, socket.SHUT_RDWR)
    except OSError:  # it has ended by itself
        pass


def _ending(target: str) -> str:
    ending = Path(target.partition("?")[0]).suffix.lower()
    return ending if ending in ENDINGS else ".txt"
