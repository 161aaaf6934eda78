"""A text opened in the user's editor, with a script in the editor's place."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from assistant.terminal.editor import LARGEST, EditorFailed, edit, editor

Environ = Mapping[str, str]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Environ]:
    """An environment whose editor runs a line of Python on `file`; temporary files are made below `tmp_path`."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def make(code: str) -> Environ:
        script = f"import os, sys, pathlib; file = pathlib.Path(sys.argv[1]); {code}"
        return {"EDITOR": f"{shlex.quote(sys.executable)} -c {shlex.quote(script)}"}

    return make


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path):  # type: ignore[no-untyped-def]
    yield
    assert not list((tmp_path / "temporary").glob("*"))


def test_what_the_editor_leaves_is_returned(scripted: Callable[[str], Environ]) -> None:
    environ = scripted("file.write_text(file.read_text(encoding='utf-8') + 'où ?\\r\\n', encoding='utf-8', newline='')")
    assert edit("Réponse\n", environ=environ) == "Réponse\noù ?\n"


def test_what_is_unchanged_is_none(scripted: Callable[[str], Environ]) -> None:
    assert edit("Réponse [chunk_1]", environ=scripted("0")) is None
    assert edit("Réponse", environ=scripted("file.write_bytes(file.read_bytes() + b'\\n')")) is None


def test_an_emptied_text_is_a_change(scripted: Callable[[str], Environ]) -> None:
    assert edit("Réponse", environ=scripted("file.write_text('')")) == ""


@pytest.mark.skipif(os.name == "nt", reason="modes are of POSIX")
def test_nobody_else_can_read_it(scripted: Callable[[str], Environ]) -> None:
    modes = "file.write_text(f'{file.stat().st_mode & 0o777:o} {file.parent.stat().st_mode & 0o777:o} {file.suffix}')"
    assert edit("secret", environ=scripted(modes)) == "600 700 .md"


def test_what_an_editor_leaves_beside_the_file_is_removed(scripted: Callable[[str], Environ]) -> None:
    environ = scripted("pathlib.Path(f'{file}~').write_text('backup'); file.write_text('new')")
    assert edit("old", environ=environ) == "new"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("file.write_text('new'); sys.exit(3)", "ended with code 3"),
        ("file.unlink()", "cannot be read"),
        (f"file.write_text('x' * {LARGEST + 1})", "longer than 1,000,000 bytes"),
    ],
)
def test_an_editor_that_leaves_no_text_is_told(scripted: Callable[[str], Environ], code: str, message: str) -> None:
    with pytest.raises(EditorFailed, match=message):
        edit("old", environ=scripted(code))


@pytest.mark.parametrize(
    ("written", "text"),
    [(b"\xef\xbb\xbfna\xc3\xafve", "naïve"), (b"na\xefve \x9c\x81", "naïve œ\ufffd"), (b"\x00\xff", "\x00ÿ")],
)
def test_other_encodings_lose_as_little_as_can_be(
    scripted: Callable[[str], Environ], written: bytes, text: str
) -> None:
    assert edit("old", environ=scripted(f"file.write_bytes({written!r})")) == text


def test_a_text_that_is_no_unicode_can_be_edited(scripted: Callable[[str], Environ]) -> None:
    assert edit("a\udcff", environ=scripted("file.write_text(file.read_text() + 'b')")) == "a?b"


def test_visual_goes_before_editor_and_both_take_arguments() -> None:
    assert editor({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor({"VISUAL": " ", "EDITOR": "emacs -nw 'a b'"}) == ["emacs", "-nw", "a b"]


def test_a_path_with_spaces_is_one_word(tmp_path: Path) -> None:
    program = tmp_path / "my editor"
    program.touch()
    assert editor({"EDITOR": str(program)}) == [str(program)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has its own")
def test_without_a_name_the_editors_that_are_there_are_taken(tmp_path: Path) -> None:
    for name in ("vi", "nano"):
        (tmp_path / name).touch(mode=0o755)
        assert editor({"PATH": str(tmp_path)}) == [str(tmp_path / name)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has its own")
def test_no_editor_at_all_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(EditorFailed) as raised:
        editor({"PATH": str(tmp_path)})
    assert "EDITOR" in raised.value.hint


@pytest.mark.parametrize(
    ("value", "message"), [("/no/such/editor", "cannot be started"), ("vi 'x", "cannot be understood")]
)
def test_an_editor_that_is_none_is_told(value: str, message: str) -> None:
    with pytest.raises(EditorFailed, match=message) as raised:
        edit("old", environ={"EDITOR": value})
    assert "EDITOR" in raised.value.hint
