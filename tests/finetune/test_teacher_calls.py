"""Many questions to one teacher: order, limits, the file of replies, and the estimate before it starts."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.prices import Price, Prices, load_prices
from finetune.sources import SourceChunk, SourceDocument
from finetune.teacher.calls import Calls, TeacherStopped, Unanswered
from finetune.teacher.estimate import estimate, teaching, tokens_of, work_of
from finetune.teacher.pace import Limited, Pace
from finetune.teacher.prompts import Reading, asking
from finetune.teacher.replies import Failed, Replies, key_of
from retrieval.errors import GeneratorFailed, LibraryDamaged
from retrieval.types import Message

FAULT = GeneratorFailed("It is out of order.", "Mend it.")


class Ask:
    """Answers with what it is asked, turned round; `faults` come first."""

    def __init__(self, *faults: Exception, barrier: threading.Barrier | None = None) -> None:
        self.faults = list(faults)
        self.asked: list[str] = []
        self._barrier = barrier

    def __call__(self, messages: Sequence[Message], stopped: threading.Event) -> str:
        self.asked.append(messages[0].content)
        if self._barrier is not None:
            self._barrier.wait(15)
        if self.faults:
            raise self.faults.pop(0)
        return messages[0].content[::-1]

    def close(self) -> None: ...


def prompts(*texts: str) -> list[list[Message]]:
    return [[Message("user", text)] for text in texts]


def silent(final: bool = False) -> Unanswered:
    return Unanswered("no reply", FAULT, final=final)


@given(st.lists(st.text(max_size=3), max_size=30), st.integers(1, 5))
def test_replies_come_in_order_whatever_the_number_of_workers(texts: list[str], workers: int) -> None:
    calls = Calls("t", [Ask() for _ in range(workers)], {})
    assert list(calls.ask_all(prompts(*texts))) == [text[::-1] for text in texts]


def test_workers_ask_at_the_same_time() -> None:
    barrier = threading.Barrier(3)
    calls = Calls("t", [Ask(barrier=barrier) for _ in range(3)], {})
    assert len(list(calls.ask_all(prompts(*"abcdef")))) == 6


def test_a_silence_is_told_and_the_next_question_asked() -> None:
    calls = Calls("t", [Ask(silent(), silent(final=True))], {})
    assert list(calls.ask_all(prompts("a", "b", "c"))) == [Failed("no reply"), Failed("no reply"), "c"]


def test_too_many_silences_in_a_row_end_the_run() -> None:
    ask = Ask(*[silent()] * 9)
    with pytest.raises(TeacherStopped, match="out of order"):
        list(Calls("t", [ask], {}).ask_all(prompts(*"abcdefghi")))
    assert len(ask.asked) == 5


def test_silences_between_replies_do_not() -> None:
    class Moody(Ask):
        def __call__(self, messages: Sequence[Message], stopped: threading.Event) -> str:
            self.faults = [silent()] if len(self.asked) % 4 else []
            return super().__call__(messages, stopped)

    assert sum(isinstance(r, Failed) for r in Calls("t", [Moody()], {}).ask_all(prompts(*map(str, range(20))))) == 15


def test_a_bug_is_no_user_error() -> None:
    with pytest.raises(ZeroDivisionError):
        list(Calls("t", [Ask(ZeroDivisionError())], {}).ask_all(prompts("a")))


def test_a_reply_is_kept_before_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "teacher.sqlite3"
    with Calls("t", [Ask()], {"seed": 1}, Replies(file)) as calls:
        replies = calls.ask_all(prompts("abc", "xyz"))
        assert next(replies) == "cba"
        with sqlite3.connect(file) as db:
            assert ("cba",) in db.execute("SELECT reply FROM replies").fetchall()
        db.close()
        replies.close()
        assert calls.is_kept(prompts("abc")[0])
        assert not calls.is_kept(prompts("nothing")[0])


def test_what_is_kept_is_not_asked_again_and_passing_silence_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "teacher.sqlite3"
    with Calls("t", [Ask(silent(), silent(final=True))], {}, Replies(file)) as calls:
        first = list(calls.ask_all(prompts("ab", "cd", "ef")))
    ask = Ask()
    with Calls("t", [ask], {}, Replies(file)) as calls:
        assert list(calls.ask_all(prompts("ab", "cd", "ef"))) == ["ba", *first[1:]]
    assert ask.asked == ["ab"]


def test_the_file_of_replies_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "teacher.sqlite3"
    replies = Replies(file)
    for n in range(30):
        replies.keep(str(n), f"reply {n}")
    replies.close()
    replies = Replies(file, most=10)
    assert [n for n in range(30) if replies.get(str(n)) is not None] == list(range(20, 30))
    replies.close()


@pytest.mark.parametrize("damage", [b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 9000, b"text"])
def test_a_damaged_file_names_itself_and_the_fix(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "teacher.sqlite3"
    file.write_bytes(damage)
    with pytest.raises(LibraryDamaged) as caught:
        Replies(file)
    assert str(file) in caught.value.message
    assert "Move it away" in caught.value.hint


def test_a_reply_that_is_no_text_is_damage(tmp_path: Path) -> None:
    replies = Replies(tmp_path / "teacher.sqlite3")
    with replies.transaction() as db:
        db.execute("INSERT INTO replies(key, reply) VALUES ('k', x'00ff')")
    with pytest.raises(LibraryDamaged):
        replies.get("k")
    replies.close()


@given(st.text())
def test_any_reply_can_be_kept(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        replies = Replies(Path(folder) / "r.sqlite3")
        replies.keep("k", text)
        kept = replies.get("k")
        replies.close()
    assert kept == text.encode("utf-8", "replace").decode()


def test_the_key_is_of_everything_that_decides_a_reply() -> None:
    messages = prompts("a")[0]
    keys = {
        key_of("m", {"seed": 1}, messages),
        key_of("n", {"seed": 1}, messages),
        key_of("m", {"seed": 2}, messages),
        key_of("m", {"seed": 1}, [*messages, *messages]),
        key_of("m", {"seed": 1}, [Message("system", "a")]),
    }
    assert len(keys) == 5
    assert key_of("m", {"a": 1, "b": 2}, messages) == key_of("m", {"b": 2, "a": 1}, messages)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_limit_is_waited_for_as_long_as_the_service_asks() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    pace.limited(Limited(30, FAULT))
    pace.limited(Limited(10, FAULT))
    pace.wait(Passing(clock))
    assert clock.now == 130


def test_waits_grow_where_the_service_does_not_say_and_patience_ends() -> None:
    clock = Clock()
    pace = Pace(patience=100, clock=clock)
    assert [waited(pace, clock) for _ in range(6)] == [1, 2, 4, 8, 16, 32]
    with pytest.raises(GeneratorFailed) as caught:
        waited(pace, clock)
    assert caught.value is FAULT
    pace.answered()
    assert waited(pace, clock) == 1


def waited(pace: Pace, clock: Clock) -> float:
    """Seconds that a limit takes."""
    pace.limited(Limited(None, FAULT))
    before, stopped = clock.now, Passing(clock)
    pace.wait(stopped)
    return clock.now - before


class Passing(threading.Event):
    """Never set; waiting for it takes the time of a clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now += timeout or 0
        return False


