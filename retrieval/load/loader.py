"""Parse files in a child process that can hang, crash or run out of memory without taking us along.

with Loader() as loader:
    for item in loader.load(path):      # ParseFailed when the file as a whole cannot be read
        ...                             # a Document, or a Problem with one record of it
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from retrieval.errors import ParseFailed
from retrieval.load.child import Child, Died
from retrieval.load.formats import SUPPORTED, unsupported_reason
from retrieval.load.values import Limits, Problem
from retrieval.types import Document

__all__ = ["SUPPORTED", "Limits", "Loader", "Problem", "unsupported_reason"]

# -P: a folder called `eval` or `json` where the user stands must not shadow a package.
WORKER = (sys.executable, "-P", "-m", "retrieval.load.worker")
_FILES_PER_CHILD = 1000  # parsers leak; starting afresh costs a tenth of a second


class Loader:
    """Loads one file at a time; starts its child at the first and keeps it for the next ones."""

    def __init__(self, limits: Limits | None = None, command: Sequence[str] = WORKER) -> None:
        self._limits = limits or Limits()
        self._command = command
        self._child: Child | None = None
        self._files = 0
        self._busy = False

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child; the next load starts another."""
        if self._child is not None:
            self._child.close()
        self._child = None

    def load(self, path: Path) -> Iterator[Document | Problem]:
        """Yield what is in a file as it is parsed; ParseFailed, possibly after some documents, when it cannot be."""
        if reason := unsupported_reason(path):
            raise ParseFailed(reason)
        if self._busy:
            raise RuntimeError("a Loader loads one file at a time: finish or close the other one first")
        self._busy, done = True, False
        try:
            child = self._ready()
            child.send({"kind": "load", "path": os.path.abspath(path)})
            while (message := child.read())["kind"] != "done":
                if message["kind"] == "failed":
                    done = not message.get("last")
                    raise ParseFailed(_text(message, "reason"))
                if message["kind"] != "alive":
                    yield _item(message)
            done = True
        except Died as error:
            raise ParseFailed(error.reason) from None
        finally:
            self._busy = False
            if not done:  # dead, or still sending what nobody reads any more
                self.close()

    def _ready(self) -> Child:
        if self._child is not None and (self._files >= _FILES_PER_CHILD or not self._child.alive()):
            self.close()
        if self._child is None:
            self._child, self._files = Child(self._command, self._limits), 0
        self._files += 1
        return self._child


def _item(message: dict[str, Any]) -> Document | Problem:
    """A message as a value; the child is not trusted to send the right types."""
    if message["kind"] == "problem":
        line = message.get("line")
        return Problem(_text(message, "reason"), line if isinstance(line, int) else None)
    metadata = message.get("metadata")
    if message["kind"] != "document" or not isinstance(metadata, dict):
        raise Died("the parser sent something unreadable")
    return Document(
        _text(message, "text"), _text(message, "title"), _text(message, "external_id"), metadata,
        fields_in_text=message.get("fields_in_text") is True, atomic=message.get("atomic") is True,
    )  # fmt: skip


def _text(message: dict[str, Any], key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str):
        raise Died("the parser sent something unreadable")
    return value
