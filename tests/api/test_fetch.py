"""What is fetched, and all that an address of a request must not reach."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tls_host import Handler, certificate, listening, says

from assistant.api import fetch
from assistant.api.fetch import NotFetched, addresses_of, download, place_of
from assistant.api.options import Options
from retrieval.errors import BadInput

HOST = "data.example.org"
ALLOWED = Options(url_hosts=(HOST, "data.example.org:8443", "xn--donnes-dva.example.org"))
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://data.example.org/rows.csv", "/rows.csv"),
        ("HTTPS://DATA.example.org:443/a%20b.jsonl?x=1&y=%C3%A9", "/a%20b.jsonl?x=1&y=%C3%A9"),
        ("https://data.example.org:8443/", "/"),
        ("https://data.example.org", "/"),
        ("https://xn--donnes-dva.example.org/rows.csv", "/rows.csv"),
        ("https://data.example.org/@evil.example/x", "/@evil.example/x"),
    ],
)
def test_addresses_of_allowed_hosts(url: str, target: str) -> None:
    assert place_of(url, ALLOWED).target == target


CORPUS = [
    "", " ", "https://", "https:///", "https:data.example.org/", "https:/data.example.org/", "http://data.example.org/rows.csv",
    "ftp://data.example.org/", "file:///etc/passwd", "file://data.example.org/etc/passwd", "gopher://data.example.org/",
    "//data.example.org/rows.csv", "data.example.org/rows.csv", "HTTP://data.example.org/", "wss://data.example.org/",
    " https://data.example.org/", "https://data.example.org/ ", "https://data.example.org/\n", "https://data.example.org/a b",
    "https://data.example.org/\r\nHost: evil.example", "https://data.example.org/%0d%0a\r\n", "https://data.example.org\r\n/x",
    "https://data.example.org/\tx", "ht\ntps://data.example.org/", "https://data.example.org/\0", "https://data.example.org/\u00e9",
    "https://data.example.org#@evil.example/", "https://data.example.org/#x", "https://data.example.org\\@evil.example/",
    "https:\\\\data.example.org/", "https://data.example.org\\.evil.example/", "https://data.example.org/..\\..\\x",
    "https://user@data.example.org/", "https://user:pass@data.example.org/", "https://data.example.org@evil.example/",
    "https://data.example.org:443@evil.example/", "https://data.example.org%40evil.example/", "https://evil.example@data.example.org/",
    "https://@data.example.org/", "https://:@data.example.org/", "https://data.example.org:@evil.example/",
    "https://data.example.org./", "https://data.example.org../", "https://.data.example.org/", "https://data..example.org/",
    "https://data\u3002example\u3002org/", "https://data\uff0eexample\uff0eorg/", "https://data\uff61example.org/",
    "https://d\u0430ta.example.org/", "https://\uff44ata.example.org/", "https://data.example.\u24ea\u24e1\u24d6/", "https://donn\u00e9es.example.org/",
    "https://data%2eexample%2eorg/", "https://%64ata.example.org/", "https://data.example.org%00.evil.example/",
    "https://data.example.org%2f@evil.example/", "https://data.example.org;evil.example/", "https://data.example.org,evil.example/",
    "https://data.example.org:/", "https://data.example.org:0/", "https://data.example.org:80/", "https://data.example.org:22/",
    "https://data.example.org:99999/", "https://data.example.org:-1/", "https://data.example.org:443x/", "https://data.example.org:0443/",
    "https://data.example.org:8444/", "https://data.example.org:443:443/", "https://data.example.org:4\uff143/",
    "https://data.example.org: 443/",
    "https://evil.example/", "https://evil.example/data.example.org", "https://evil.example?data.example.org",
    "https://sub.data.example.org/", "https://data.example.org.evil.example/", "https://xdata.example.org/", "https://example.org/",
    "https://data.example.orgx/", "https://data-example.org/", "https://localhost/", "https://localhost.localdomain/", "https://ip6-localhost/",
    "https://127.0.0.1/", "https://127.0.0.1:5002/", "https://127.1/", "https://127.0.1/", "https://0/", "https://0.0.0.0/", "https://2130706433/",
    "https://017700000001/", "https://0177.0.0.1/", "https://0177.0.0.0x1/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0X7F.1/",
    "https://127.0.0.1.nip.io/", "https://localtest.me/", "https://lvh.me/", "https://4294967297/", "https://00000177.1/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/", "https://[2001:0:7f00:1::]/", "https://[fe80::1%25eth0]/", "https://[fd00:ec2::254]/", "https://[::1",
    "https://[::1]data.example.org/", "https://[data.example.org]/", "https://::1/", "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "https://169.254.169.254/latest/meta-data/", "https://2852039166/", "https://0xa9fea9fe/", "https://0251.0376.0251.0376/",
    "https://169.254.169.254.nip.io/", "https://192.0.0.192/opc/v2/", "https://100.100.100.200/", "https://168.63.129.16/",
    "https://metadata.google.internal/computeMetadata/v1/", "https://metadata/", "https://instance-data/", "https://metadata.azure.com/",
    "https://kubernetes.default.svc/", "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://8.8.8.8/",
    "https://data_.example.org/", "https://-data.example.org/", "https://data-.example.org/", "https://" + "a" * 64 + ".example.org/",
    "https://data.example.org/" + "a" * 3000, "https://*/", "https://*.example.org/", "https://${HOST}/", "https://<b>.example.org/",
    "url:https://data.example.org/", "jar:https://data.example.org/!/", "https://data.example.org/\u2028", "https://data.example.org/\x7f",
]  # fmt: skip


@pytest.mark.parametrize("url", CORPUS)
def test_any_other_address_is_refused_before_anything_is_resolved(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("resolved"))
    with pytest.raises(NotFetched):
        download(url, tmp_path, ALLOWED)
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_stands_around_it_only_the_allowed_host_is_reached(before: str, after: str) -> None:
    try:
        place = place_of(f"https://{before}data.example.org{after}", ALLOWED)
    except BadInput:
        return
    assert (place.host, place.port in (443, 8443)) == (HOST, True)
    assert place.target.startswith("/")
    assert place.target.isascii()
    assert place.target.isprintable()


def test_no_host_is_allowed_unless_it_was_named() -> None:
    with pytest.raises(NotFetched, match="not fetched from") as refused:
        place_of("https://data.example.org/", Options())
    assert "--allow-url-host data.example.org" in refused.value.hint


Resolve = Callable[..., None]


@pytest.fixture
def means(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Let the host's name mean these addresses, one list for each time it is asked."""
    real = socket.getaddrinfo

    def set_(*answers: Sequence[str]) -> None:
        left = list(answers)

        def fake(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
            if host != HOST:
                return real(host, port, *args, **kwargs)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

        monkeypatch.setattr(socket, "getaddrinfo", fake)

    return set_


INSIDE = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "192.0.0.192",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe",
]


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("others", [[], ["93.184.215.14"]])
def test_a_host_with_any_address_inside_is_refused(inside: str, others: list[str], means: Resolve) -> None:
    for addresses in ([inside, *others], [*others, inside]):
        means(addresses)
        with pytest.raises(NotFetched, match="not a host of the public internet") as refused:
            addresses_of(place_of(f"https://{HOST}/", ALLOWED))
        assert inside not in refused.value.message


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_connected_to(
    means: Resolve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reached = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    means(["93.184.215.14", "93.184.215.15"], ["127.0.0.1"])  # the second time, the name is rebound
    with pytest.raises(NotFetched, match="broke off"):
        download(f"https://{HOST}/rows.csv", tmp_path, ALLOWED)
    assert reached == [("93.184.215.14", 443), ("93.184.215.15", 443)]


def test_a_name_that_means_nothing(means: Resolve, monkeypatch: pytest.MonkeyPatch) -> None:
    means([])
    with pytest.raises(NotFetched):
        addresses_of(place_of(f"https://{HOST}/", ALLOWED))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror(-2, "x")))
    with pytest.raises(NotFetched, match="not known"):
        addresses_of(place_of(f"https://{HOST}/", ALLOWED))


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(HOST, tmp_path_factory.mktemp("tls"))


