"""Uploads to an Ollama in processes of their own, to be killed: python ollama_child.py URL FILE DIGEST STEP…

Each process dies, as kill -9 does, after so many blocks were sent; after 0, when all was sent and the model is to be made.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    import httpx  # noqa: F401

    from finetune.export import ollama_server
    from finetune.export.ollama_server import Server

    url, file, digest, *steps = sys.argv[1:]
    ollama_server.BLOCK = 16_384
    for step in map(int, steps):
        if not (pid := os.fork()):
            told: list[str] = []

            def say(text: str, told: list[str] = told, step: int = step) -> None:
                told.append(text)
                if len(told) == step:
                    os.kill(os.getpid(), signal.SIGKILL)

            Server(url).send(Path(file), digest, say)
            os.kill(os.getpid(), signal.SIGKILL)
        if not os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
            sys.exit(f"{step}: the upload was not killed")


if __name__ == "__main__":
    main()
