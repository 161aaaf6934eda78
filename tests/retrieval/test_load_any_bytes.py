"""Whatever a file holds, loading it gives documents and problems or one ParseFailed, and never kills the child."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.errors import ParseFailed
from retrieval.load.loader import Limits, Loader, Problem
from retrieval.types import Document

BROKEN = ("crashed", "killed", "stopped", "unreadable", "longer than")


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with Loader(Limits(seconds=20)) as loader:
        yield loader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


def items(loader: Loader, path: Path, data: bytes) -> list[Document | Problem]:
    path.write_bytes(data)
    try:
        return list(loader.load(path))
    except ParseFailed as error:
        return [Problem(error.reason)]


def check(found: list[Document | Problem]) -> None:
    """Everything that comes out can be stored: encodable text without NULs, metadata that is JSON."""
    for item in found:
        if isinstance(item, Document):
            for text in (item.text, item.title, item.external_id):
                assert "\0" not in text
                text.encode("utf-8")
            json.dumps(item.metadata, allow_nan=False).encode("utf-8")
        else:
            assert item.reason
            assert not any(word in item.reason for word in BROKEN), item.reason


def looks_like(alphabet: str, *pieces: str) -> st.SearchStrategy[bytes]:
    """Bytes of any kind, or pieces of a format in any order."""
    words = st.lists(st.sampled_from([*alphabet, *pieces]), max_size=40)
    return st.one_of(st.binary(max_size=400), words.map(lambda parts: "".join(parts).encode("utf-8")))


def records() -> st.SearchStrategy[bytes]:
    """Lines of valid JSON under the names that mean something, with any characters and any types."""
    text = st.text(st.characters(exclude_categories=()), max_size=8)
    leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text)
    value = st.recursive(leaf, lambda inner: st.one_of(st.lists(inner), st.dictionaries(text, inner)), max_leaves=5)
    keys = st.sampled_from(["id", "_id", "text", "content", "title", "metadata", "chunks", "messages"])
    rows = st.lists(st.one_of(st.dictionaries(keys, value, max_size=4), value), min_size=1, max_size=3)
    return rows.map(lambda rows: "\n".join(map(json.dumps, rows)).encode())


JSON = looks_like('{}[]":,\n\\-0aé', '{"id":1,"text":"a"}\n', '"text":', '"content":"é"', "NaN", "1e999", '"\\ud800"',
                  '"\\u0000"', '"metadata":{"a":', "null", '{"_id":"2","title":"t","text":"u"}\n')  # fmt: skip
MARKDOWN = looks_like("-:#&*!<>|'\"é \n\r", "---\n", "title: ", "date: 2024-01-01\n", "a: &a [*a]\n", "<!--", "-->",
                      "!!binary aGk=", "!!timestamp 2024-13-45", "? ", "<<: *a\n", "```\n", "===\n")  # fmt: skip
CSV = looks_like(';,|\t"\n\ré\x00', "id;nom\n", '"a";"b"\n', "1;2;3\n", "\ufeff")
EML = looks_like(": ;=\"<>?\r\n@é", "Subject: ", "From: ", "Content-Type: ", "multipart/mixed; boundary=x", "\n--x\n",
                 "text/html", "; charset=", "utf-7", "=?utf-8?b?w6k=?=", "Content-Transfer-Encoding: base64\n",
                 "\n\n", "Date: Mon, 1 Jan 2024\n")  # fmt: skip
PAGE = looks_like("<>&/!;é \n", "<p>", "</p>", "<table><tr><td>", "<main>", "<a href=", '"javascript:x"', "<title>",
                  "<!DOCTYPE", "&#55296;", "&#0;", "<![CDATA[", "<header>", "<nav>", "<ul><li>", "<pre>")  # fmt: skip

few = settings(max_examples=100, deadline=None, database=None)


@few
@given(data=st.one_of(JSON, records()))
@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.ipynb"])
def test_json(loader: Loader, folder: Path, name: str, data: bytes) -> None:
    check(items(loader, folder / name, data))


@few
@given(data=MARKDOWN)
@pytest.mark.parametrize("name", ["x.md", "x.txt"])
def test_text(loader: Loader, folder: Path, name: str, data: bytes) -> None:
    check(items(loader, folder / name, data))


@few
@given(data=CSV)
def test_csv(loader: Loader, folder: Path, data: bytes) -> None:
    check(items(loader, folder / "x.csv", data))


@few
@given(data=EML)
def test_mail(loader: Loader, folder: Path, data: bytes) -> None:
    check(items(loader, folder / "x.eml", data))


@few
@given(data=PAGE)
@pytest.mark.parametrize("name", ["x.html", "x.xml"])
def test_pages(loader: Loader, folder: Path, name: str, data: bytes) -> None:
    check(items(loader, folder / name, data))


@settings(max_examples=30, deadline=None, database=None)
@given(
    data=st.binary(max_size=300),
    head=st.sampled_from([b"", b"PK\x03\x04", b"%PDF-1.4\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]),
)
@pytest.mark.parametrize("suffix", ["pdf", "docx", "pptx", "xlsx", "xls", "epub", "msg"])
def test_binary_formats(loader: Loader, folder: Path, suffix: str, head: bytes, data: bytes) -> None:
    check(items(loader, folder / f"x.{suffix}", head + data))
