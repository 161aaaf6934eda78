"""Lines of a training file of any size: numbered, decoded, never longer than the limit."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from finetune.formats.problems import Fault
from retrieval.errors import BadInput, NotFound

MOST = 10_000_000
"""Bytes of one row; a model reads far less."""
_BLOCK = 1 << 20
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_AS_UTF8 = "Save the file as UTF-8, for example with `iconv -f cp1252 -t utf-8 FILE`."


class Line(NamedTuple):
    """A line without its end, or why it cannot be read."""

    number: int
    text: str
    fault: Fault | None = None


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A training file, for reading. Raises NotFound, BadInput."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Name a file of training rows in it: .jsonl, .json or .csv.")
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(
            f"There is no file {path}.", "Check the path; a dataset has files X_train, X_val, X_test."
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Mend its permissions.") from error
    with file:
        yield file


def lines(path: Path) -> Iterator[Line]:
    """Every line. Raises NotFound, BadInput."""
    with opened(path) as file:
        number = 0
        while data := file.readline(MOST + 2):
            number += 1
            if number == 1 and data.startswith(_WIDE):
                yield Line(1, "", Fault("not UTF-8", "it is UTF-16", "Save the file as UTF-8."))
                return
            if len(data) > MOST and not data.endswith(b"\n"):
                yield Line(number, "", too_long(len(data) + _skip(file)))
            else:
                yield _decoded(number, data.removeprefix(codecs.BOM_UTF8) if number == 1 else data)


def too_long(size: int) -> Fault:
    """The fault of a row of so many bytes."""
    limit = f"{size / 1e6:.0f} MB, the limit is {MOST / 1e6:.0f} MB"
    return Fault("row too long", limit, "Cut it into several rows; no model reads that much at once.")


def not_utf8(error: UnicodeDecodeError) -> Fault:
    """The fault of bytes that are no text."""
    return Fault("not UTF-8", f"byte {error.object[error.start]:#04x} at position {error.start + 1}", _AS_UTF8)


def _decoded(number: int, data: bytes) -> Line:
    try:
        text = data.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        return Line(number, "", not_utf8(error))
    if "\0" in text:
        at = f"position {text.index(chr(0)) + 1}"
        return Line(number, "", Fault("NUL byte", at, "The file is damaged or no text: write it again."))
    return Line(number, text)


def _skip(file: IO[bytes]) -> int:
    """Read on to the end of a line without keeping it; the bytes skipped."""
    start = file.tell()
    while (data := file.readline(_BLOCK)) and not data.endswith(b"\n"):
        pass
    return file.tell() - start
