"""The prompt, typed at through a terminal emulator."""

from __future__ import annotations

import contextvars
import io
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyte
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from assistant.settings import Settings
from assistant.terminal.prompt import Terminal
from assistant.workspace import Home
from retrieval.errors import Busy

COLUMNS, LINES = 100, 24
ENTER, ALT_ENTER, UP, RIGHT, TAB = "\r", "\x1b\r", "\x1b[A", "\x1b[C", "\t"
CTRL_C, CTRL_D, CTRL_R, EDIT = "\x03", "\x04", "\x12", "\x18\x05"
BAR = "rag · extractive"


class Journal:
    """What the prompt needs of a journal and a conversation."""

    def __init__(self, *kept: str) -> None:
        self.kept = list(kept)
        self.exchanges: list[Any] = []

    def lines(self, limit: int) -> list[str]:
        return self.kept[::-1][:limit]

    def remember(self, line: str) -> None:
        self.kept.append(line)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Screen(io.StringIO):
    """What a terminal was sent; one that is asked where its cursor is."""

    def isatty(self) -> bool:
        return True


class Tty:
    """A terminal emulator with somebody who types, and the program's prompt in a thread."""

    def __init__(self, pipe: Any, journal: Journal, home: Path) -> None:
        self.pipe = pipe
        self.journal = journal
        self.clock = Clock()
        self.written = Screen()
        self.bar: Callable[[], Any] = lambda: BAR
        self.environ: Mapping[str, str] = {}
        self.app: Any = SimpleNamespace(
            home=Home(home, "test"), settings=Settings(), journal=journal, conversation=journal
        )
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._screen.write_process_input = pipe.send_text  # type: ignore[method-assign]
        self._stream = pyte.Stream(self._screen)
        self._fed = 0
        self._pool = ThreadPoolExecutor(1)
        self._terminal: Terminal | None = None

    @property
    def terminal(self) -> Terminal:
        self._terminal = self._terminal or Terminal(self.app, lambda: self.bar(), self.environ, self.clock)
        return self._terminal

    def ask(self) -> Future[str]:
        """Show the prompt, with its bar."""
        self._fed = len(self.written.getvalue())
        self._screen.reset()
        asked = self._pool.submit(contextvars.copy_context().run, self.terminal.ask)
        self.until(lambda: self.shown[-1].strip() != "")
        return asked

    @property
    def shown(self) -> list[str]:
        written = self.written.getvalue()
        self._stream.feed(written[self._fed :])
        self._fed = len(written)
        return [line.rstrip() for line in self._screen.display]

    @property
    def line(self) -> str:
        return self.shown[0]

    def type(self, keys: str, sees: str = "") -> None:
        """Type, and wait until the screen shows a text."""
        self.pipe.send_text(keys)
        self.until(lambda: sees in "\n".join(self.shown))

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, "\n".join(self.shown)
            time.sleep(0.01)

    def close(self) -> None:
        self.pipe.send_text("\x07\x15" + CTRL_D)
        self._pool.shutdown()


@pytest.fixture
def tty(tmp_path: Path) -> Iterator[Tty]:
    journal = Journal("what is NATS?", "Quel port écoute Gitea ?", "what is Redis?", "/mode hybrid")
    with create_pipe_input() as pipe:
        made = Tty(pipe, journal, tmp_path)
        output = Vt100_Output(made.written, lambda: Size(LINES, COLUMNS), term="xterm-256color")
        with create_app_session(input=pipe, output=output):
            yield made
            made.close()


def ended(asked: Future[str]) -> str:
    return asked.result(20)


