import errno
import io
import json

import pytest

from assistant import screen as screen_module
from assistant.progress import SyncProgress
from assistant.screen import OutputFailed, Progress, ReaderGone, Screen, bold, dim, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Gone(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


class Full(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


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


def test_a_column_that_is_to_stay_whole_is_not_cut(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    screen = make(NO_COLOR="1")
    screen.table(("a", "b"), [("x" * 20, "y" * 15)], whole=("a",))
    screen.table(("a", "b"), [("x" * 40, "y" * 15)], whole=("a", "b"))
    _, cut, _, kept = screen.stdout.getvalue().splitlines()
    assert cut == "x" * 20 + "  " + "y" * 7 + "…"
    assert kept == "x" * 40 + "  " + "y" * 15


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
            clock.now = 2.0
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        work()
    assert screen.stderr.getvalue().startswith("Indexing: 1/4 (25%)")


def test_progress_of_nothing_does_not_divide_by_zero(clock):
    assert Progress(make(), 0, "Indexing").line(0.0) == "Indexing"


def test_work_that_counts_nothing_has_its_name_and_how_long_it_took(clock):
    screen = make(io.StringIO)
    with screen.progress(None, "writing the index"):
        clock.now = 3.0
    assert screen.stderr.getvalue() == "writing the index, took 3.0 s\n"


@pytest.mark.parametrize(("kind", "shown"), [(io.StringIO, ""), (Terminal, "reading: 1/1 (100%), 2/s, took 0.5 s\n")])
def test_short_work_is_said_on_a_terminal_only(clock, kind, shown):
    screen = make(kind)
    with screen.progress(1, "reading") as bar:
        clock.now = 0.5
        bar._every = 10.0
        bar.advance()
    assert screen.stderr.getvalue() == shown


def test_a_stage_that_ends_has_done_all_of_its_work(clock):
    screen = make()
    with SyncProgress(screen) as progress:
        progress("reading", 0, 2)
        clock.now = 2.0
        progress("reading", 1, 2)
        clock.now = 4.0
        progress("writing the index", 0, None)
        clock.now = 5.0
    ends = [line for line in screen.stderr.getvalue().splitlines() if "took" in line]
    assert [line.rsplit("\x1b[K", 1)[-1] for line in ends] == [
        "reading: 2/2 (100%), 0.5/s, took 4.0 s", "writing the index, took 1.0 s",
    ]  # fmt: skip


def test_a_stage_that_is_broken_off_keeps_its_count(clock):
    screen = make(io.StringIO)

    def work():
        with SyncProgress(screen) as progress:
            progress("reading", 1, 4)
            clock.now = 2.0
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert screen.stderr.getvalue() == "reading: 1/4 (25%), 0.5/s, took 2.0 s\n"


def test_a_disk_that_is_full_is_an_error_of_standard_output_only():
    screen = Screen(Full(), Full(), {})
    with pytest.raises(OutputFailed, match="cannot write to standard output: No space left on device"):
        screen.out("x")
    screen.note("x")


def test_a_table_without_headers_begins_with_its_rows():
    screen = make(io.StringIO)
    screen.table(("", ""), [("a", "b")])
    assert screen.stdout.getvalue() == "a  b\n"


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
