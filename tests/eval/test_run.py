"""Running an evaluation: every case once, each answer kept, and what happens when it ends too soon."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from eval.log import AnswerLog, case_key
from eval.run import IN_A_ROW, EvaluationStopped, evaluate
from eval.types import Case, Response, Scored
from retrieval.errors import BadQuestion, GeneratorFailed, NoAccess, NoSpace
from retrieval.types import Message

CASES = tuple(Case(f"q{n}", f"Question {n} ?", answers=(f"{n}",), group=f"d{n // 3}") for n in range(1, 13))


class Answers:
    """Answers with the case's number; remembers what it was asked, and fails where it is told to."""

    def __init__(self, fails: Mapping[str, BaseException] | None = None) -> None:
        self.asked: list[str] = []
        self._fails = fails or {}

    def __call__(self, case: Case) -> Response:
        self.asked.append(case.id)
        if case.id in self._fails:
            raise self._fails[case.id]
        return Response(f"C'est {case.id[1:]}.", seconds=0.5, tokens=4)


def failing(*ids: str) -> dict[str, BaseException]:
    return {one: GeneratorFailed(f"no answer to {one}", "Start the server.") for one in ids}


def texts(scored: tuple[Scored, ...]) -> list[str]:
    return [one.response.text for one in scored]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@pytest.mark.parametrize("workers", [1, 4])
def test_every_case_is_asked_once_and_comes_back_in_its_place(log: Path, workers: int) -> None:
    answers = Answers()
    scored = evaluate(CASES, answers, log, workers)
    assert sorted(answers.asked) == sorted(case.id for case in CASES)
    assert [one.case for one in scored] == list(CASES)
    assert texts(scored) == [f"C'est {n}." for n in range(1, 13)]
    assert all(one.scores["contains"] == 1.0 for one in scored)
    assert len(log.read_bytes().splitlines()) == len(CASES)


def test_several_are_asked_at_the_same_time(log: Path) -> None:
    together = threading.Barrier(4)

    def answer(case: Case) -> Response:
        together.wait(timeout=30)
        return Response(case.id)

    assert len(evaluate(CASES, answer, log, 4)) == len(CASES)


def test_what_was_answered_is_not_asked_again(log: Path) -> None:
    first = evaluate(CASES[:7], Answers(), log)
    told: list[tuple[int, int]] = []
    answers = Answers()
    scored = evaluate(CASES, answers, log, progress=lambda done, total: told.append((done, total)))
    assert answers.asked == [case.id for case in CASES[7:]]
    assert scored[:7] == first
    assert told[0] == (7, 12)
    assert told[-1] == (12, 12)


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line_is_told_and_asked_again(log: Path, cut: int) -> None:
    whole = evaluate(CASES, Answers(), log)
    log.write_bytes(log.read_bytes()[:-cut])
    told: list[str] = []
    answers = Answers()
    assert evaluate(CASES, answers, log, tell=told.append) == whole
    # A line that lacks only its end of line is whole.
    assert answers.asked == ([] if cut == 1 else ["q12"])
    assert len(told) == (cut > 1)
    assert evaluate(CASES, Answers(), log, tell=told.append) == whole
    assert len(told) == (cut > 1), "the log is whole again"
    assert len(AnswerLog(log).read()[0]) == len(CASES)


def test_answers_of_another_log_are_used_only_where_they_are_of_the_same(tmp_path: Path) -> None:
    evaluate(CASES, Answers(), tmp_path / "a", identity="rag")
    same, other = Answers(), Answers()
    evaluate(CASES, same, tmp_path / "b", identity="rag", earlier=[tmp_path / "a", tmp_path / "none"])
    evaluate(CASES, other, tmp_path / "c", identity="hybrid", earlier=[tmp_path / "a"])
    assert same.asked == []
    assert len(other.asked) == len(CASES)


def test_an_answer_depends_on_what_is_asked_and_on_nothing_else() -> None:
    case = CASES[0]
    same = Case(case.id, case.question, answers=("another",), type="who", group="x", gold=("chunk_1",))
    assert case_key(same, "m") == case_key(case, "m")
    others = (
        case_key(case),
        case_key(Case("other", case.question), "m"),
        case_key(Case(case.id, "Another?"), "m"),
        case_key(Case(case.id, case.question, language="en"), "m"),
        case_key(Case(case.id, case.question, messages=(Message("user", "?"),)), "m"),
    )
    assert len({case_key(case, "m"), *others}) == 6


