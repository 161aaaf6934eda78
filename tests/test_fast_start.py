"""A command loads what it needs: no training library to answer a question, nothing at all at import time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import CHEAP_ENVIRON, indexed_sheets

PACKAGES = ("assistant", "retrieval", "eval", "finetune")
HEAVY = {
    "torch", "transformers", "sentence_transformers", "trl", "peft", "chromadb", "openai", "matplotlib", "pandas",
    "markitdown",
}  # fmt: skip
COMMAND = """
import json, sys
from assistant.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""
IMPORT_ALL = """
import importlib, json, os, pkgutil, sys, threading
before = dict(os.environ)
skipped = sys.argv[1:]
names = []
for package in map(importlib.import_module, ("assistant", "retrieval", "eval", "finetune")):
    names.append(package.__name__)
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if found.name not in skipped:
            importlib.import_module(found.name)
            names.append(found.name)
print(json.dumps({
    "names": names,
    "modules": sorted(sys.modules),
    "environ": {k: os.environ.get(k) for k in before.keys() | os.environ.keys() if before.get(k) != os.environ.get(k)},
    "threads": threading.active_count(),
    "cwd": os.getcwd(),
}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("fast"))


def python(code: str, *argv: str, folder: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *argv],
        env={**os.environ, **environ},
        cwd=folder,
        text=True,
        encoding="utf-8",
        capture_output=True,
        timeout=120,
        check=False,
    )


def loaded(home: Path, *argv: str) -> tuple[int, set[str], str]:
    """Exit code, the libraries loaded, and standard output of a command."""
    done = python(COMMAND, "--home", str(home), *argv)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, {name.partition(".")[0] for name in modules}, done.stdout


def test_help_loads_none_of_the_heavy_libraries(home: Path) -> None:
    code, modules, out = loaded(home, "--help")
    assert (code, modules & HEAVY) == (0, set())
    assert out.startswith("Usage: dyag")


@pytest.mark.parametrize(
    "argv",
    [
        ("search", "port de Gitea"),
        ("ask", "Quel port écoute Gitea ?"),
        ("status",),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_a_command_on_an_index_loads_none_of_the_heavy_libraries(home: Path, argv: tuple[str, ...]) -> None:
    code, modules, out = loaded(home, *argv)
    assert (code, modules & HEAVY) == (0, set())
    assert out != ""


def test_a_library_that_is_loaded_would_be_seen() -> None:
    stand_in = "import sys, types; sys.modules['openai'] = types.ModuleType('openai')\n"
    _, modules = json.loads(python(stand_in + COMMAND, "--help").stderr.splitlines()[-1])
    assert HEAVY & set(modules) == {"openai"}


def imported(folder: Path, *skipped: str) -> Any:
    """What is there after every module of the packages has been imported in an empty folder."""
    places = {name: str(folder / name) for name in ("HOME", "TMPDIR", "DYAG_CACHE", "DYAG_HOME", "XDG_CACHE_HOME")}
    for place in places.values():
        Path(place).mkdir()
    done = python(IMPORT_ALL, *skipped, folder=folder, PYTHONDONTWRITEBYTECODE="1", **places)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_importing_the_packages_leaves_no_trace(tmp_path: Path) -> None:
    found = imported(tmp_path)
    assert {name.partition(".")[0] for name in found["names"]} == set(PACKAGES)
    assert len(found["names"]) > 50
    assert [str(path) for path in tmp_path.rglob("*") if not path.is_dir()] == []
    assert (found["environ"], found["threads"], found["cwd"]) == ({}, 1, str(tmp_path))


def test_importing_the_packages_loads_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    # The bridge to LangChain is a module of its own, which nothing else imports.
    found = imported(tmp_path, "retrieval.langchain")
    modules = {name.partition(".")[0] for name in found["modules"]}
    assert modules & {*HEAVY, "langchain_core", "onnxruntime", "onnx"} == set()
    assert "retrieval.langchain" not in found["modules"]


def test_indexing_text_loads_no_training_library(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.md"
    sheet.write_text("# Sheet\n\nA text to index.\n")
    done = python(COMMAND, "--home", str(tmp_path / "home"), "index", str(sheet), **CHEAP_ENVIRON)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert (code, HEAVY & set(modules)) == (0, set())
