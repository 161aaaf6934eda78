"""Copying: by a program, by the terminal, or told how to make it possible."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping

import pyperclip
import pytest

from assistant.screen import Screen
from assistant.terminal.clipboard import LARGEST, CopyFailed, copy

TEXT = "Gitea — Port : 3000 [chunk_3]\x1b[31m"


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: str) -> str:
        raise pyperclip.PyperclipException("no mechanism")

    monkeypatch.setattr(pyperclip, "copy", missing)
    monkeypatch.setattr(pyperclip, "paste", missing)


def sent(environ: Mapping[str, str]) -> str:
    out = Tty()
    assert "terminal's clipboard" in copy(TEXT, Screen(out), environ)
    return out.getvalue()


def test_a_program_takes_the_text_and_the_terminal_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    monkeypatch.setattr(pyperclip, "copy", held.append)
    monkeypatch.setattr(pyperclip, "paste", lambda: held[-1].replace("\n", "\r\n") + "\r\n")
    out = Tty()
    assert copy("a\nb", Screen(out), {}) == "Copied."
    assert (held, out.getvalue()) == (["a\nb"], "")


def test_a_program_that_takes_the_text_and_loses_it_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyperclip, "copy", lambda text: None)
    monkeypatch.setattr(pyperclip, "paste", lambda: "something else")
    assert sent({}).startswith("\x1b]52;c;")


@pytest.mark.usefixtures("no_program")
def test_the_terminal_is_sent_base64_and_nothing_else() -> None:
    match = re.fullmatch(r"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", sent({"TERM": "xterm"}))
    assert match is not None
    assert base64.b64decode(match[1]).decode() == TEXT


@pytest.mark.usefixtures("no_program")
def test_in_tmux_the_outer_terminal_is_sent_it_too() -> None:
    data = base64.b64encode(TEXT.encode()).decode()
    assert sent({"TMUX": "/tmp/tmux"}) == f"\x1b]52;c;{data}\x07\x1bPtmux;\x1b\x1b]52;c;{data}\x07\x1b\\"


@pytest.mark.usefixtures("no_program")
@pytest.mark.parametrize(("out", "environ"), [(io.StringIO(), {}), (Tty(), {"TERM": "dumb"})])
def test_without_a_clipboard_it_says_what_to_install(out: io.StringIO, environ: Mapping[str, str]) -> None:
    with pytest.raises(CopyFailed) as raised:
        copy(TEXT, Screen(out), environ)
    assert "xclip" in raised.value.hint
    assert "wl-clipboard" in raised.value.hint
    assert out.getvalue() == ""


@pytest.mark.usefixtures("no_program")
def test_a_text_that_terminals_would_cut_is_refused() -> None:
    out = Tty()
    copy("x" * LARGEST, Screen(out), {})
    with pytest.raises(CopyFailed, match="too long"):
        copy("x" * (LARGEST + 1), Screen(Tty()), {})
