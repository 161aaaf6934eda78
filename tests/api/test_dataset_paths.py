"""Which paths of a request name a dataset, and which would lead out of the allowed folders."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.api.dataset_paths import BadPath, resolve
from assistant.api.options import Options
from assistant.workspace import Home
from retrieval.errors import BadInput, NotFound


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A workspace with a dataset, beside things that are none of a client's business."""
    made = Home(tmp_path / "home", "a test")
    for path in ("home/data/sub/deep.csv", "home/data/rows.csv", "home/secret.csv", "home/data_evil/rows.csv", "secret.csv",
                 "home/.env", "home/data/.hidden.csv", "home/data/.git/rows.csv", "home/data/journal.sqlite3",
                 "root/rows.jsonl", "root_evil/rows.jsonl"):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        (tmp_path / path).write_text("text\nun\n")
    return made


def asked(text: str, home: Home, **options: object) -> Path:
    return resolve(text, Options(dataset_roots=(home.path.parent / "root",), **options), home)  # type: ignore[arg-type]


def test_files_of_the_allowed_folders_are_found(home: Home) -> None:
    assert asked("data/rows.csv", home) == (home.data / "rows.csv").resolve()
    assert asked("./data/sub/deep.csv", home) == (home.data / "sub/deep.csv").resolve()
    assert asked(str(home.data / "rows.csv"), home).is_file()
    root = home.path.parent / "root" / "rows.jsonl"
    assert asked(str(root), home) == root.resolve()


CORPUS = [
    "", " ", ".", "/", "data", "data/", "data/.", "secret.csv", "./secret.csv", "../secret.csv", "data/../secret.csv",
    "data/../../secret.csv", "data/sub/../rows.csv", "data/sub/../../secret.csv", "data//../secret.csv", "data/./../secret.csv",
    "data/..%2fsecret.csv", "data/%2e%2e/secret.csv", "data/%252e%252e/secret.csv", "data/..;/secret.csv", "data/.../rows.csv",
    "data/..\\secret.csv", "..\\secret.csv", "data\\rows.csv", "data/..\u2215secret.csv", "data/\u2025/secret.csv",
    "data/\uff0e\uff0e/secret.csv", "data/..\uff0fsecret.csv", "data/..\u200b/secret.csv", "data/rows.csv\0", "data/rows.csv\0.csv",
    "data/\0rows.csv", "data/rows\n.csv", "data/rows.csv\n", "data/\r\nrows.csv", "data/\x1b[2Jrows.csv", "data/\u202erows.csv",
    "data/\u2028rows.csv", "data/\ud800rows.csv", "data/\x85rows.csv", "data_evil/rows.csv", "Data/rows.csv ", " data/rows.csv",
    "data/rows.csv/", "data/rows.csv/.", "data/rows.csv/x.csv", "data /rows.csv", "data/.hidden.csv", "data/.git/rows.csv", ".env",
    "data/.env", "data/journal.sqlite3", "data/rows", "~/secret.csv", "~root/secret.csv", "~", "$HOME/secret.csv",
    "${HOME}/secret.csv", "`id`.csv", "$(id).csv", "|id.csv", "-rf.csv", "--help.csv", "file:data/rows.csv", "file:///etc/passwd",
    "FILE:///etc/hosts.csv", "file://localhost/etc/passwd.csv", "http://localhost/rows.csv", "ftp://host/rows.csv",
    "gopher://h/x.csv", "dict://h/x.csv", "jar:file:///x.csv", "data:text/plain,rows.csv", "s3://bucket/rows.csv",
    "php://filter/rows.csv", "memory://rows.csv", "zip://rows.csv", "simplecache::file:///etc/x.csv", "//host/share/rows.csv",
    "\\\\host\\share\\rows.csv", "\\\\?\\C:\\rows.csv", "//?/C:/rows.csv", "C:\\rows.csv", "C:/rows.csv", "c:rows.csv",
    "/etc/passwd", "/etc/shadow", "/etc/hosts.txt", "/proc/self/environ", "/proc/self/fd/0", "/proc/self/cwd/data/rows.csv",
    "/proc/self/root/etc/hosts.txt", "/proc/1/maps.txt", "/dev/null", "/dev/zero", "/dev/random.csv", "/dev/stdin", "/dev/fd/0",
    "/dev/shm/x.csv", "/sys/kernel/x.txt", "/tmp/rows.csv", "CON.csv", "data/nul.csv", "data/rows.csv:stream", "data/rows.csv::$DATA",
    "data/rows.csv?x=.csv", "data/rows.csv#.csv", "data/*.csv", "data/r?ws.csv", "data/[r]ows.csv", "data/{rows,x}.csv",
    "data/" + "a" * 300 + ".csv", "data/" + "a/" * 600 + "x.csv", "data/" + "x" * 5000 + ".csv",
]  # fmt: skip


