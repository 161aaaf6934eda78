"""The two suites as they are started: `pytest tests/performance --model …`, alone and by several workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-p", "no:randomly", *words]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Cases of which a scripted model knows one of two."""
    rows = [
        {"question": "Which licence does Corvid have?", "answer": "MIT"},
        {"question": "Who wrote it?", "answer": "Ada"},
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "script.jsonl").write_text('{"match": ".", "text": "MIT"}')
    return tmp_path


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "by two workers"])
def test_a_model_is_measured_against_the_minimum(workspace: Path, workers: tuple[str, ...]) -> None:
    file = str(TESTS / "performance" / "test_model_accuracy.py")
    asked = ("--model", "fake:script.jsonl", "--cases", "cases.jsonl", "-k", "answers_as")
    good = run(workspace, file, *asked, "--minimum", ".5", *workers)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "1 passed" in good.stdout
    bad = run(workspace, *asked, "--minimum=.6", file, *workers)
    assert bad.returncode == 1
    assert "0.500 of 2 answers are right, 0.6 were asked for" in bad.stdout


def test_the_general_suite_asks_for_a_share_and_for_a_base(workspace: Path) -> None:
    folder = str(TESTS / "regression")
    done = run(workspace, folder, "--model", "fake:script.jsonl", "--minimum", ".1", "-k", "enough or forgot_nothing")
    assert done.returncode == 1
    assert "0.000 of 144 general cases are right" in done.stdout
    assert "Name the model before its training: --base" in done.stdout


def test_without_a_model_the_suites_say_what_to_type(workspace: Path) -> None:
    done = run(workspace, str(TESTS / "performance"), str(TESTS / "regression"), "-k", "not run_is_compared")
    assert done.returncode == 0
    assert "pytest tests/performance --model run:ID --cases FILE" in done.stdout
    assert "pytest tests/regression --model run:ID" in done.stdout
