"""A teacher behind a real client and a server on this machine: faults, limits, workers, kills, and what is paid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from fake_provider import CHAT, KEY, FakeProvider, Reply, Talk, delta, hang, refused_port, sse, status, stream
from fake_teacher import REFUSALS, FakeTeacher, find, readings

from assistant.app import App
from assistant.command import BadUsage
from assistant.screen import Screen
from assistant.teacher import confirm, load_asker
from assistant.workspace import Home
from finetune.drops import Drops
from finetune.examples import Example
from finetune.prices import load_prices
from finetune.teacher.calls import Calls, TeacherStopped
from finetune.teacher.estimate import Estimate, estimate, teaching
from finetune.teacher.method import TeacherUnfit, examples
from retrieval.errors import BadSetting, LibraryDamaged, UserError

CHILD = Path(__file__).resolve().parent.parent / "support" / "teaching_child.py"
SLOW = 60.0
"""Seconds for what takes one, on a busy machine."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("assistant.generators.models.steady.FIRST_WAIT", 0.01)
    monkeypatch.setattr("finetune.teacher.pace.FIRST_WAIT", 0.01)
    monkeypatch.setattr("finetune.teacher.method.REFUSALS", 1.0)  # so that what is asked is easily counted


@pytest.fixture(autouse=True)
def no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nor a connection: every asker of a test is closed at its end."""
    loaded: list[Calls] = []
    init = Calls.__init__
    monkeypatch.setattr(Calls, "__init__", lambda self, *a, **k: (init(self, *a, **k), loaded.append(self))[0])
    yield
    for asker in loaded:
        asker.close()
    for thread in [t for t in threading.enumerate() if t.name in ("answer", "teacher")]:
        thread.join(15)
        assert not thread.is_alive()


def app_in(home: Path, **settings: str) -> App:
    return App(Home(home, "test"), {name.replace("__", "."): value for name, value in settings.items()})


def load(home: Path, server: FakeProvider, workers: int = 4, **settings: str) -> Calls:
    return load_asker(app_in(home, **settings), f"openai:m@{server.url}/v1", workers)


def made(asker: Calls, chunks: int = 6, drops: Drops | None = None) -> list[Example]:
    return list(examples(readings(chunks), asker, find, 1, drops or Drops(), REFUSALS))


def at_first(reply: Reply, times: int = 1) -> Callable[[Any, int], Reply | None]:
    """The reply to the first times that anything is asked."""
    return lambda body, n: reply if n <= times else None


def test_a_good_teacher_gives_a_question_and_a_refusal_for_each_chunk(tmp_path: Path) -> None:
    drops = Drops()
    with FakeTeacher() as server:
        found = made(load(tmp_path, server), 6, drops)
    assert not drops.counts
    assert [example.type for example in found] == ["which", "refusal"] * 6
    first, refusal = found[:2]
    assert first.question == "Which port does Alpha1 listen on?"
    assert first.answer == "Alpha1 listens on port 1001 [chunk_1]."
    assert (first.gold, first.documents, first.answers, first.quote) == (
        (1,),
        ("alpha1.md",),
        ("1001",),
        "Alpha1 listens on port 1001",
    )
    assert (first.method, first.form) == ("llm-based", "teacher")
    assert (refusal.answer, refusal.answerable) == (REFUSALS["en"], False)


FAULTS: dict[str, Reply] = {
    "429 with Retry-After": status(429, retry_after="0.05"),
    "429 without": status(429),
    "500": status(500),
    "reset": Talk.reset,
    "reset within the reply": stream([delta('{"questions": [')], then=Talk.reset),
    "503 that says when": status(503, retry_after="0.05"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_changes_nothing(tmp_path: Path, name: str) -> None:
    with FakeTeacher() as server:
        expected = made(load(tmp_path / "good", server))
    with FakeTeacher(at_first(FAULTS[name])) as server:
        assert made(load(tmp_path / "bad", server)) == expected


def test_a_limit_lets_every_worker_wait(tmp_path: Path) -> None:
    times: list[float] = []
    seen = threading.Lock()

    def limited(body: Any, n: int) -> Reply | None:
        with seen:
            times.append(time.monotonic())
            return status(429, retry_after="1") if len(times) == 1 else None

    with FakeTeacher(limited) as server:
        asker = load(tmp_path, server, workers=2)
        assert len(made(asker, 8)) == 16
    # One other was on its way when the limit was told; no third was sent before the wait was over.
    assert sum(when < times[0] + 0.9 for when in times) <= 2
    assert len(times) == 8 + 16 + 1


def test_a_limit_longer_than_patience_ends_the_run_and_says_what_is_kept(tmp_path: Path) -> None:
    with FakeTeacher(broken_at("Alpha5", status(429, retry_after="3600"))) as server:
        start = time.monotonic()
        with pytest.raises(TeacherStopped) as caught:
            made(load(tmp_path, server))
    assert "asks to wait 3600 s" in caught.value.message
    assert "teacher.sqlite3" in caught.value.hint
    assert time.monotonic() - start < SLOW


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (status(401), "does not let us in (401)"),
        (
            status(404, {"error": {"message": "The model `m` does not exist.", "code": "model_not_found"}}),
            "has no model `m`",
        ),
        (status(400, {"error": {"message": "top_p?"}}), "refuses the request"),
        (
            status(429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}),
            "no credit",
        ),
    ],
)
def test_what_no_question_can_mend_ends_the_run_at_once(tmp_path: Path, reply: Reply, words: str) -> None:
    with FakeTeacher(lambda body, n: reply) as server:
        with pytest.raises(TeacherStopped) as caught:
            made(load(tmp_path, server, workers=2), 12)
        assert words in caught.value.message
        assert KEY not in caught.value.message + caught.value.hint
        assert len(server.at(CHAT)) <= 2


def test_a_refused_connection_ends_the_run_at_once(tmp_path: Path) -> None:
    asker = load_asker(app_in(tmp_path), f"openai:m@http://127.0.0.1:{refused_port()}/v1", 4)
    with pytest.raises(TeacherStopped, match="connection refused"):
        made(asker)


def test_a_server_that_goes_on_failing_ends_the_run(tmp_path: Path) -> None:
    with FakeTeacher(lambda body, n: status(500)) as server:
        with pytest.raises(TeacherStopped, match="failed \\(500\\)"):
            made(load(tmp_path, server, workers=1), 12)
        assert len(server.at(CHAT)) <= 5 * 4


def broken_at(name: str, reply: Reply) -> Callable[[Any, int], Reply | None]:
    """The reply to all that is about one chunk."""
    return lambda body, n: (
        reply if "<text" in body["messages"][1]["content"] and f"{name} " in body["messages"][1]["content"] else None
    )


SILENT: dict[str, tuple[Reply, str]] = {
    "a hang": (hang, "the teacher did not answer"),
    "500 again and again": (status(500), "the teacher did not answer"),
    "a content filter": (sse(finish="content_filter"), "the teacher's content filter refuses"),
    "a content filter by status": (status(400, {"error": {"message": "m", "code": "content_filter", "type": "content_filter"}}), ""),
    "an empty reply": (sse(" "), "the teacher's reply is empty"),
    "nothing within max_tokens": (sse(finish="length"), "the teacher's reply is longer than model.max_tokens"),
    "JSON that breaks off": (sse('{"questions": [{"question": "Wh', finish="length"), "the teacher's reply is not the JSON asked for"),
    "prose": (sse("Sure! Which port?"), "the teacher's reply is not the JSON asked for"),
    "too long": (
        status(400, {"error": {"message": "maximum context length is 99 tokens", "code": "context_length_exceeded"}}),
        "the chunk is too long for the teacher",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, (_, reason) in SILENT.items() if reason])
def test_one_chunk_that_cannot_be_asked_about_is_counted(tmp_path: Path, name: str) -> None:
    reply, reason = SILENT[name]
    drops = Drops()
    timeout = "1.5" if name == "a hang" else "30"
    with FakeTeacher(broken_at("Alpha3", reply)) as server:
        found = made(load(tmp_path, server, model__timeout=timeout), 6, drops)
    assert drops.counts == {reason: 1}
    assert len(found) == 10


def test_a_reply_that_cannot_be_read_is_asked_for_once_more(tmp_path: Path) -> None:
    def prose_first(body: Any, n: int) -> Reply | None:
        blind = "Question:" in body["messages"][1]["content"]
        return None if blind or len(body["messages"]) > 2 else sse("Here are my questions: none of them in JSON")

    with FakeTeacher(prose_first) as server:
        assert len(made(load(tmp_path, server), 6)) == 12
        again = [body["messages"] for body in server.bodies(CHAT) if len(body["messages"]) > 2]
    assert len(again) == 6
    assert [m["role"] for m in again[0]] == ["system", "user", "assistant", "user"]
    assert "no JSON object" in again[0][3]["content"]


def test_a_teacher_of_garbage_is_given_up_early(tmp_path: Path) -> None:
    with FakeTeacher(lambda body, n: sse("Once upon a time")) as server:
        with pytest.raises(TeacherUnfit) as caught:
            made(load(tmp_path, server), 100)
        assert len(server.at(CHAT)) <= 40
    assert "openai:m" in caught.value.message
    assert "Once upon a time" in caught.value.message
    assert caught.value.hint


def rows(asker: Calls) -> str:
    drops = Drops()
    found = made(asker, 40, drops)
    return json.dumps([[example.id for example in found], drops.counts, drops.examples()])


def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    def odd(body: Any, n: int) -> Reply | None:
        text = body["messages"][1]["content"]
        return sse("no") if "Alpha3 " in text or "Alpha17 " in text else None

    found = set()
    for workers in (1, 2, 8):
        with FakeTeacher(odd) as server:
            found.add(rows(load(tmp_path / str(workers), server, workers)))
    assert len(found) == 1


def test_nothing_is_paid_twice(tmp_path: Path) -> None:
    with FakeTeacher() as server:
        first = made(load(tmp_path, server))
        paid = len(server.at(CHAT))
        asker = load(tmp_path, server, workers=1)
        assert made(asker) == first
        assert (len(server.at(CHAT)), asker.paid, asker.kept) == (paid, 0, paid)
        changed = load(tmp_path, server, model__temperature="0.5")
        assert made(changed) == first
        assert len(server.at(CHAT)) == 2 * paid
    assert (tmp_path / "data" / "finetuning" / "teacher.sqlite3").stat().st_mode & 0o077 == 0


def test_one_prompt_asked_twice_at_once_is_paid_once(tmp_path: Path) -> None:
    with FakeTeacher() as server:
        asker = load(tmp_path, server, workers=4)
        chunk = readings(1)
        assert len(list(examples(chunk * 5, asker, find, 1, Drops(), REFUSALS))) == 10
        assert len(server.at(CHAT)) == 3


def run(home: Path, server: FakeProvider, workers: int, output: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(CHILD.parent), str(CHILD.parent.parent.parent)])
    environ = {**os.environ, "PYTHONPATH": path, "OPENAI_API_KEY": KEY, "NO_PROXY": "*"}
    return subprocess.Popen([sys.executable, str(CHILD), str(home), server.url, str(workers), str(output)], env=environ)


@pytest.mark.parametrize("when", [pytest.param(3, marks=pytest.mark.slow), 25])
def test_a_run_that_was_killed_goes_on_and_pays_nothing_twice(tmp_path: Path, when: int) -> None:
    workers, killed, whole = 3, tmp_path / "killed", tmp_path / "whole"
    with FakeTeacher(lambda body, n: _slowly) as server:
        child = run(killed, server, workers, tmp_path / "never")
        deadline = time.monotonic() + SLOW
        while len(server.at(CHAT)) < when and time.monotonic() < deadline:
            time.sleep(0.005)
        child.kill()
        assert child.wait(SLOW) < 0
        assert run(killed, server, workers, tmp_path / "resumed").wait(SLOW) == 0
        asked, distinct = len(server.prompts), len(set(server.prompts))
    with FakeTeacher() as server:
        assert run(whole, server, 8, tmp_path / "whole.json").wait(SLOW) == 0
        assert len(server.prompts) == len(set(server.prompts)) == distinct > 80
    assert distinct <= asked <= distinct + workers
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole.json").read_bytes()


def _slowly(talk: Talk) -> None:
    from fake_teacher import reply_to

    time.sleep(0.02)
    body = talk.server.asked.here.asked.body  # type: ignore[attr-defined]
    sse(reply_to(body["messages"]))(talk)


def test_an_interrupt_is_prompt_and_keeps_what_was_paid(tmp_path: Path) -> None:
    with FakeTeacher(lambda body, n: hang if "Alpha5 " in body["messages"][1]["content"] else None) as server:
        asker = load(tmp_path, server, workers=2)
        replies = asker.ask_all(_prompts(8))
        first = [next(replies) for _ in range(3)]
        start = time.monotonic()
        replies.close()
        assert time.monotonic() - start < 15
    assert all(first)
    assert asker.replies is not None
    assert all(asker.is_kept(prompt) for prompt in _prompts(3))


def _prompts(count: int) -> list[Any]:
    from finetune.teacher.prompts import asking

    return [asking(reading, 1) for reading in readings(count)]


def test_a_damaged_file_of_replies_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "data" / "finetuning" / "teacher.sqlite3"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with FakeTeacher() as server, pytest.raises(LibraryDamaged) as caught:
        load(tmp_path, server)
    assert str(file) in caught.value.message
    assert "Move it away" in caught.value.hint


def test_keys_are_never_shown(tmp_path: Path) -> None:
    with FakeTeacher(lambda body, n: status(403, {"error": {"message": f"no {KEY}"}})) as server:
        asker = load(tmp_path, server)
        with pytest.raises(UserError) as caught:
            made(asker)
    assert KEY not in caught.value.message + caught.value.hint + repr(vars(asker))
    file = tmp_path / "data" / "finetuning" / "teacher.sqlite3"
    assert KEY.encode() not in file.read_bytes()


@pytest.mark.parametrize("name", ["extractive", "auto"])
def test_a_teacher_is_a_language_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSetting) as caught:
        load_asker(app_in(tmp_path), name, 4)
    assert "openai:gpt-4o-mini" in caught.value.hint


def test_a_name_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="names no generator"):
        load_asker(app_in(tmp_path), "gpt4", 4)


def test_a_script_is_a_teacher_too(tmp_path: Path) -> None:
    question = {"question": "Which port does Alpha1 listen on?", "answer": "Alpha1 listens on port 1001.",
                "quote": "Alpha1 listens on port 1001", "type": "which"}  # fmt: skip
    lines = [
        {"match": "Write 1 questions", "text": json.dumps([question])},
        {"match": "Which port", "text": "Port 1001."},
    ]
    (tmp_path / "script.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    asker = load_asker(app_in(tmp_path), "fake:script.jsonl", 8)
    assert len(asker.asks) == 1
    found = list(examples(readings(1), asker, find, 1, Drops(), REFUSALS))
    assert [example.answer for example in found] == ["Alpha1 listens on port 1001 [chunk_1]."]
    assert not (tmp_path / "data").exists()


def budget(name: str, kept: bool = False) -> Estimate:
    return estimate(teaching(name, name, readings(10), 3, lambda messages: kept), load_prices(None), 4)


def screen() -> tuple[Screen, StringIO]:
    said = StringIO()
    return Screen(StringIO(), said), said


def test_where_nobody_can_be_asked_yes_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    shown, said = screen()
    with pytest.raises(BadUsage) as caught:
        confirm(budget("openai:gpt-4o-mini"), shown, yes=False)
    assert "--yes" in caught.value.hint
    assert "about $0.0" in said.getvalue()
    assert confirm(budget("openai:gpt-4o-mini"), shown, yes=True)


@pytest.mark.parametrize(
    "estimated", [budget("ollama:llama3.1"), budget("hf:./m"), budget("openai:gpt-4o-mini", kept=True)]
)
def test_what_costs_nothing_is_not_asked_about(monkeypatch: pytest.MonkeyPatch, estimated: Estimate) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(""))
    assert confirm(estimated, screen()[0], yes=False)


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "agreed"), [("y\n", True), ("oui\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_at_a_terminal_it_is_asked(monkeypatch: pytest.MonkeyPatch, typed: str, agreed: bool) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal(typed))
    shown, said = screen()
    assert confirm(budget("openai:gpt-4o-mini"), shown, yes=False) is agreed
    assert "[y/N]" in said.getvalue()
