"""The child may hang, eat memory, crash or lie: the file gets a reason, and the next one still loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.errors import ParseFailed
from retrieval.load.loader import WORKER, Limits, Loader
from retrieval.types import Document

HOSTILE = (sys.executable, "-P", str(Path(__file__).with_name("load_hostile_worker.py")))


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    # Patient: on a busy machine a process alone may need a second to start.
    with Loader(Limits(seconds=30, memory_mb=512, file_mb=1), HOSTILE) as loader:
        yield loader


@pytest.fixture(scope="module")
def hasty() -> Iterator[Loader]:
    with Loader(Limits(seconds=2.5), HOSTILE) as loader:
        yield loader


def load(loader: Loader, folder: Path, word: str) -> Document:
    path = folder / f"{word}.txt"
    path.write_text(word)
    *_, last = loader.load(path)
    assert isinstance(last, Document)
    return last


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("eat", "needed more than 512 MB of memory"),
        ("segfault", "the parser crashed (signal 11)"),
        ("half", "the parser crashed (signal 6)"),
        ("exit", "the parser stopped (exit code 3)"),
        ("large", "holds more than 18 MB of text in one piece"),
        ("bug", "damaged .txt file, or a bug of its parser: KeyError 'somewhere inside'"),
    ],
)
def test_a_failure_has_a_reason_and_the_next_file_loads(loader: Loader, tmp_path: Path, word: str, reason: str) -> None:
    with pytest.raises(ParseFailed) as error:
        load(loader, tmp_path, word)
    assert error.value.reason == reason
    assert load(loader, tmp_path, "fine").text == "fine"


def test_a_parser_that_hangs_is_killed_and_the_next_file_loads(hasty: Loader, tmp_path: Path) -> None:
    with pytest.raises(ParseFailed) as error:
        load(hasty, tmp_path, "hang")
    assert error.value.reason == "took longer than 2.5 s"
    assert load(hasty, tmp_path, "fine").text == "fine"


def test_a_slow_parser_that_shows_life_is_not_killed(hasty: Loader, tmp_path: Path) -> None:
    start = time.monotonic()
    assert load(hasty, tmp_path, "trickle").text == "trickle"
    assert time.monotonic() - start > 2.5


def test_a_slow_reader_does_not_cost_the_child_its_life(tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("many")
    with Loader(Limits(seconds=2.5), HOSTILE) as loader:
        items = loader.load(tmp_path / "many.txt")
        next(items)
        time.sleep(3)
        assert sum(1 for _ in items) == 100_000


def test_what_libraries_print_stays_out_of_the_protocol(loader: Loader, tmp_path: Path) -> None:
    assert load(loader, tmp_path, "print").text == "print"


def test_one_child_serves_many_files_and_is_replaced_when_killed_between_two(loader: Loader, tmp_path: Path) -> None:
    first, second = load(loader, tmp_path, "fine"), load(loader, tmp_path, "fine")
    assert first.metadata == second.metadata
    os.kill(first.metadata["pid"], signal.SIGKILL)
    time.sleep(0.2)
    assert load(loader, tmp_path, "fine").metadata != first.metadata


def test_a_load_left_halfway_does_not_leak_into_the_next(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("many")
    for number, _ in enumerate(loader.load(tmp_path / "many.txt")):
        if number == 5:
            break
    assert load(loader, tmp_path, "fine").text == "fine"


def test_two_loads_at_once_are_refused(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("many")
    items = loader.load(tmp_path / "many.txt")
    next(items)
    with pytest.raises(RuntimeError, match="one file at a time"):
        load(loader, tmp_path, "fine")
    items.close()  # type: ignore[attr-defined]


def test_a_parser_that_cannot_start_is_a_bug_and_no_bad_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    broken = Loader(command=(sys.executable, "-c", "raise SystemExit(9)"))
    with broken, pytest.raises(RuntimeError, match="exit code 9"):
        next(broken.load(tmp_path / "a.txt"))


@pytest.mark.parametrize(
    "reply",
    [
        '{"kind":"document","text":7,"metadata":{}}',
        '{"kind":"document","text":"a","metadata":[]}',
        '{"kind":"pickle"}',
        "[]",
        '{"kind":3}',
        "not json",
        "[" * 100_000,
    ],
)
def test_a_child_that_lies_is_not_believed(tmp_path: Path, reply: str) -> None:
    (tmp_path / "a.txt").write_text("a")
    script = (
        "import struct, sys, time\n"
        "def send(s): sys.stdout.buffer.write(struct.pack('>I', len(s)) + s.encode()); sys.stdout.flush()\n"
        f'send(\'{{"kind":"ready"}}\'); sys.stdin.buffer.read(1); send({reply!r}); time.sleep(600)\n'
    )
    with Loader(command=(sys.executable, "-c", script)) as loader, pytest.raises(ParseFailed, match="unreadable"):
        next(loader.load(tmp_path / "a.txt"))


def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("fine")
    script = (
        "import os, sys; from pathlib import Path; from retrieval.load.loader import Loader\n"
        "loader = Loader(command=sys.argv[2:]); [document] = loader.load(Path(sys.argv[1]))\n"
        "print(document.metadata['pid'], flush=True); os._exit(1)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-P", "-c", script, str(tmp_path / "a.txt"), *HOSTILE]
    done = subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not _runs(pid):
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_works_where_folders_are_called_like_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("eval", "data", "json", "retrieval", "yaml"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "a.md").write_text("---\ntitle: Ici\n---\ntexte")
    monkeypatch.chdir(tmp_path)
    with Loader() as loader:
        [document] = loader.load(Path("a.md"))
    assert isinstance(document, Document)
    assert document.title == "Ici"


def test_ctrl_c_in_the_terminal_does_not_reach_the_child(loader: Loader, tmp_path: Path) -> None:
    pid = load(loader, tmp_path, "fine").metadata["pid"]
    assert os.getsid(pid) != os.getsid(0)


def test_many_small_files_load_fast(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.md" for number in range(1500)]
    for path in paths:
        path.write_text(f"# Fiche {path.stem}\n\nNom : application {path.stem}\n")
    with Loader(command=WORKER) as loader:
        start = time.perf_counter()
        assert sum(len(list(loader.load(path))) for path in paths) == len(paths)
        assert len(paths) / (time.perf_counter() - start) > 750  # half the goal: test machines are busy
