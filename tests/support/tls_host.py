"""A host that speaks TLS on this machine, with a certificate made for the test; it says what it is told to."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

Handler = Callable[[socket.socket], None]


def certificate(name: str, folder: Path) -> Path:
    """A PEM file of a key and the certificate of a name, which also vouches for itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    path = folder / f"{name}.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    return path


@contextmanager
def listening(pem: Path, handle: Handler) -> Iterator[int]:
    """The port of a host that hands its first connection, once the head of a request came, to `handle`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def serve() -> None:
        with suppress(OSError):  # a client that goes away is what some tests are about
            raw, _ = listener.accept()
            raw.settimeout(30)
            with raw, context.wrap_socket(raw, server_side=True) as tls:
                while b"\r\n\r\n" not in heads[0]:
                    heads[0] += tls.recv(4096) or b"\r\n\r\n"
                handle(tls)

    heads = [b""]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes an accept that nobody came to
            thread.join(30)


def says(text: bytes) -> Handler:
    """Send this, and end the connection as TLS wants it."""

    def handle(tls: socket.socket) -> None:
        tls.sendall(text)
        assert isinstance(tls, ssl.SSLSocket)
        tls.unwrap()

    return handle
