import io
import json

import pytest

from assistant import screen as screen_module
from assistant.screen import Progress, ReaderGone, Screen, bold, dim, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Gone(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(screen_module, "time", clock)
    return clock


def make(kind=Terminal, **environ):
    return Screen(kind(), kind(), environ)


def test_results_go_to_stdout_and_messages_to_stderr():
    screen = make()
    screen.out("résultat")
    screen.note("message")
    screen.error("raté", "Essayez ceci.")
    assert screen.stdout.getvalue() == "résultat\n"
    assert screen.stderr.getvalue() == "message\n\x1b[31mdyag: \x1b[0mraté\nEssayez ceci.\n"


@pytest.mark.parametrize(
    ("kind", "environ"), [(io.StringIO, {}), (Terminal, {"NO_COLOR": "1"}), (Terminal, {"TERM": "dumb"})]
)
def test_plain_text_where_styles_are_unwanted(kind, environ):
    screen = make(kind, **environ)
    screen.out(bold("titre"), " ", dim("lieu"))
    assert screen.stdout.getvalue() == "titre lieu\n"


def test_styles_on_a_terminal_wrap_text_that_cannot_style_itself():
    screen = make()
    screen.out(bold("ti\x1b[5mtre"), "\x1b]52;c;eA==\x07 x")
    assert screen.stdout.getvalue() == "\x1b[1mtitre\x1b[0m x\n"


def test_json_keeps_the_data_but_escapes_what_steers_a_terminal():
    screen = make()
    screen.json({"é": "\x9b31m\u202e"})
    assert screen.stdout.getvalue() == '{"é": "\\u009b31m\\u202e"}\n'
    assert json.loads(screen.stdout.getvalue()) == {"é": "\x9b31m\u202e"}


def test_a_stream_that_cannot_encode_gets_question_marks_and_ascii_json():
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    screen = Screen(stdout, io.StringIO(), {})
    screen.out("é → €")
    screen.json("→")
    screen.flush()
    assert stdout.buffer.getvalue().decode("latin-1") == 'é ? ?\n"\\u2192"\n'


def test_table_aligns_columns_and_numbers():
    screen = make(io.StringIO)
    screen.table(("nom", "n"), [("été", 5), ("漢字漢字", 1000), ("sur\ndeux", 7)])
    assert screen.stdout.getvalue().splitlines() == [
        "nom          n",
        "été          5",
        "漢字漢字  1000",
        "sur deux     7",
    ]


def test_table_fits_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    screen = make(NO_COLOR="1")
    screen.table(("a", "b"), [("x" * 50, "court"), ("y", "z" * 12)])
    assert screen.stdout.getvalue().splitlines()[1:] == ["x" * 15 + "…  court", "y" + " " * 17 + "z" * 12]


def test_table_without_rows_shows_its_headers():
    screen = make(io.StringIO)
    screen.table(("a", "b"), [])
    assert screen.stdout.getvalue() == "a  b\n"


def test_progress_on_a_file_is_a_line_every_ten_seconds_and_one_at_the_end(clock):
    screen = make(io.StringIO)
    with screen.progress(40, "Indexing") as bar:
        for _ in range(40):
            clock.now += 0.5
            bar.advance()
    assert screen.stderr.getvalue().splitlines() == [
        "Indexing: 20/40 (50%), 2/s, 10 s left",
        "Indexing: 40/40 (100%), 2/s, 0.0 s left",
        "Indexing: 40/40 (100%), 2/s, took 20 s",
    ]
    assert screen.stdout.getvalue() == ""


def test_progress_on_a_terminal_redraws_and_gives_way_to_messages(clock):
    screen = make()
    with screen.progress(None, "Reading\x1b[2J") as bar:
        clock.now = 1.0
        bar.advance(3)
        screen.note("skipped x.pdf")
        clock.now = 2.0
    assert screen.stderr.getvalue() == "\rReading: 3, 3/s\x1b[K\r\x1b[Kskipped x.pdf\nReading: 3, 1.5/s, took 2.0 s\n"


def test_progress_that_fails_still_says_how_far_it_came(clock):
    screen = make(io.StringIO)

    def work():
        with screen.progress(4, "Indexing") as bar:
            bar.advance()
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        work()
    assert screen.stderr.getvalue().startswith("Indexing: 1/4 (25%)")


def test_progress_of_nothing_does_not_divide_by_zero(clock):
    assert Progress(make(), 0, "Indexing").line(0.0) == "Indexing: 0, 0/s"


def test_a_closed_pipe_is_told_apart_from_other_errors():
    screen = Screen(Gone(), Gone(), {})
    with pytest.raises(ReaderGone):
        screen.out("x")
    with pytest.raises(ReaderGone):
        screen.note("x")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (23.4, "23 s"), (125, "2 min 05 s"), (3599.7, "1 h 00 min"), (3720, "1 h 02 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
