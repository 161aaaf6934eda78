"""Lines of a file of any size, numbered, decoded, and never longer than the limit."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO, NamedTuple

from retrieval.load.encoding import detect
from retrieval.load.values import MB, Source

_BLOCK = 1 << 20


class Line(NamedTuple):
    """One line; `too_long` tells the size of one that was skipped instead of read."""

    number: int
    text: str
    too_long: str = ""


def lines(source: Source) -> Iterator[Line]:
    """Stream the lines of a text file; ParseFailed when it is not text."""
    most = source.limits.line_mb * MB
    with source.path.open(encoding=codec_of(source), errors="replace", newline="") as file:
        number = 0
        while text := file.readline(most + 1):
            number += 1
            if len(text) <= most:
                yield Line(number, text.replace("\0", ""))
                continue
            yield Line(number, "", f"{(len(text) + _skip(file, text)) / MB:.1f} MB")
            source.alive()


def _skip(file: IO[str], text: str) -> int:
    """Read on to the end of a line without keeping it; the number of characters skipped."""
    skipped = 0
    while not text.endswith("\n") and (text := file.readline(_BLOCK)):
        skipped += len(text)
    return skipped


def codec_of(source: Source) -> str:
    """The codec of a file, found without holding it: its start, and the first block that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.path.open("rb") as file:
        first = before = file.read(_BLOCK)
        if (codec := detect(_whole_lines(first))) != "utf-8":
            return codec
        block = first
        while block:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                return detect(_whole_lines(before + block) if before is not block else _whole_lines(block))
            source.alive()
            before, block = block, file.read(_BLOCK)
    return "utf-8"


def _whole_lines(block: bytes) -> bytes:
    """Without the last, cut line, which may end inside a character."""
    return block[: block.rfind(b"\n") + 1] or block
