"""A parsing process that misbehaves for real: the first word of a .txt file says how."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator

from retrieval.load import worker
from retrieval.load.values import MB, Problem, Source
from retrieval.types import Document


def misbehave(source: Source) -> Iterator[Document | Problem]:
    word = source.path.read_text().split()[0]
    if word == "hang":
        time.sleep(600)
    elif word == "trickle":
        for _ in range(8):
            time.sleep(0.4)
            source.alive()
    elif word == "eat":
        eaten = [bytearray(64 * MB) for _ in range(1000)]
        del eaten
    elif word == "segfault":
        ctypes.string_at(0)
    elif word == "exit":
        os._exit(3)
    elif word == "print":
        print("noise on standard output", flush=True)
        os.write(1, b"more noise")
        sys.stderr.write("and on the other")
        assert sys.stdin.read() == ""
    elif word == "large":
        yield Document("x" * (20 * MB))
    elif word == "half":
        yield Document("the first half")
        os.abort()
    elif word == "many":
        yield from (Document(f"{number}") for number in range(100_000))
    elif word == "bug":
        raise KeyError("somewhere inside")
    yield Document(word, metadata={"pid": os.getpid()})


worker.PARSERS[".txt"] = misbehave
worker.main()
