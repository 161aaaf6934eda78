"""The child that parses: requests come in on one pipe, documents go out on another, one frame each.

Started as `python -P -m retrieval.load.worker '{"seconds": 60, …}'`. What it reads was written by anybody, so it bounds
its own memory and life, and its parent believes nothing it says.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from retrieval.errors import ParseFailed
from retrieval.load import formats, frames
from retrieval.load.mail import eml
from retrieval.load.office import office
from retrieval.load.page import html, xml
from retrieval.load.pdf import pdf
from retrieval.load.records import json_file, json_lines
from retrieval.load.sheets import sheets
from retrieval.load.table import csv_rows
from retrieval.load.text import markdown, text
from retrieval.load.values import MB, Limits, Problem, Source
from retrieval.types import Document

Parser = Callable[[Source], Iterator[Document | Problem]]

PARSERS: dict[str, Parser] = {
    **dict.fromkeys(formats.MARKDOWN, markdown),
    **dict.fromkeys(formats.TEXT, text),
    **dict.fromkeys(formats.HTML, html),
    **dict.fromkeys(formats.XML, xml),
    **dict.fromkeys(formats.LINES, json_lines),
    **dict.fromkeys(formats.TABLES, csv_rows),
    **dict.fromkeys(formats.SHEETS, sheets),
    **dict.fromkeys(formats.OFFICE, office),
    ".pdf": pdf,
    ".json": json_file,
    ".eml": eml,
}


class Worker:
    """Answers requests until its parent goes away."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO, limits: Limits) -> None:
        self._requests, self._replies, self._limits = requests, replies, limits
        self._beaten = 0.0

    def run(self) -> None:
        self._send({"kind": "ready"}, flush=True)
        self._disarm()
        while (request := frames.read(self._requests, MB)) is not None:
            self._alarm()
            self._answer(Path(request["path"]))
            self._disarm()

    def _answer(self, path: Path) -> None:
        try:
            self._stream(path)
        except ParseFailed as error:
            self._fail(error.reason)
        except OSError as error:
            self._fail(f"cannot be read: {error.strerror or error}")
        except MemoryError:
            self._fail(f"needed more than {self._limits.memory_mb} MB of memory", last=True)
            sys.exit()  # what is left of the heap is not to be trusted with the next file
        except RecursionError:
            self._fail("nested too deeply")
        except Exception as error:  # noqa: BLE001  parsers raise anything on a damaged file: the one edge that says so
            what = " ".join(str(error).split())[:150]
            self._fail(f"damaged {path.suffix.lower()} file, or a bug of its parser: {type(error).__name__} {what}")
        else:
            self._send({"kind": "done"}, flush=True)

    def _stream(self, path: Path) -> None:
        _check_file(path)
        sent = 0
        for item in PARSERS[path.suffix.lower()](Source(path, self._limits, self._beat)):
            if isinstance(item, Problem):
                self._send({"kind": "problem", "reason": item.reason, "line": item.line})
                sent += 1
            elif item.text.strip() or item.fields_in_text:
                self._send({"kind": "document", **vars(item)})
                sent += 1
        if not sent:
            scan = " (a scan? OCR is not included)" if path.suffix.lower() == ".pdf" else ""
            raise ParseFailed(f"no text in it{scan}")

    def _fail(self, reason: str, last: bool = False) -> None:
        self._send({"kind": "failed", "reason": reason, "last": last}, flush=True)

    def _beat(self) -> None:
        """A sign of life, at most one a second."""
        if time.monotonic() - self._beaten >= 1:
            self._beaten = time.monotonic()
            self._send({"kind": "alive"}, flush=True)

    def _send(self, message: dict[str, Any], flush: bool = False) -> None:
        frame = frames.encode(message)
        if len(frame) > self._limits.frame_bytes:
            raise ParseFailed(f"holds more than {self._limits.frame_bytes // MB} MB of text in one piece")
        self._disarm()  # a parent that is slow to read is no reason to die
        self._replies.write(frame)
        if flush:
            self._replies.flush()
        self._alarm()

    def _alarm(self) -> None:
        """Die a little after the parent would have killed us: it may be dead itself, and we stuck in C code."""
        if sys.platform != "win32":
            import signal

            signal.setitimer(signal.ITIMER_REAL, self._limits.seconds + 5)

    def _disarm(self) -> None:
        if sys.platform != "win32":
            import signal

            signal.setitimer(signal.ITIMER_REAL, 0)


def _check_file(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer forever
        raise ParseFailed("not a regular file")
    if not status.st_size:
        raise ParseFailed("an empty file")


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes to ourselves: a library that prints must not write into the protocol, nor read from it."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return requests, replies


def _bound(limits: Limits) -> None:
    """Bound our memory, and leave no core file with somebody's document in it (not on Windows)."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_mb * MB,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    requests, replies = _take_pipes()
    warnings.simplefilter("ignore")
    _bound(limits)
    try:
        Worker(requests, replies, limits).run()
    except BrokenPipeError:  # the parent is gone
        os._exit(0)


if __name__ == "__main__":
    main()