def test_an_interrupted_wait_ends() -> None:
    pace, stopped = Pace(), threading.Event()
    pace.limited(Limited(300, FAULT))
    stopped.set()
    pace.wait(stopped)


def readings(count: int) -> list[Reading]:
    chunks = [SourceChunk(n, f"Le service {n} écoute sur le port {n}. " * 20) for n in range(count)]
    return [
        Reading(SourceDocument(n, f"{n}.md", f"Service {n}", "fr", (chunk,)), chunk) for n, chunk in enumerate(chunks)
    ]


def test_the_estimate_counts_calls_tokens_dollars_and_time() -> None:
    prices = Prices("2026-01-01", {"m": Price(1.0, 10.0, None, "2026-01-01")})
    chunks = readings(10)
    found = estimate(teaching("openai:m", "openai:m", chunks, 3, lambda messages: False), prices, 4)
    asked, blind = found.works
    assert (asked.calls, blind.calls, found.calls, found.kept) == (10, 40, 50, 0)
    assert asked.prompt_tokens == sum(tokens_of(asking(reading, 3)) for reading in chunks)
    assert found.dollars == pytest.approx(
        (asked.prompt_tokens + blind.prompt_tokens + 10 * (asked.output_tokens + blind.output_tokens)) / 1e6
    )
    assert found.seconds == pytest.approx((50 + (asked.output_tokens + blind.output_tokens) / 40) / 4)
    assert not found.free
    said = "\n".join(found.lines())
    assert all(words in said for words in ("about 50 to openai:m", "by the prices of 2026-01-01", "assuming 4 workers"))


def test_what_was_paid_before_is_not_counted_again() -> None:
    chunks = readings(4)
    kept = asking(chunks[0], 3)
    found = estimate(
        teaching("openai:m", "openai:m", chunks, 3, lambda messages: messages == kept), load_prices(None), 1
    )
    assert (found.calls, found.kept) == (20, 5)
    assert "5 of them paid before" in found.lines()[0]
    whole = estimate(teaching("openai:m", "openai:m", chunks, 3, lambda messages: True), load_prices(None), 1)
    assert (whole.calls, whole.kept, whole.seconds) == (20, 20, 0)


def test_prices_that_nobody_knows_and_none_that_are_needed() -> None:
    def of(teacher: str, judge: str) -> str:
        return estimate(teaching(teacher, judge, readings(2), 3, lambda m: False), load_prices(None), 1).lines()[2]

    assert "free" in of("ollama:llama3.1", "hf:./x")
    assert "price unknown" in of("openai:mystery", "openai:gpt-4o")
    assert "price unknown" in of("openai:mystery", "ollama:x")
    assert "about $" in of("ollama:x", "openai:gpt-4o-mini")


def test_nothing_to_read_costs_nothing() -> None:
    found = estimate(teaching("openai:gpt-4o", "openai:gpt-4o", [], 3, lambda m: False), load_prices(None), 1)
    assert (found.calls, found.dollars, found.seconds) == (0, 0.0, 0.0)


def test_other_calls_are_estimated_too() -> None:
    work = work_of("openai:gpt-4o", prompts("a" * 35, "b" * 70), 50, lambda messages: False)
    assert (work.calls, work.prompt_tokens, work.output_tokens) == (2, 10 + 20 + 8, 100)