def test_a_case_that_fails_is_counted_and_asked_again_next_time(log: Path) -> None:
    scored = evaluate(CASES, Answers(failing("q3", "q8")), log)
    assert [one.case.id for one in scored if one.response.error] == ["q3", "q8"]
    assert scored[2].response.error == "no answer to q3"
    assert (scored[2].scores["errors"], scored[2].scores["latency"]) == (1.0, None)
    answers = Answers()
    again = evaluate(CASES, answers, log)
    assert answers.asked == ["q3", "q8"]
    assert not any(one.response.error for one in again)


def test_failures_in_a_row_end_it_with_what_was_answered_kept(log: Path) -> None:
    dead = Answers(failing(*(f"q{n}" for n in range(4, 13))))
    with pytest.raises(EvaluationStopped) as stopped:
        evaluate(CASES, dead, log)
    assert f"{IN_A_ROW} cases in a row got no answer: no answer to q8" in stopped.value.message
    assert "Start the server." in stopped.value.hint
    answers = Answers()
    scored = evaluate(CASES, answers, log)
    assert answers.asked == [f"q{n}" for n in range(4, 13)]
    assert scored == evaluate(CASES, Answers(), log.with_name("whole"))


def test_an_answer_between_failures_begins_the_row_anew(log: Path) -> None:
    ids = [f"q{n}" for n in range(1, 13) if n != IN_A_ROW]
    scored = evaluate(CASES[: 2 * IN_A_ROW - 1], Answers(failing(*ids)), log)
    assert sum(bool(one.response.error) for one in scored) == 2 * IN_A_ROW - 2


def test_questions_that_nobody_can_be_asked_do_not_end_it(log: Path) -> None:
    bad = {case.id: BadQuestion("It is too long.") for case in CASES[:10]}
    scored = evaluate(CASES, Answers(bad), log)
    assert sum(one.response.error == "It is too long." for one in scored) == 10


@pytest.mark.parametrize("workers", [1, 3])
def test_a_bug_is_raised_once_what_was_done_is_kept(log: Path, workers: int) -> None:
    with pytest.raises(ZeroDivisionError):
        evaluate(CASES, Answers({"q9": ZeroDivisionError()}), log, workers)
    kept = AnswerLog(log).read()[0]
    assert {case_key(CASES[n]) for n in range(6)} <= kept.keys()
    assert case_key(CASES[8]) not in kept


def test_ctrl_c_keeps_what_was_answered_and_what_comes_meanwhile(log: Path) -> None:
    def stop_at_three(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    def slow(case: Case) -> Response:
        time.sleep(0.02)
        return Response(case.id)

    with pytest.raises(KeyboardInterrupt):
        evaluate(CASES, slow, log, 2, stop_at_three)
    kept = len(AnswerLog(log).read()[0])
    assert 3 <= kept < len(CASES)
    assert not [thread for thread in threading.enumerate() if thread.name == "eval" and thread.is_alive()]
    answers = Answers()
    evaluate(CASES, answers, log)
    assert len(answers.asked) == len(CASES) - kept


def test_a_log_that_cannot_be_written_is_said(log: Path) -> None:
    (log.parent / "taken").write_text("a file, where a folder should be")
    with pytest.raises(NoAccess, match="taken"):
        evaluate(CASES, Answers(), log.parent / "taken" / "log.jsonl")


def test_a_full_disk_is_said_and_loses_nothing(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., None] = AnswerLog.append

    def append(self: AnswerLog, key: str, response: Response) -> None:
        if response.text == "C'est 6.":
            raise NoSpace("No space left.")
        real(self, key, response)

    monkeypatch.setattr(AnswerLog, "append", append)
    with pytest.raises(NoSpace):
        evaluate(CASES, Answers(), log)
    monkeypatch.undo()
    answers = Answers()
    evaluate(CASES, answers, log)
    assert answers.asked[0] == "q6"
    assert len(answers.asked) <= 7


def test_a_line_that_somebody_else_wrote_is_left_out(log: Path) -> None:
    evaluate(CASES[:2], Answers(), log)
    strange = [
        b"[]",
        b"{}",
        b'{"key": 1}',
        b'{"key": "x", "response": {"text": 5, "seconds": "soon"}}',
        b"\xff",
        b"null",
    ]
    log.write_bytes(b"\n".join([*strange, log.read_bytes()]))
    known, unread = AnswerLog(log).read()
    assert (len(known), unread) == (2, len(strange))


def test_whatever_a_model_says_can_be_kept_and_read(log: Path) -> None:
    text = 'lone \ud83d, nul \0, "quotes"\n\u2028 é'
    kept = AnswerLog(log)
    kept.append("k", Response(text, retrieved=(("chunk_1", "a.md"),)))
    found, unread = kept.read()
    assert unread == 0
    assert found["k"].text == text.replace("\ud83d", "?")
    assert found["k"].retrieved == (("chunk_1", "a.md"),)
    assert json.loads(log.read_bytes())["key"] == "k"
