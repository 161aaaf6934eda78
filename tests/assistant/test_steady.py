"""The layer that retries and bounds the time, over models that do what a test says."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest

from assistant.generators.base import Cut, Options
from assistant.generators.models.faults import (
    ConnectionLost,
    ContextTooLong,
    Empty,
    RateLimited,
    ServerFailed,
    TimedOut,
    Unauthorized,
)
from assistant.generators.models.steady import ATTEMPTS, steady
from retrieval.errors import GeneratorFailed
from retrieval.types import Message

ASKED = (Message("user", "Quel port ?"),)
Step = str | Exception | Callable[["Scripted"], None]


class Scripted:
    """Each attempt says its texts, raises its errors, or waits."""

    name = "scripted:m"

    def __init__(self, *attempts: Sequence[Step]) -> None:
        self.attempts = list(attempts)
        self.timeouts: list[float] = []
        self.closed = threading.Event()

    def context(self) -> int:
        return 100

    def count(self, messages: Sequence[Message]) -> int:
        return 1

    def stream(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        self.timeouts.append(options.timeout)
        for step in self.attempts[min(len(self.timeouts), len(self.attempts)) - 1]:
            if isinstance(step, str):
                yield step
            elif isinstance(step, Exception):
                raise step
            else:
                step(self)

    def close(self) -> None:
        self.closed.set()


class Time:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def hang(model: Scripted) -> None:
    if model.closed.wait(10):
        raise ConnectionLost("broken off")


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "answer"]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    until = time.monotonic() + 1
    while threads() and time.monotonic() < until:
        time.sleep(0.01)
    assert not threads()


def run(model: Scripted, seconds: float = 60, at: Time | None = None) -> list[str | Cut]:
    at = at or Time()
    return list(steady(model, ASKED, Options(timeout=seconds), clock=at.clock, sleep=at.sleep))


def test_the_answer_as_it_comes_without_blanks_before_it() -> None:
    model = Scripted(["\n", "  Le", " port", "\n"])
    assert run(model) == ["Le", " port", "\n"]
    assert not model.closed.is_set()


def test_an_answer_longer_than_was_asked_for_is_cut() -> None:
    model = Scripted([" " * 9_000, "a" * 49_000, "b" * 1_000_000, "c"])
    *pieces, cut = list(steady(model, ASKED, Options(max_tokens=1000)))
    assert "".join(map(str, pieces)) == "a" * 49_000 + "b" * 1_000
    assert isinstance(cut, Cut)
    assert "max_tokens (1000)" in cut.reason
    assert model.closed.is_set()


def test_faults_that_may_pass_are_tried_again() -> None:
    at = Time()
    model = Scripted([ServerFailed("a")], [ConnectionLost("b")], [RateLimited("c")], ["oui"])
    assert run(model, at=at) == ["oui"]
    assert len(at.waits) == 3
    for wait, longest in zip(at.waits, (0.5, 1, 2), strict=True):
        assert longest / 2 <= wait <= longest
    assert model.timeouts == [60, *(pytest.approx(60 - sum(at.waits[:n])) for n in (1, 2, 3))]


def test_attempts_are_bounded() -> None:
    model = Scripted([ServerFailed("down")])
    with pytest.raises(ServerFailed, match="down"):
        run(model)
    assert len(model.timeouts) == ATTEMPTS == 4


@pytest.mark.parametrize("fault", [Unauthorized("no"), ContextTooLong("long", limit=7), TimedOut("late")])
def test_other_faults_are_raised_at_once(fault: GeneratorFailed) -> None:
    model = Scripted([fault])
    with pytest.raises(type(fault)) as caught:
        run(model)
    assert caught.value is fault
    assert len(model.timeouts) == 1


def test_the_wait_a_server_asks_for_is_kept() -> None:
    at = Time()
    assert run(Scripted([RateLimited("a", retry_after=7)], [ServerFailed("b", retry_after=0)], ["oui"]), at=at) == [
        "oui"
    ]
    assert at.waits == [7, 0]


def test_a_wait_that_does_not_fit_is_not_begun() -> None:
    at = Time()
    with pytest.raises(RateLimited):
        run(Scripted([RateLimited("a", retry_after=31)]), 30, at)
    assert at.waits == []


def test_all_attempts_share_the_time() -> None:
    at = Time()
    model = Scripted([ServerFailed("a", retry_after=20)])
    with pytest.raises(ServerFailed):
        run(model, 50, at)
    assert at.waits == [20, 20]
    assert model.timeouts == [50, 30, 10]


@pytest.mark.parametrize("fault", [ServerFailed("It is down.", "Wait."), ContextTooLong("long"), Unauthorized("no")])
def test_after_text_a_fault_ends_the_answer(fault: GeneratorFailed) -> None:
    model = Scripted(["Le", fault])
    assert run(model) == ["Le", Cut(fault.message.removesuffix("."), fault.hint)]
    assert len(model.timeouts) == 1


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_an_answer_without_text_is_a_fault(texts: list[str]) -> None:
    model = Scripted(texts)
    with pytest.raises(Empty) as caught:
        run(model)
    assert caught.value.hint
    assert len(model.timeouts) == 1


@pytest.mark.parametrize("begun", [False, True])
def test_a_bug_in_a_model_stays_one(begun: bool) -> None:
    with pytest.raises(ZeroDivisionError):
        run(Scripted([*(["Le"] if begun else []), ZeroDivisionError()]))


@pytest.mark.parametrize("begun", [False, True])
def test_a_model_that_hangs_is_left_in_time(begun: bool) -> None:
    model = Scripted([*(["Le"] if begun else []), hang])
    start = time.monotonic()
    if begun:
        *text, cut = steady(model, ASKED, Options(timeout=0.3))
        assert text == ["Le"]
        assert isinstance(cut, Cut)
        assert "0.3 s" in cut.reason
    else:
        with pytest.raises(TimedOut, match=r"0\.3 s"):
            list(steady(model, ASKED, Options(timeout=0.3)))
    assert 0.3 <= time.monotonic() - start < 15
    assert model.closed.is_set()


def test_pieces_without_text_do_not_hold_up_the_end() -> None:
    model = Scripted([hang_softly for _ in range(1000)])
    with pytest.raises(TimedOut):
        list(steady(model, ASKED, Options(timeout=0.3)))


def hang_softly(model: Scripted) -> None:
    if model.closed.wait(0.01):
        raise ConnectionLost("broken off")


@pytest.mark.parametrize("text", ["", "Le"])
def test_an_interrupt_is_prompt(text: str) -> None:
    model = Scripted([text, hang])
    interrupting = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    heard: list[str | Cut] = []
    start = time.monotonic()
    interrupting.start()
    with closing(steady(model, ASKED, Options(timeout=30))) as pieces, pytest.raises(KeyboardInterrupt):
        heard.extend(pieces)
    assert time.monotonic() - start < 15
    assert heard == ([text] if text else [])
    assert model.closed.is_set()
    interrupting.join()


def test_an_answer_that_is_not_wanted_any_more_is_broken_off() -> None:
    model = Scripted(["Le", hang])
    pieces = steady(model, ASKED, Options(timeout=30))
    assert next(pieces) == "Le"
    pieces.close()
    assert model.closed.is_set()


def test_nothing_begins_before_it_is_asked_for() -> None:
    model = Scripted(["Le"])
    steady(model, ASKED, Options()).close()
    assert model.timeouts == []


def test_ctrl_c_while_the_reader_starts_breaks_the_answer_off(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scripted([lambda m: m.closed.wait(60) and None, "too late"])
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        if thread.name == "answer":
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(steady(model, ASKED, Options(timeout=60)))
    assert model.closed.is_set()