@pytest.fixture
def fetched(pem: Path, means: Resolve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Fetch a dataset from a host of this machine, which is taken for a public one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.1")

    def get(handle: Handler, target: str = "/rows.csv", most: int = 100_000, served: Path = pem) -> Path:
        means(["127.0.0.1"])
        with listening(served, handle) as port:
            options = Options(url_hosts=(f"{HOST}:{port}",), max_upload=most)
            return download(f"https://{HOST}:{port}{target}", tmp_path / "fetched", options)

    return get


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[None]:
    """Nothing is left of what was not fetched."""
    yield
    assert list((tmp_path / "fetched").iterdir()) == []


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\ntext\n\r\n3\r\nun\n\r\n0\r\n\r\n"


@pytest.mark.parametrize("response", [HEAD + b"Content-Length: 8\r\n\r\ntext\nun\n", CHUNKED, HEAD + b"\r\ntext\nun\n"])
def test_a_dataset_is_fetched_into_a_private_file(response: bytes, fetched: Callable[..., Path]) -> None:
    path = fetched(says(response))

    assert path.read_bytes() == b"text\nun\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.suffix == ".csv"


def test_the_file_is_not_named_by_the_address(fetched: Callable[..., Path]) -> None:
    path = fetched(says(HEAD + b"Content-Length: 1\r\n\r\nx"), "/..%2f..%2fetc/../../evil.sh?x=/../a.py")

    assert path.name.startswith("fetched-")
    assert path.suffix == ".txt"


BAD_ANSWERS = {
    "redirects": [b"HTTP/1.1 %d Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n" % status
                  for status in (301, 302, 303, 307, 308, 300, 304)],
    "status": [b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status for status in (201, 204, 206, 401, 404, 500)],
    "larger": [HEAD + b"Content-Length: 100001\r\n\r\nx", HEAD + b"\r\n" + b"x" * 100_001,
               HEAD + b"Content-Length: 99999999999999999999\r\n\r\nx",
               HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"ffff\r\n" + b"x" * 65535 + b"\r\n") * 2 + b"0\r\n\r\n"],
    "compressed": [HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"],
    "broke off": [HEAD + b"Content-Length: 100\r\n\r\nshort", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nte", b"", b"HTTP",
                  b"SSH-2.0-x\r\n", HEAD + b"X: " + b"x" * 70_000, HEAD + b"X: y\r\n" * 200 + b"\r\n",
                  HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n"],
}  # fmt: skip


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(("words", "response"), [(words, said) for words, all_ in BAD_ANSWERS.items() for said in all_])
def test_an_answer_that_is_no_dataset_is_refused(words: str, response: bytes, fetched: Callable[..., Path]) -> None:
    with pytest.raises(NotFetched, match=words):
        fetched(says(response))


@pytest.mark.usefixtures("empty")
def test_a_connection_that_is_cut_without_a_word_is_no_whole_dataset(fetched: Callable[..., Path]) -> None:
    def cut(tls: socket.socket) -> None:
        tls.sendall(HEAD + b"\r\ntext\nun\n")
        socket.socket.shutdown(tls, socket.SHUT_RDWR)  # as one in the middle would: TLS is not ended

    with pytest.raises(NotFetched, match="broke off"):
        fetched(cut)


@pytest.mark.usefixtures("empty")
def test_a_host_that_proves_to_be_another_is_refused(fetched: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(NotFetched, match="certificate"):
        fetched(says(HEAD), served=certificate("other.example.org", tmp_path))


@pytest.mark.usefixtures("empty")
def test_a_host_that_is_not_vouched_for_is_refused(
    fetched: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NotFetched, match="certificate"):
        fetched(says(HEAD))


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD + b"\r\n", HEAD + b"Content-Length: 900\r\n\r\n"]
)
def test_a_host_that_drips_is_left_at_the_deadline(
    start: bytes, fetched: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(tls: socket.socket) -> None:
        tls.sendall(start)
        while True:
            tls.sendall(b"x")
            time.sleep(0.02)

    monkeypatch.setattr(fetch, "SECONDS", 0.4)
    begun = time.monotonic()
    with pytest.raises(NotFetched, match="took too long"):
        fetched(drip)
    assert time.monotonic() - begun < 15


@pytest.mark.usefixtures("empty")
def test_a_host_that_says_nothing_is_left(fetched: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "STALL_SECONDS", 0.2)
    with pytest.raises(NotFetched, match="took too long"):
        fetched(lambda tls: time.sleep(1))


def test_the_environments_proxy_is_not_asked(fetched: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetched(says(HEAD + b"Content-Length: 1\r\n\r\nx")).read_bytes() == b"x"