def test_what_is_typed_is_returned_and_kept(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("Qui a créé Redis ?", sees="› Qui a créé Redis ?")
    tty.type(ENTER)
    assert ended(asked) == "Qui a créé Redis ?"
    assert tty.journal.kept[-1] == "Qui a créé Redis ?"


def test_an_empty_line_is_not_kept(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("  \r")
    assert ended(asked) == "  "
    assert tty.journal.kept[-1] == "/mode hybrid"


def test_ctrl_d_leaves_on_an_empty_line_only(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("abc", sees="› abc")
    tty.type(CTRL_D + "d" + ENTER)
    assert ended(asked) == "abcd"
    asked = tty.ask()
    tty.type(CTRL_D)
    with pytest.raises(EOFError):
        ended(asked)


def test_ctrl_c_clears_the_line_and_a_second_one_leaves(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("abc", sees="› abc")
    tty.type(CTRL_C, sees="Ctrl-C again to leave")
    assert tty.line == "›"
    tty.clock.now += 1.9
    tty.type(CTRL_C)
    with pytest.raises(EOFError):
        ended(asked)
    assert tty.journal.kept[-1] == "/mode hybrid"


def test_a_second_ctrl_c_after_two_seconds_is_a_first_one(tty: Tty) -> None:
    asked = tty.ask()
    tty.type(CTRL_C, sees="Ctrl-C again to leave")
    tty.clock.now += 2.1
    tty.type("x", sees="› x")
    assert tty.shown[-1] == f" {BAR}"
    tty.type("\x08" + CTRL_C, sees="Ctrl-C again to leave")
    tty.type("still here" + ENTER)
    assert ended(asked) == "still here"


def test_a_second_ctrl_c_does_not_lose_what_was_typed_in_between(tty: Tty) -> None:
    asked = tty.ask()
    tty.type(CTRL_C, sees="again to leave")
    tty.type("abc", sees="› abc")
    tty.type(CTRL_C + "d" + ENTER)
    assert ended(asked) == "d"


def test_a_ctrl_c_during_an_answer_counts(tty: Tty) -> None:
    assert not tty.terminal.interrupted()
    asked = tty.ask()
    tty.type(CTRL_C)
    with pytest.raises(EOFError):
        ended(asked)


def test_alt_enter_begins_a_line_and_enter_sends_all(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("one" + ALT_ENTER + "two", sees="  two")
    assert tty.shown[:2] == ["› one", "  two"]
    tty.type(ENTER)
    assert ended(asked) == "one\ntwo"


def test_pasted_lines_are_one_entry(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("\x1b[200~one\r\ntwo\rthree\n\x1b[201~", sees="  three")
    tty.type(ENTER)
    assert ended(asked) == "one\ntwo\nthree\n"


def test_what_steers_a_terminal_or_is_no_text_is_cleaned(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("\x1b[200~a\x9b31mb\u202ec\u200b\x1b]52;c;aGk=\x07d\x00\x1b[201~" + ENTER)
    assert ended(asked) == "abcd"
    assert "\x9b" not in tty.written.getvalue()


def test_bytes_that_are_no_text_are_marked(tty: Tty) -> None:
    asked = tty.ask()
    tty.pipe.send_bytes(b"caf\xe9!\r")
    assert ended(asked) == "caf\ufffd!"


def test_up_finds_what_began_the_same(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("what")
    tty.type(UP, sees="› what is Redis?")
    tty.type(UP, sees="› what is NATS?")
    tty.type(ENTER)
    assert ended(asked) == "what is NATS?"


def test_ctrl_r_searches_the_history(tty: Tty) -> None:
    asked = tty.ask()
    tty.type(CTRL_R, sees="reverse-i-search")
    tty.type("port", sees="Quel port écoute Gitea ?")
    tty.type(ENTER + ENTER)
    assert ended(asked) == "Quel port écoute Gitea ?"


def test_ctrl_c_in_a_search_ends_the_search_alone(tty: Tty) -> None:
    asked = tty.ask()
    tty.type(CTRL_R + "port", sees="Quel port écoute Gitea ?")
    tty.type(CTRL_C)
    tty.until(lambda: tty.line == "›")
    tty.type("next" + ENTER)
    assert ended(asked) == "next"


def test_a_line_just_typed_is_in_the_history_once(tty: Tty) -> None:
    tty.journal.kept[:] = ["first"]
    for _ in range(2):
        asked = tty.ask()
        tty.type("again" + ENTER)
        assert ended(asked) == "again"
    asked = tty.ask()
    tty.type(UP, sees="› again")
    tty.type(UP, sees="› first")
    tty.type(ENTER)
    assert ended(asked) == "first"


def test_what_was_forgotten_is_gone_from_the_next_prompt(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("secret plan" + ENTER)
    ended(asked)
    tty.journal.kept.remove("secret plan")
    asked = tty.ask()
    tty.type(UP, sees="› /mode hybrid")
    tty.type("\x15sec", sees="› sec")
    assert tty.line == "› sec"
    tty.type(ENTER)
    assert ended(asked) == "sec"


def test_a_journal_that_cannot_be_read_costs_the_history_alone(tty: Tty) -> None:
    def busy(limit: int) -> list[str]:
        raise Busy("The journal is being written.")

    tty.journal.lines = busy  # type: ignore[method-assign]
    asked = tty.ask()
    tty.type("hello" + ENTER)
    assert ended(asked) == "hello"


def test_the_history_is_suggested_and_taken_with_the_right_arrow(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("what is N", sees="› what is NATS?")
    tty.type(RIGHT + ENTER)
    assert ended(asked) == "what is NATS?"


def test_a_slash_opens_the_menu_with_the_help(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("/so", sees="/source ")
    assert "Show a cited chunk" in "\n".join(tty.shown)
    tty.type(TAB, sees="› /source")
    tty.type(ENTER)
    assert ended(asked) == "/source"


def test_a_question_opens_no_menu(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("so/urce", sees="› so/urce")
    tty.type(TAB + "!", sees="› so/urce!")
    assert [line for line in tty.shown if line] == ["› so/urce!", f" {BAR}"]
    tty.type(ENTER)
    assert ended(asked) == "so/urce!"


def test_the_bar_is_drawn_anew_when_another_thread_says_so(tty: Tty) -> None:
    state = ["loading"]
    tty.bar = lambda: [("bold", state[0]), ("", " · model\x1b[31m\x9b1m\u202e\nname")]
    asked = tty.ask()
    assert tty.shown[-1] == " loading · model name"
    state[0] = "ready"
    tty.terminal.refresh()
    tty.until(lambda: tty.shown[-1] == " ready · model name")
    tty.type(ENTER)
    ended(asked)
    tty.terminal.refresh()  # with no prompt there is nothing to draw


def test_a_bar_that_cannot_be_made_says_why(tty: Tty) -> None:
    def broken() -> str:
        raise Busy("The library is being written.")

    tty.bar = broken
    asked = tty.ask()
    assert tty.shown[-1] == " The library is being written."
    tty.type("hello" + ENTER)
    assert ended(asked) == "hello"


def editor(tmp_path: Path, code: str) -> Mapping[str, str]:
    script = tmp_path / "editor.py"
    script.write_text(f"import sys, pathlib\nfile = pathlib.Path(sys.argv[1])\n{code}\n")
    return {"EDITOR": f"{sys.executable} {script}"}


def test_ctrl_x_ctrl_e_opens_the_editor_on_the_line(tty: Tty, tmp_path: Path) -> None:
    tty.environ = editor(tmp_path, "file.write_text(file.read_text() + ' two\\nthree\\n')")
    asked = tty.ask()
    tty.type("one" + EDIT, sees="  three")
    tty.type(ENTER)
    assert ended(asked) == "one two\nthree"


def test_an_editor_that_fails_leaves_the_line_and_is_told(tty: Tty, tmp_path: Path) -> None:
    tty.environ = editor(tmp_path, "file.write_text('other')\nsys.exit(3)")
    asked = tty.ask()
    tty.type("one" + EDIT, sees="ended with code 3")
    tty.type(ENTER)
    assert ended(asked) == "one"


def test_without_colour_there_is_reverse_video_alone(tty: Tty) -> None:
    tty.environ = {"NO_COLOR": "1"}
    asked = tty.ask()
    tty.type("what is N", sees="› what is N")
    assert tty.line == "› what is N"  # what is suggested would look like what is typed
    tty.type("\x15/so", sees="/source ")
    tty.type(TAB + CTRL_C + CTRL_R + "port", sees="Gitea")
    tty.type(CTRL_C + "x" + ENTER)
    ended(asked)
    codes = {code for found in re.findall(r"\x1b\[([\d;]*)m", tty.written.getvalue()) for code in found.split(";")}
    assert codes == {"0", "7"}


def test_the_mouse_is_left_to_the_terminal(tty: Tty) -> None:
    asked = tty.ask()
    tty.type("x" + ENTER)
    ended(asked)
    assert re.search(r"\x1b\[\?100\d", tty.written.getvalue()) is None


class Dumb:
    """A dumb terminal: what is typed, line by line; an exception stands for a signal."""

    def __init__(self, *lines: str | type[BaseException]) -> None:
        self.lines = list(lines)

    def readline(self) -> str:
        line = self.lines.pop(0) if self.lines else ""
        if isinstance(line, str):
            return line
        raise line


def dumb(monkeypatch: pytest.MonkeyPatch, *lines: str | type[BaseException], encoding: str = "utf-8") -> Any:
    monkeypatch.setattr(sys, "stdin", Dumb(*lines))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    journal: Any = Journal("earlier")
    app: Any = SimpleNamespace(journal=journal, conversation=journal)
    return Terminal(app, lambda: BAR, {"TERM": "dumb"}, Clock())


def written() -> bytes:
    sys.stdout.flush()
    return sys.stdout.buffer.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_dumb_terminal_gets_the_bare_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = dumb(monkeypatch, "Qui a créé Redis ?\n", "/help")
    assert (terminal.ask(), terminal.ask()) == ("Qui a créé Redis ?", "/help")
    with pytest.raises(EOFError):
        terminal.ask()
    assert written() == "› › › ".encode()
    assert terminal._app.journal.kept == ["earlier", "Qui a créé Redis ?", "/help"]


def test_ctrl_c_at_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = dumb(monkeypatch, KeyboardInterrupt, "hello\n", KeyboardInterrupt, KeyboardInterrupt)
    assert terminal.ask() == "hello"
    terminal._clock.now += 5
    with pytest.raises(EOFError):
        terminal.ask()
    assert written() == "› \n› › \n› \n".encode()


def test_a_terminal_without_the_character_gets_another_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = dumb(monkeypatch, "hello\n", encoding="ascii")
    assert (terminal.ask(), written()) == ("hello", b"> ")
