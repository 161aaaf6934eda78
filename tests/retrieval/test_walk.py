"""From paths to files: each real file once, in order, whatever lies in the folders."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from retrieval.errors import NotFound
from retrieval.load.walk import Found, Unreadable, walk


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(root: Path, *more: Path, exclude: tuple[Path, ...] = ()) -> list[str]:
    found = walk([root, *more], exclude)
    return [item.path.relative_to(root).as_posix() for item in found if isinstance(item, Found)]


def test_files_come_sorted_with_size_and_time(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", "a/c.md", "c.md"):
        write(tmp_path / name, name)
    assert names(tmp_path) == ["a/c.md", "a/z.md", "b.md", "c.md"]
    first = next(iter(walk([tmp_path])))
    assert isinstance(first, Found)
    assert first.size == len("a/c.md")
    assert first.mtime_ns == (tmp_path / "a/c.md").stat().st_mtime_ns


def test_hidden_and_generated_folders_are_skipped(tmp_path: Path) -> None:
    for name in (".git/x.md", ".venv/y.md", "node_modules/z.md", "__pycache__/w.md", ".hidden.md", "kept.md"):
        write(tmp_path / name)
    assert names(tmp_path) == ["kept.md"]


def test_a_hidden_folder_given_by_name_is_read(tmp_path: Path) -> None:
    write(tmp_path / ".notes/a.md")
    assert names(tmp_path / ".notes") == ["a.md"]


def test_excluded_folders_are_skipped_also_through_links(tmp_path: Path) -> None:
    write(tmp_path / "index/a.md")
    write(tmp_path / "b.md")
    (tmp_path / "link").symlink_to(tmp_path / "index")
    assert names(tmp_path, exclude=(tmp_path / "index",)) == ["b.md"]


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    write(tmp_path / "in/a.md")
    write(tmp_path / "out/b.md")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/out").symlink_to(tmp_path / "out")
    (tmp_path / "in/same.md").symlink_to(tmp_path / "in/a.md")
    assert names(tmp_path / "in") == ["a.md", "out/b.md"]


def test_a_file_given_twice_comes_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.md")
    assert names(tmp_path, file, tmp_path) == ["a.md"]


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "docs/a.md")
    monkeypatch.chdir(tmp_path)
    assert [item.path for item in walk([Path("docs")])] == [tmp_path / "docs/a.md"]


def test_a_missing_path_is_said_before_anything_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    with pytest.raises(NotFound) as error:
        walk([tmp_path, tmp_path / "docz" / "x"])
    assert "docz" in error.value.message
    assert str(tmp_path) in error.value.hint


def test_broken_and_circular_links_are_reported(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert list(walk([tmp_path])) == [
        Unreadable(tmp_path / "gone", "a broken link"),
        Unreadable(tmp_path / "self", "a broken link"),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_reported_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    [item] = walk([tmp_path])
    assert isinstance(item, Unreadable)
    assert "not a regular file" in item.reason


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_closed_folder_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path / "closed/a.md")
    write(tmp_path / "open.md")
    (tmp_path / "closed").chmod(0)
    try:
        closed, found = walk([tmp_path])
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert isinstance(closed, Unreadable)
    assert "Permission denied" in closed.reason
    assert found.path.name == "open.md"


def test_a_path_too_long_to_open_is_reported_and_ends_the_walk_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(30):  # a step at a time: the whole path is longer than the system opens
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    Path("deep.md").write_text("x")
    assert [type(item) for item in walk([tmp_path])] == [Unreadable]


def test_ten_thousand_files_are_walked_soon(tmp_path: Path) -> None:
    for folder in range(20):
        (tmp_path / str(folder)).mkdir()
        for file in range(500):
            os.close(os.open(tmp_path / str(folder) / f"{file}.md", os.O_CREAT | os.O_WRONLY))
    start = time.perf_counter()
    assert sum(1 for _ in walk([tmp_path])) == 10_000
    assert time.perf_counter() - start < 15
