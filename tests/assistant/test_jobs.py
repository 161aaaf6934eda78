"""Jobs of a chat: how they end, and one whose files somebody has cleared away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.jobs import Job


def job(folder: Path) -> Job:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(60)
    return Job(1, "index docs", process, folder / "1.log")


def test_what_a_job_says_and_prints(tmp_path: Path) -> None:
    (tmp_path / "1.log").write_bytes(b"embedding: 1/2\rembedding: 2/2 \xff\n\n")
    (tmp_path / "1.out").write_text("done")
    made = job(tmp_path)
    assert (made.running, made.state, made.result) == (False, "done", "done")


@pytest.mark.skipif(os.name == "nt", reason="a process that is ended there has an exit code like any other")
def test_a_job_that_was_told_to_stop_has_not_failed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process.terminate()
    process.wait(60)
    assert Job(1, "index docs", process, tmp_path / "1.log").state == "stopped"


def test_a_job_without_its_files_does_not_end_the_chat(tmp_path: Path) -> None:
    made = job(tmp_path / "cleared")
    assert (made.state, made.result) == ("done", "")
