"""The items of a JSON list of any size, one at a time: cut at the commas between them, then parsed by whoever reads.

`[{"messages": …}, {"messages": …}]` on one line or on many, as `json.dump(rows, file)` writes it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from finetune.formats.lines import MOST, not_utf8, opened, too_long
from finetune.formats.problems import Fault, Problem

_BLOCK = 1 << 16
_TOKEN = re.compile(r'\\.|["\[\]{},]', re.DOTALL)
_UNCLOSED = Fault("list not closed", "the file ends inside it", "The file was cut off: write it again.")


class Item(NamedTuple):
    """The text of an item, which one it is (from 1), and the line it begins on."""

    number: int
    line: int
    text: str


class _Cutter:
    """Cuts what comes in blocks; keeps the item it is in."""

    def __init__(self) -> None:
        self.depth = 0
        self.closed = False
        self.size = 0
        self._in_string = False
        self._parts: list[str] = []
        self._line = 1
        self.number = 0

    def feed(self, block: str) -> Iterator[Item]:
        """The items that end in this block."""
        start = 0
        for token in _TOKEN.finditer(block):
            sign = token[0]
            if sign == '"':
                self._in_string = not self._in_string
            elif not self._in_string and len(sign) == 1:
                ends = self.depth == 1 and sign in ",]"
                begins = self.depth == 0 and sign == "["
                self.depth += (sign in "[{") - (sign in "]}")
                if ends or begins:
                    item = self._cut(block[start : token.start()])
                    start = token.end()
                    self.closed = self.closed or (ends and sign == "]")
                    if ends and not (self.closed and not item.text):
                        yield item
        self._keep(block[start:])

    def rest(self) -> Item:
        """What stands after the list."""
        return self._cut("")

    def _keep(self, text: str) -> None:
        self._parts.append(text)
        self.size += len(text)

    def _cut(self, text: str) -> Item:
        self._keep(text)
        raw, self._parts, self.size = "".join(self._parts), [], 0
        bare = raw.lstrip()
        line = self._line + raw.count("\n", 0, len(raw) - len(bare))
        self._line += raw.count("\n")
        self.number += 1
        return Item(self.number - 1, line, bare.rstrip())


def items(path: Path) -> Iterator[Item | Problem]:
    """The items of the list that a file holds, then what is wrong with the list. Raises NotFound, BadInput."""
    cutter = _Cutter()
    with opened(path) as file:
        try:
            for block in _blocks(file):
                yield from cutter.feed(block)
                if cutter.size > MOST:
                    yield Problem(cutter.number, too_long(cutter.size))
                    return
        except UnicodeDecodeError as error:
            yield Problem(cutter.number, not_utf8(error))
            return
    after = cutter.rest()
    if not cutter.closed:
        yield Problem(after.number, _UNCLOSED)
    elif after.text:
        fix = "A JSON file holds one list; write one object a line (JSONL) to append to it."
        yield Problem(after.number, Fault("text after the list", after.text[:40], fix))


def _blocks(file: IO[bytes]) -> Iterator[str]:
    """Blocks of text, none of which ends within an escape. Raises UnicodeDecodeError after the text before it."""
    decoder, held, data = codecs.getincrementaldecoder("utf-8-sig")(), "", b"first"
    while data:
        data = file.read(_BLOCK)
        try:
            text = held + decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            yield held + error.object[: error.start].decode("utf-8-sig")
            raise
        cut = len(text.rstrip("\\"))
        held = text[cut:]
        yield text[:cut]
    yield held