@pytest.mark.parametrize("text", CORPUS)
def test_every_other_path_is_refused(text: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.path)
    with pytest.raises((BadPath, NotFound)) as refused:
        asked(text, home)
    assert "passwd" not in refused.value.hint


def test_a_folder_whose_name_begins_like_an_allowed_one_is_another(home: Home) -> None:
    for name in ("root_evil/rows.jsonl", "home/data_evil/rows.csv", "secret.csv", "home/secret.csv"):
        with pytest.raises(BadPath, match="outside"):
            asked(str(home.path.parent / name), home)


def test_links_are_refused_wherever_they_stand_and_lead(home: Home) -> None:
    (home.data / "link.csv").symlink_to(home.path / "secret.csv")
    (home.data / "inner.csv").symlink_to(home.data / "rows.csv")
    (home.data / "folder").symlink_to(home.path)
    (home.data / "loop.csv").symlink_to(home.data / "loop.csv")
    (home.data / "dangling.csv").symlink_to("/nowhere/rows.csv")
    for name in ("link.csv", "inner.csv", "folder/secret.csv", "folder/data/rows.csv", "loop.csv", "dangling.csv"):
        with pytest.raises((BadPath, NotFound)):
            asked(f"data/{name}", home)


def test_a_link_put_in_the_place_of_a_file_or_folder_is_refused(home: Home) -> None:
    assert asked("data/sub/deep.csv", home).is_file()
    (home.data / "sub").rename(home.data / "away")
    (home.data / "sub").symlink_to(home.data / "away")

    with pytest.raises(BadPath, match="link"):
        asked("data/sub/deep.csv", home)


def test_an_allowed_folder_may_itself_be_reached_by_a_link(home: Home) -> None:
    (home.path.parent / "by-link").symlink_to(home.path)
    linked = Home(home.path.parent / "by-link", "a test")

    assert asked("data/rows.csv", linked) == (home.data / "rows.csv").resolve()


@pytest.mark.skipif(os.name != "posix", reason="files of other kinds are made as on Unix")
def test_what_is_no_regular_file_is_refused_without_being_opened(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(home.data / "pipe.csv")
    (home.data / "folder.csv").mkdir()
    monkeypatch.chdir(home.data)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.csv")
        for name in ("pipe.csv", "folder.csv", "socket.csv"):
            with pytest.raises(BadPath, match="not a file"):
                asked(f"data/{name}", home)


@pytest.mark.skipif(os.name != "posix", reason="modes are Unix's")
def test_a_folder_that_everybody_may_write_in_is_refused(home: Home) -> None:
    (home.data / "sub").chmod(0o777)

    with pytest.raises(BadPath, match="everybody"):
        asked("data/sub/deep.csv", home)


def test_a_file_that_is_too_large_is_refused(home: Home) -> None:
    with pytest.raises(BadPath, match="larger"):
        asked("data/rows.csv", home, max_upload=3)


@given(text=st.text(st.sampled_from("./\\~:%a \0\n\u202e") | st.characters(), max_size=40))
def test_no_text_leads_out_of_the_allowed_folders(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = Home(tmp_path_factory.getbasetemp(), "a test")
    try:
        found = resolve(text, Options(), home)
    except BadInput:
        return
    assert found.resolve().is_relative_to(home.data.resolve())
