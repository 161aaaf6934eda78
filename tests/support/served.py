"""`dyag serve` in a process of its own, on a port that is free."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import CHEAP_ENVIRON

ENVIRON = {**CHEAP_ENVIRON, "PYTHONPATH": f"{CHEAP_ENVIRON['PYTHONPATH']}{os.pathsep}{Path(__file__).parents[2]}"}
"""The cheap embedder, and the checkout whose tests these are, whatever is installed."""
LIMIT = 60.0
"""Seconds that a process has to begin and to end."""


@dataclass
class Served:
    """A server that runs; `log` is complete once it has ended."""

    url: str
    process: subprocess.Popen[str]
    logged: Path

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop, and wait; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(LIMIT)

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.logged.read_text(encoding="utf-8").splitlines()]


@contextmanager
def serving(home: Path, *argv: str, environ: Mapping[str, str] = ENVIRON) -> Iterator[Served]:
    """A server of this workspace with the cheap embedder; ended, however the test ends."""
    logged = home / "serve.log"
    words = [sys.executable, "-P", "-m", "assistant.cli", "--home", str(home), "serve", "--port", "0", "--json", *argv]
    with (
        logged.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **environ}
        ) as process,
    ):
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line, logged.read_text(encoding="utf-8")
            yield Served(json.loads(line)["url"], process, logged)
        finally:
            process.kill()
