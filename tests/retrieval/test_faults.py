"""A full disk, kill -9, a second writer, a damaged library, odd files: what was indexed before still answers."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from words import HashEmbeddings
from workspace import Workspace

from assistant.app import App
from assistant.workspace import Home
from retrieval import generation
from retrieval.embed import LangChainEmbedder
from retrieval.errors import Busy
from retrieval.library import Library
from retrieval.migrations import MIGRATIONS
from retrieval.sync import writer_lock

ROOT = Path(__file__).resolve().parents[2]
EMBEDDER = "words:HashEmbeddings"
posix = pytest.mark.skipif(os.name != "posix", reason="limits and signals of POSIX")


def note(number: int, version: int = 0) -> str:
    body = "".join(f"## Partie {part}\n\n{f'sujet{number} version{version} ' * 25}\n\n" for part in range(3))
    return f"# Note {number}\n\n{body}"


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """A workspace that another process can sync too: its embedder is named in `dyag.toml`."""
    workspace.embedder = LangChainEmbedder(HashEmbeddings(), EMBEDDER)  # type: ignore[assignment]
    (workspace.path / "dyag.toml").write_text(f'[index]\nembedder = "langchain:{EMBEDDER}"\n')
    for number in range(30):
        workspace.write(f"note{number}.md", note(number))
    workspace.sync()
    return workspace


def command(workspace: Workspace, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-P", "-m", "assistant.cli", "--home", str(workspace.path), *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])}


def run(
    workspace: Workspace, *arguments: str | Path, limit: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(workspace, *arguments), capture_output=True, text=True, timeout=120, check=False, env=environment(),
        preexec_fn=limit,
    )  # fmt: skip


def fresh(workspace: Workspace, name: str = "other") -> set[str]:
    """What an index made from nothing over the same files shows."""
    other = Workspace(workspace.path / name, workspace.loader, workspace.embedder)
    other.sync(workspace.docs)
    return other.shown()


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# a full disk ---------------------------------------------------------------------------------------------------------


def small_files(kilobytes: int) -> Callable[[], None]:
    """No file may grow beyond this; writing more fails as it does on a full disk."""

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, kilobytes << 10))

    return limit


def assert_one_message(done: subprocess.CompletedProcess[str], where: Path) -> None:
    assert done.returncode == 1
    assert f"dyag: No space left to write under {where}" in done.stderr
    assert "Free some disk space and run the command again" in done.stderr
    assert "Traceback" not in done.stderr
    assert "a bug" not in done.stderr


@posix
@pytest.mark.parametrize(("share", "documents"), [(0.02, 30), (1.1, 30), (1.9, 90)], ids=["start", "read", "embed"])
def test_a_disk_full_during_a_sync_is_one_message_and_the_next_sync_completes(
    filled: Workspace, share: float, documents: int
) -> None:
    """Full at once, when the new files are written, and when they are in but not all of their vectors."""
    for number in range(30, 90):
        filled.write(f"note{number}.md", note(number))
    limit = int(share * filled.database.stat().st_size) >> 10
    assert_one_message(run(filled, "index", filled.docs, limit=small_files(limit)), filled.database)
    assert filled.found("sujet7")[0] == "note7.md"
    with filled.library() as library:
        assert library.count_documents() == documents
    filled.sync()
    assert filled.shown() == fresh(filled)
    assert filled.found("sujet77")[0] == "note77.md"


@posix
def test_a_disk_full_during_a_first_sync_leaves_a_workspace_that_works_later(filled: Workspace) -> None:
    shutil.rmtree(filled.path / "data")
    assert_one_message(run(filled, "index", filled.docs, limit=small_files(1)), filled.database)
    filled.sync()
    assert filled.shown() == fresh(filled)


@posix
@pytest.mark.parametrize("kilobytes", [0, 4, 15])
def test_a_disk_full_during_a_build_is_one_message_and_the_next_build_completes(
    filled: Workspace, kilobytes: int
) -> None:
    """A search that has to build a lost index writes the index alone."""
    expected = filled.shown()
    shutil.rmtree(filled.index)
    assert_one_message(run(filled, "search", "sujet7", limit=small_files(kilobytes)), filled.index)
    assert generation.current_name(filled.index) is None
    done = run(filled, "search", "sujet7")
    assert (done.returncode, "note7.md" in done.stdout) == (0, True)
    assert filled.shown() == expected


@pytest.fixture
def small_disk(filled: Workspace) -> Iterator[Callable[[int], None]]:
    """Puts the index on a disk of so many kilobytes."""

    def mount(kilobytes: int) -> None:
        options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(filled.index)]
        if os.getuid() != 0 or subprocess.run(["mount", *options], check=False).returncode:
            pytest.skip("mounting needs root")
        mounted.append(filled.index)

    mounted: list[Path] = []
    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts of Linux")
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.1, 1.4, 1.8])
def test_a_disk_that_is_really_full_is_one_message(
    filled: Workspace, small_disk: Callable[[int], None], share: float
) -> None:
    """Not a limit on each file but on all: a page that is mapped and cannot be stored would kill the process."""
    before = filled.path / "before"
    files = [path for path in filled.index.rglob("*") if path.is_file()]
    used = sum(4 * -(-path.stat().st_size // 4096) for path in files)  # such a disk stores pages of 4 kB
    shutil.copytree(filled.index, before)
    small_disk(max(8, int(share * used)))
    if share > 1:  # the last index fits, the next one does not
        shutil.copytree(before, filled.index, dirs_exist_ok=True)
    assert_one_message(run(filled, "index", "--rebuild"), filled.index)
    assert not list(filled.index.glob("*.building"))
    if share > 1:
        assert filled.found("sujet7")[0] == "note7.md"


# kill -9 -------------------------------------------------------------------------------------------------------------


def start(workspace: Workspace) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    arguments = command(workspace, "index", workspace.docs)
    return subprocess.Popen(arguments, stdin=quiet, stdout=quiet, stderr=quiet, env=environment())


def change(workspace: Workspace, version: int) -> None:
    """Half of the files say something else, and there is one more."""
    for number in range(0, 30, 2):
        workspace.write(f"note{number}.md", note(number, version))
    workspace.write(f"new{version}.md", note(100 + version))


def assert_unharmed(workspace: Workspace) -> None:
    """The library is sound, and the index that was live is whole and answers."""
    with workspace.library(create=False) as library:
        assert library.query("PRAGMA integrity_check") == [("ok",)]
    live = generation.current_name(workspace.index)
    assert live is not None
    generation.verify(workspace.index, live)
    assert workspace.found("sujet7")[0] == "note7.md"
    assert not hasattr(workspace, "repaired")


def sync_once_free(workspace: Workspace) -> None:
    """Sync; a parser that was being started as its parent was killed may hold the lock for an instant."""
    for _ in range(50):
        try:
            workspace.sync()
            return
        except Busy:
            time.sleep(0.1)
    pytest.fail("the lock of a killed process is never free")


@posix
def test_killed_at_random_moments_nothing_is_lost_and_nothing_piles_up(filled: Workspace) -> None:
    chance, kills, took = random.Random(7), 0, 2.0
    for version in range(1, 8):
        change(filled, version)
        began, process = time.monotonic(), start(filled)
        try:
            process.wait(took * chance.uniform(0.3, 1))
            took = min(took, time.monotonic() - began)
        except subprocess.TimeoutExpired:
            process.kill()
        kills += process.wait() == -signal.SIGKILL
        assert_unharmed(filled)
    assert kills > 1, "nearly every run was over before it could be killed"
    assert len(list(filled.index.iterdir())) <= 4, "the pointer, what is live, what was before, what was half built"
    sync_once_free(filled)
    assert filled.shown() == fresh(filled)
    assert not [path for path in (filled.path / "data").rglob("*") if path.suffix in (".building", ".part")]
    assert len(list(filled.index.iterdir())) <= 3
    assert size(filled.index) < 3 * size(filled.path / "other" / "data" / "index")


@posix
@pytest.mark.parametrize("sign", ["library.sqlite3-journal", "index/*.building", "index/*.building/lexical/*"])
def test_killed_in_the_middle_of_a_step_the_next_sync_completes_it(filled: Workspace, sign: str) -> None:
    for version in range(1, 6):
        change(filled, version)
        process = start(filled)
        while process.poll() is None and not any((filled.path / "data").glob(sign)):
            time.sleep(0.0005)
        process.kill()
        if process.wait() == -signal.SIGKILL:
            break
    else:
        pytest.fail("it was never killed in time")
    assert_unharmed(filled)
    sync_once_free(filled)
    assert filled.shown() == fresh(filled)
    assert not list(filled.index.glob("*.building"))


# a second writer -----------------------------------------------------------------------------------------------------


def test_a_second_writer_is_told_at_once_and_searching_goes_on(filled: Workspace) -> None:
    before = filled.texts()
    filled.write("new.md", note(100))
    with writer_lock(filled.path / "data" / "index.lock"):
        done = run(filled, "index", filled.docs)
        assert done.returncode == 1
        assert "dyag: Another dyag is indexing this workspace." in done.stderr
        assert "searching works meanwhile" in done.stderr
        assert run(filled, "search", "sujet7").returncode == 0
    assert filled.texts() == before
    assert filled.sync().added == 1


# a library that is not right -----------------------------------------------------------------------------------------


def commands(workspace: Workspace, dyag: Callable[..., Any]) -> list[Any]:
    return [dyag(*argv, home=workspace.path) for argv in (["search", "sujet7"], ["index", workspace.docs], ["status"])]


def test_a_newer_library_is_refused_by_every_command(filled: Workspace, dyag: Callable[..., Any]) -> None:
    with sqlite3.connect(filled.database) as db:
        db.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    db.close()
    before = filled.database.read_bytes()
    for ran in commands(filled, dyag):
        assert ran.code == 1
        assert "was written by a newer dyag" in ran.err
        assert "Upgrade dyag" in ran.err
    assert filled.database.read_bytes() == before


@pytest.mark.parametrize("kind", ["cut", "overwritten", "another file"])
def test_a_damaged_library_is_said_by_every_command_and_left_alone(
    filled: Workspace, dyag: Callable[..., Any], kind: str
) -> None:
    data = bytearray(filled.database.read_bytes())
    if kind == "cut":
        del data[len(data) // 4096 // 3 * 4096 :]
    elif kind == "overwritten":
        data[4096:] = os.urandom(len(data) - 4096)
    else:
        data[:] = b"This is a letter, and no library. " * 500
    filled.database.write_bytes(data)
    for ran in commands(filled, dyag):
        assert ran.code == 1
        assert f"dyag: The library {filled.database} is damaged" in ran.err
        assert "restore a backup" in ran.err
    assert filled.database.read_bytes() == data


def test_a_library_that_vanished_is_said_and_made_again(filled: Workspace) -> None:
    filled.database.unlink()
    assert "Run `dyag index PATH`" in run(filled, "search", "sujet7").stderr
    assert not filled.database.exists()
    assert filled.sync().added == 30
    assert filled.shown() == fresh(filled)


def test_one_application_reads_while_another_writes(filled: Workspace) -> None:
    app = App(Home(filled.path, "test"), {})
    app.embedder = filled.embedder  # type: ignore[misc]
    with filled.library() as writer, writer.transaction():
        writer.query("UPDATE documents SET title='half done'")
        assert app.searcher.search("sujet7").passages[0].title == "Note 7"
        Library(filled.database).close()
    app.library.close()


# odd files -----------------------------------------------------------------------------------------------------------


@posix
def test_what_is_no_file_is_reported_and_the_rest_is_read(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(filled.docs / "pipe.md")
    (filled.docs / "loop.md").symlink_to("loop.md")
    (filled.docs / "nowhere.md").symlink_to("gone.md")
    (filled.docs / "again").symlink_to(filled.docs)
    monkeypatch.chdir(filled.docs)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        filled.write("new.md", note(100))
        report = filled.sync()
    reasons = {Path(f.path).name: f.reason for f in report.failures}
    assert (report.added, report.unchanged, report.failed) == (1, 30, 4)
    assert set(reasons) == {"pipe.md", "socket.md", "loop.md", "nowhere.md"}
    assert reasons["pipe.md"] == reasons["socket.md"] == "not a regular file (a pipe, a socket or a device)"
    assert reasons["nowhere.md"] == "a broken link"
    assert all("\n" not in reason for reason in reasons.values())


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_reported_until_it_may(filled: Workspace) -> None:
    path = filled.write("secret.md", note(100))
    path.chmod(0)
    report = filled.sync()
    assert [(Path(f.path).name, f.reason) for f in report.failures] == [
        ("secret.md", "cannot be read: Permission denied")
    ]
    path.chmod(0o600)
    assert filled.sync().failures == []
    assert filled.found("sujet100")[0] == "secret.md"
