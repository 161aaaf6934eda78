"""Copies of a run in processes of their own, to be killed: python storage_child.py push|pull RUN-OR-URL URL-OR-FOLDER BLOCK STEP…

Each process dies, as kill -9 does, after so many blocks were read, written or hashed. One imports the library and forks.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def copy(what: str, source: str, target: str, die_at: int) -> None:
    from finetune.export import storage

    steps = 0

    def tick(_: str, done: int, size: int) -> None:
        nonlocal steps
        steps += 1
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    if what == "push":
        storage.push(Path(source), target, tick)
    else:
        storage.pull(source, lambda run: Path(target) / run, tick)


def main() -> None:
    import fsspec  # noqa: F401

    from finetune.export import place, storage

    what, source, target, block, *steps = sys.argv[1:]
    place.BLOCK = storage.BLOCK = int(block)
    for step in map(int, steps):
        if not (pid := os.fork()):
            copy(what, source, target, step)
            os._exit(3)
        if not os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
            sys.exit(f"{step}: the copy was not killed")


if __name__ == "__main__":
    main()
