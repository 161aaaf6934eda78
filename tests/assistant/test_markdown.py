"""Markdown on a terminal: what is shown while a text grows ends as what is shown of it at once, and nothing above is touched."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable, Sequence

import pyte
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant.screen import ReaderGone, Screen
from assistant.terminal import markdown
from assistant.terminal.lines import blocks, lines
from assistant.terminal.markdown import MarkdownStream, show_markdown

ANSWER = """# Réponse

GIDAF est hébergé par **SI-RAPP** depuis *2019* [chunk_383], voir la [documentation](https://example.org/doc).
Le port est `5432` [chunk_385]. <b>gras</b> &amp; 😀 漢字.

## Étapes

1. Installer le paquet, ce qui prend un certain temps sur une machine lente.
2. Lancer :
   ```sh
   pg_ctl start -D /var/lib/postgresql/data --log=/var/log/postgresql/server.log
   ```
   - un
     - deux

> Une citation du document, assez longue pour passer à la ligne.
> - avec une liste

| Logiciel | Licence | Port |
|---|:-:|--:|
| Gitea | MIT [chunk_177] | 3000 |
| PostgreSQL | PostgreSQL | 5432 |

---
Fin ~~barrée~~.
"""
ABOVE = ["one", "", "two"]


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(markdown, "time", clock)
    return clock


class Terminal(io.StringIO):
    """A terminal in memory, with some lines on it already."""

    def __init__(self, columns: int = 80, rows: int = 24, above: Sequence[str] = ABOVE) -> None:
        super().__init__()
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.Stream(self.screen)
        self.write("".join(f"{line}\n" for line in above))
        self.written = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written = getattr(self, "written", "") + text
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def lines(self) -> list[str]:
        """All lines, those that have scrolled out included, without blank ones at the end."""
        columns = range(self.screen.columns)
        rows = [*self.screen.history.top, *(self.screen.buffer[y] for y in range(self.screen.lines))]
        shown = "\n".join("".join(row[x].data for x in columns).rstrip() for row in rows)
        return shown.rstrip().split("\n")


class Shown:
    """A screen on a terminal of this size."""

    def __init__(self, columns: int = 80, rows: int = 24, **environ: str) -> None:
        self.terminal = Terminal(columns, rows)
        self.screen = Screen(self.terminal, self.terminal, environ)
        self.screen.size = lambda: pyte_size(self.terminal)  # type: ignore[method-assign]

    def stream(self, pieces: Iterable[str], clock: Clock) -> list[str]:
        stream = MarkdownStream(self.screen)
        for piece in pieces:
            clock.now += 1000
            stream.write(piece)
        stream.finish()
        return self.terminal.lines()

    def at_once(self, text: str) -> list[str]:
        show_markdown(text, self.screen)
        return self.terminal.lines()


def pyte_size(terminal: Terminal):  # type: ignore[no-untyped-def]
    import os

    return os.terminal_size((terminal.screen.columns, terminal.screen.lines))


def plain(text: str, width: int = 79) -> list[str]:
    return [line for block in blocks(text) for line in lines(block, width, styled=False)]


@pytest.mark.parametrize("columns", [20, 33, 80])
@pytest.mark.parametrize("rows", [4, 24, 200])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_streamed_answer_ends_as_the_same_shown_at_once(columns: int, rows: int, size: int, clock: Clock) -> None:
    pieces = [ANSWER[i : i + size] for i in range(0, len(ANSWER), size)]
    shown = Shown(columns, rows).stream(pieces, clock)
    assert shown == Shown(columns, rows).at_once(ANSWER)
    assert shown[: len(ABOVE)] == ABOVE


FRAGMENTS = st.sampled_from(
    ["# ", "## T", "- ", "  - ", "1. ", "10. ", "> ", "```", "```sh", "~~~", "    ", "| a | b |", "|---|--:|", "| c |", "---", "===", "-",
     "=", "\n", "\n", "\n\n", " ", "mot", "été", "un deux trois quatre cinq six", "a" * 30, "漢字漢字", "😀", "✔\ufe0f", "e\u0301",
     "**", "*", "_", "`", "[", "]", "(", ")", "[chunk_383]", "[chunk_383]: http://x\n", "[a](http://b)", "![i](j)", "<b>", "<!-- c -->",
     "<http://a.fr>", "&#x202e;", "&#27;", "&nbsp;", "\\", "\x1b[2J", "\x1b]0;t", "\x07", "\r\n", "\t", "\u202f!", "~~", "2019", "|", ":"]
)  # fmt: skip
MARKDOWN = st.lists(FRAGMENTS, max_size=40)


def end_as_at_once(clock: Clock, pieces: list[str], columns: int, rows: int) -> None:
    shown = Shown(columns, rows)
    streamed = shown.stream(pieces, clock)
    assert streamed == Shown(columns, rows).at_once("".join(pieces))
    assert streamed[: len(ABOVE)] == ABOVE
    sent = re.sub(r"\x1b\[(?:[\d;]*[mAKJ]|\?7[lh])", "", shown.terminal.written)
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", sent), "only our own control sequences"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MARKDOWN, st.integers(6, 60), st.integers(2, 12))
@example(["a\n", "b | c\n", "-|-", "x"], 40, 10)
@example(["- a\n", "1.", "5 b"], 40, 10)
@example(["Titre\n", "=", "\n\n", "mot"], 40, 10)
def test_any_markdown_in_any_pieces(clock: Clock, pieces: list[str], columns: int, rows: int) -> None:
    end_as_at_once(clock, pieces, columns, rows)


@pytest.mark.slow
@settings(max_examples=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MARKDOWN, st.integers(6, 60), st.integers(2, 12))
def test_any_markdown_in_any_pieces_at_length(clock: Clock, pieces: list[str], columns: int, rows: int) -> None:
    end_as_at_once(clock, pieces, columns, rows)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("abcé漢-,.()", min_size=1, max_size=12), min_size=1, max_size=40), st.integers(12, 50))
def test_words_are_not_broken(clock: Clock, words: list[str], columns: int) -> None:
    text = "x " + " ".join(words)
    shown = Shown(columns, 100).at_once(text)[len(ABOVE) :]
    assert " ".join(shown).split() == text.split() or max(map(len, words)) * 2 >= columns


def test_what_it_looks_like() -> None:
    assert Shown(44).at_once(ANSWER)[len(ABOVE) :] == [
        "Réponse",
        "",
        "GIDAF est hébergé par SI-RAPP depuis 2019",
        "[chunk_383], voir la documentation",
        "(https://example.org/doc).",
        "Le port est 5432 [chunk_385]. <b>gras</b> &",
        "😀 漢字.",
        "",
        "Étapes",
        "",
        "1. Installer le paquet, ce qui prend un",
        "   certain temps sur une machine lente.",
        "2. Lancer :",
        "     pg_ctl start -D",
        "     /var/lib/postgresql/data",
        "     --log=/var/log/postgresql/server.log",
        "   • un",
        "     • deux",
        "",
        "│ Une citation du document, assez longue",
        "│ pour passer à la ligne.",
        "│",
        "│ • avec une liste",
        "",
        "Logiciel         Licence       Port",
        "───────────────────────────────────",
        "Gitea        MIT [chunk_177]   3000",
        "PostgreSQL     PostgreSQL      5432",
        "",
        "────────────────────",
        "",
        "Fin barrée.",
    ]


@pytest.mark.parametrize(
    ("text", "styled"),
    [
        ("# Un\n", "\x1b[1;4mUn\x1b[0m"),
        ("### Un *deux*\n", "\x1b[1mUn \x1b[0m\x1b[1;3mdeux\x1b[0m"),
        ("a **b** `c`", "a \x1b[1mb\x1b[0m \x1b[32mc\x1b[0m"),
        ("**a [chunk_7]**", "\x1b[1ma \x1b[0m\x1b[1;36m[chunk_7]\x1b[0m"),
        ("[chunk_7](http://a.fr)", "\x1b[36m[chunk_7]\x1b[0m(http://a.fr)"),
        ("[chunk_7]: http://a.fr", "\x1b[36m[chunk_7]\x1b[0m: http://a.fr"),
        ("[a](http://b.fr)", "a\x1b[2m (http://b.fr)\x1b[0m"),
        ("<http://b.fr>", "http://b.fr"),
        ("![a](b.png)", "a\x1b[2m (b.png)\x1b[0m"),
        ("<script>a</script>", "<script>a</script>"),
        ("x&#x202e;y&#27;[2J", "xy\ufffd[2J"),
        # An entity cannot make a citation that nobody checked.
        ("&#91;chunk_7&#93; &amp; &nbsp;é", "&#91;chunk_7&#93; & \xa0é"),
        ("[chunk&#95;7]", "[chunk&#95;7]"),
        ("[ch&#x75;nk_&#55;] &lbrack;7&rsqb;", "[ch&#x75;nk_&#55;] &lbrack;7&rsqb;"),
    ],
)
def test_styles(text: str, styled: str) -> None:
    assert [line for block in blocks(text) for line in lines(block, 79, styled=True)] == [styled]


def test_a_table_that_is_too_wide_becomes_lines() -> None:
    table = "| Logiciel | Licence |\n|---|---|\n| PostgreSQL | libre |\n| Gitea | MIT |\n"
    assert plain(table, 15) == [
        "Logiciel:",
        "PostgreSQL",
        "Licence: libre",
        "",
        "Logiciel: Gitea",
        "Licence: MIT",
    ]


@pytest.mark.parametrize("text", ["voici la suite : un", "est-ce vrai ? Oui", "il dit « non » puis", "non ! Si"])
def test_french_marks_stay_with_their_word(text: str) -> None:
    for width in range(10, len(text) + 1):
        for line in plain(text, width):
            assert not re.match(r"[:;!?»]", line), (width, line)
            assert not line.endswith("«"), (width, line)


def test_finished_blocks_are_written_once(clock: Clock) -> None:
    shown = Shown()
    shown.stream("".join(f"Paragraphe {i}.\n\n" for i in range(200)), clock)
    # Once while it is the last block and grows by its last character, once when it is finished.
    assert shown.terminal.written.count("Paragraphe 7.") <= 3
    assert len(shown.terminal.written) < 200 * 1000


def test_a_block_taller_than_the_window_is_shown_whole_in_the_end(clock: Clock) -> None:
    code = "```\n" + "".join(f"line {i}\n" for i in range(200)) + "```\n"
    shown = Shown(40, 10)
    lines = shown.stream([*(code[i : i + 9] for i in range(0, len(code), 9)), "Fin"], clock)
    assert lines == [*ABOVE, *(f"  line {i}" for i in range(200)), "", "Fin"]


def test_a_resize_in_the_middle_leaves_what_stands_above(clock: Clock) -> None:
    shown = Shown(60, 40)
    stream = MarkdownStream(shown.screen)
    for at, char in enumerate(ANSWER):
        if at % 100 == 50:
            shown.terminal.screen.resize(columns=(30, 80, 45)[at // 100 % 3])
        clock.now += 1000
        stream.write(char)
    stream.finish()
    lines = shown.terminal.lines()
    assert [line.strip() for line in lines[:3]] == ABOVE
    assert lines[-1] == "Fin barrée."


@pytest.mark.parametrize("written", [True, False])
def test_ctrl_c_while_drawing_loses_nothing_and_touches_nothing_above(
    written: bool, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Shown()
    stream = MarkdownStream(shown.screen)
    stream.write("Un.\n\nDeux.\n\n")

    def interrupted(text: str) -> None:
        if written:
            shown.terminal.write(text)
        raise KeyboardInterrupt

    clock.now += 1000
    with monkeypatch.context() as patch:
        patch.setattr(shown.screen, "raw_out", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stream.write("Trois.")
    stream.finish()
    lines = shown.terminal.lines()
    assert lines[: len(ABOVE)] == ABOVE
    assert [line for line in lines if line][-3:] == ["Un.", "Deux.", "Trois."] or lines[-3:] == ["Deux.", "", "Trois."]


def test_drawing_takes_a_tenth_of_the_time(clock: Clock) -> None:
    shown = Shown()
    stream = MarkdownStream(shown.screen)
    stream.write("a ")
    drawn = shown.terminal.written
    clock.now += 0.04
    stream.write("b ")
    assert shown.terminal.written == drawn
    clock.now += 0.02
    stream.write("c")
    assert shown.terminal.lines()[-1] == "a b c"


def test_without_colours_a_terminal_is_still_redrawn(clock: Clock) -> None:
    shown = Shown(NO_COLOR="1")
    assert shown.stream(ANSWER, clock) == Shown().at_once(ANSWER)
    assert not re.search(r"\x1b\[[\d;]*m", shown.terminal.written)


def test_a_dumb_terminal_gets_the_text_as_it_is_with_lines_broken_between_words(clock: Clock) -> None:
    shown = Shown(20, 24, TERM="dumb")
    shown.stream(["# Un titre un peu lo", "ng\x1b[2J\n\nvoi", "là **tout**"], clock)
    assert shown.terminal.written == "# Un titre un peu \nlong\n\nvoilà **tout**\n"


def test_a_pipe_gets_the_text_as_it_is(clock: Clock) -> None:
    screen = Screen(io.StringIO(), io.StringIO(), {})
    stream = MarkdownStream(screen)
    shown = []
    for piece in ["# Un", " titre\x1b[", "1m\n", "x" * 100]:
        stream.write(piece)
        shown.append(screen.stdout.getvalue())  # type: ignore[attr-defined]
    stream.finish()
    assert shown == ["# Un", "# Un titre", "# Un titre\n", "# Un titre\n" + "x" * 100]
    assert screen.stdout.getvalue() == shown[-1] + "\n"  # type: ignore[attr-defined]


def test_nothing_is_written_of_nothing(clock: Clock) -> None:
    for environ in ({}, {"TERM": "dumb"}):
        assert Shown(**environ).stream(["", "\n"], clock) == ABOVE


def test_a_reader_that_is_gone() -> None:
    class Gone(Terminal):
        def flush(self) -> None:
            raise BrokenPipeError

    with pytest.raises(ReaderGone):
        show_markdown("a", Screen(Gone(), io.StringIO(), {}))


@pytest.mark.parametrize("unit", ["[", "*a ", "> ", "- ", "`", "| ", "a\n", "[chunk_7]", "**", "![", "<", "&"])
def test_hostile_text_is_shown_in_bearable_time(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.process_time()
    Shown().at_once(unit * (8000 // len(unit)))
    assert time.process_time() - start < 10
