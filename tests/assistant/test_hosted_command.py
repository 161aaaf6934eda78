"""`dyag finetune --provider openai` as it is typed, against a service on this machine that the real client talks to."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from chatting import app_at
from commands import Ran, run
from fake_finetuning import KEY, FakeFinetuning
from fake_provider import refused_port

import finetune.hosted.submission as submission
import finetune.hosted.wait as wait
from assistant.command import BadUsage, parse_words
from finetune.hosted.submission import read_submission
from finetune.runs.store import Run, Runs

pytestmark = pytest.mark.skipif(os.name != "posix", reason="jobs")
TUNED = re.compile(r"ft:gpt-4o-mini-2024-07-18:org:[\w.-]*:\w+")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeFinetuning]:
    """The service that the environment names, looked at often."""
    for module, name in ((wait, "POLL"), (submission, "LOOK"), (submission, "FIRST_WAIT")):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(submission, "SETTLE", 0.05)
    monkeypatch.setattr("finetune.hosted.run.draw", lambda *given: None)  # takes longer than all else
    with FakeFinetuning() as made:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", made.url)
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def rows(path: Path, count: int = 12, **more: Any) -> Path:
    lines = (
        {
            "messages": [
                {"role": "user", "content": f"Quel port écoute l'outil {n} ?"},
                {"role": "assistant", "content": f"L'outil {n} écoute le port {3000 + n}."},
            ],
            **more,
        }
        for n in range(count)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return path


def pairs(path: Path, count: int = 12) -> Path:
    lines = (
        {"prompt": f"Quel port, outil {n} ?", "chosen": f"Le {n}.", "rejected": "Je ne sais."} for n in range(count)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def train(home: Path, *more: str | Path, count: int = 12) -> Ran:
    """The guide's command, with a word given in advance."""
    file = rows(home / "data" / "finetuning" / "dataset_train.jsonl", count)
    given = ("--provider", "openai", "--train", file, "--suffix", "dyag-v1", "--epochs", "3", "--wait", "--yes")
    return run("finetune", *given, *more, home=home)


def only_run(home: Path) -> Run:
    (found,) = Runs(home / "models").all()
    return found


def secret_files(home: Path) -> list[Path]:
    """Files below a workspace that hold the key."""
    return [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


# the way through -----------------------------------------------------------------------------------------------------


def test_a_training_becomes_a_run_that_is_listed(server: FakeFinetuning, home: Path) -> None:
    rows(home / "held.jsonl", 3)
    ran = train(home, "--validation", home / "held.jsonl", "--json")
    assert ran.code == 0
    (job,) = server.created
    assert job.body["suffix"] == "dyag-v1"
    assert job.body["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
    assert (ran.json["model"], ran.json["status"], ran.json["job"]) == (job.tuned, "succeeded", job.id)
    manifest = only_run(home).whole()
    assert manifest.hosted is not None
    assert (manifest.hosted.model, manifest.hosted.url, manifest.tuning) == (job.tuned, server.url, "hosted")
    assert (manifest.dataset.rows, manifest.validation and manifest.validation.rows) == (12, 3)
    assert manifest.metrics["num_tokens"] == job.tokens
    assert not (only_run(home).path / "final").exists()
    assert job.tuned in run("runs", home=home).out
    assert job.tuned in run("runs", "show", "latest", home=home).out
    assert job.tuned in run("models", home=home).out
    assert secret_files(home) == []
    assert KEY not in ran.out + ran.err


def test_what_is_sent_are_the_messages_alone(server: FakeFinetuning, home: Path) -> None:
    file = rows(home / "x_train.jsonl", 10, metadata={"documents": ["secret.md"]})
    assert run("finetune", "--provider", "openai", "--train", file, "--wait", "--yes", home=home).code == 0
    (sent,) = server.files.values()
    assert [set(row) for row in sent.rows] == [{"messages"}] * 10
    assert b"secret.md" not in sent.data


def test_pairs_are_trained_with_dpo(server: FakeFinetuning, home: Path) -> None:
    file = pairs(home / "pairs.jsonl")
    ran = run("finetune", "--provider", "openai", "--method", "dpo", "--train", file, "--wait", "--yes", home=home)
    assert ran.code == 0, ran.err
    assert server.created[0].body["method"] == {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 3}}}
    assert only_run(home).whole().method == "dpo"


def test_the_options_of_a_service_alone_mean_one(server: FakeFinetuning, home: Path) -> None:
    """As a guide types them, without --provider."""
    file = rows(home / "data" / "finetuning" / "dataset_train.jsonl")
    ran = run("finetune", "--train", file, "--suffix", "v1", "--wait", "--yes", home=home)
    assert ran.code == 0
    assert len(server.created) == 1


def test_the_same_again_sends_nothing(server: FakeFinetuning, home: Path) -> None:
    first = train(home)
    asked = len(server.asked)
    again = train(home)
    assert (first.code, again.code, len(server.asked)) == (0, 0, asked)
    assert TUNED.findall(first.out)[0] in again.out
    assert "nothing is sent twice" in again.err
    assert train(home, "--seed", "7").code == 0  # that is another one; its file is there already
    assert (len(server.sent), len(server.created)) == (1, 2)


def test_without_wait_it_begins_and_a_status_ends_it(server: FakeFinetuning, home: Path) -> None:
    file = rows(home / "x_train.jsonl")
    begun = run("finetune", "--provider", "openai", "--train", file, "--yes", home=home)
    assert begun.code == 0
    (job,) = server.created
    assert f"dyag finetune --status {job.id} --wait" in begun.out
    assert only_run(home).state == "interrupted"
    assert "validating_files" in run("runs", home=home).out
    shown = run("finetune", "--status", job.id, home=home)
    assert (shown.code, "validating_files" in shown.out) == (0, True)
    waited = run("finetune", "--status", job.id, "--wait", home=home)
    assert (waited.code, job.tuned in waited.out) == (0, True)
    assert only_run(home).state == "done"
    assert (len(server.sent), len(server.created)) == (1, 1)


def test_a_status_makes_a_run_of_what_has_succeeded(server: FakeFinetuning, home: Path) -> None:
    server.plan = ("succeeded",)
    run("finetune", "--provider", "openai", "--train", rows(home / "x_train.jsonl"), "--yes", home=home)
    assert only_run(home).state == "interrupted"
    shown = run("finetune", "--status", only_run(home).id, home=home)
    assert (shown.code, only_run(home).state) == (0, "done")
    assert server.created[0].tuned in shown.out


def test_a_state_that_cannot_be_read_sends_nothing_and_hides_nothing(server: FakeFinetuning, home: Path) -> None:
    assert (
        run("finetune", "--provider", "openai", "--train", rows(home / "x_train.jsonl"), "--yes", home=home).code == 0
    )
    (only_run(home).path / "submission.json").write_text("{")
    again = run("finetune", "--provider", "openai", "--train", home / "x_train.jsonl", "--yes", home=home)
    assert (again.code, "submission.json cannot be read" in again.err) == (1, True)
    assert (len(server.sent), len(server.created)) == (1, 1)
    assert run("finetune", "--list", home=home).code == run("runs", home=home).code == 0


def test_a_run_is_resumed_like_any_other(server: FakeFinetuning, home: Path) -> None:
    file = rows(home / "x_train.jsonl")
    run("finetune", "--provider", "openai", "--train", file, "--yes", home=home)
    path = only_run(home).path
    ran = run("train", "--resume", "--output", path, home=home)
    assert (ran.code, len(server.created), only_run(home).state) == (0, 1, "done")


# lists ---------------------------------------------------------------------------------------------------------------


def test_lists_of_jobs_and_models(server: FakeFinetuning, home: Path) -> None:
    assert "has no training" in run("finetune", "--list", home=home).err
    assert "has no model" in run("finetune", "--list-models", home=home).err
    server.page = 2
    for seed in ("1", "2", "3", "4", "5"):
        assert train(home, "--seed", seed).code == 0
    listed = run("finetune", "--list", "--json", home=home).json["jobs"]
    assert [row["id"] for row in listed] == [job.id for job in reversed(server.created)]
    assert all(row["run"] for row in listed)
    models = run("finetune", "--list-models", "--json", home=home).json["models"]
    assert {row["name"] for row in models} == {job.tuned for job in server.created}
    assert "succeeded" in run("finetune", "--list", home=home).out


def test_a_job_is_cancelled(server: FakeFinetuning, home: Path) -> None:
    run("finetune", "--provider", "openai", "--train", rows(home / "x_train.jsonl"), "--yes", home=home)
    (job,) = server.created
    ran = run("finetune", "--cancel", job.id, home=home)
    assert (ran.code, job.status) == (0, "cancelled")
    assert "cancelled" in ran.out
    again = run("finetune", "--cancel", job.id, home=home)
    assert (again.code, "already completed" in again.err) == (1, True)
    waited = run("finetune", "--status", job.id, "--wait", home=home)
    assert (waited.code, "was cancelled" in waited.err) == (1, True)
    anew = run("finetune", "--provider", "openai", "--train", home / "x_train.jsonl", "--wait", "--yes", home=home)
    assert (anew.code, len(server.created), len(server.sent)) == (0, 2, 1)


@pytest.mark.parametrize("id_", ["ftjob-none", "../files", "a b", "x" * 300])
def test_a_job_that_there_is_not(server: FakeFinetuning, home: Path, id_: str) -> None:
    ran = run("finetune", "--status", id_, home=home)
    assert (ran.code, "--list" in ran.err) == (1, True)


# before anything is sent ---------------------------------------------------------------------------------------------


def test_the_cost_is_shown_and_nothing_is_sent_without_a_word(server: FakeFinetuning, home: Path) -> None:
    file = rows(home / "x_train.jsonl", 100)
    ran = run("finetune", "--provider", "openai", "--train", file, home=home)
    assert ran.code == 2
    assert re.search(
        r"cost: about \$\d+\.\d\d for about [\d,]+ trained tokens, by the prices of \d{4}-\d\d-\d\d", ran.err
    )
    assert server.url in ran.err
    assert "--yes" in ran.err
    assert server.asked == []
    assert not (home / "models" / "runs").exists()


def test_a_check_sends_nothing(server: FakeFinetuning, home: Path) -> None:
    file = rows(home / "x_train.jsonl", 100)
    ran = run("finetune", "--provider", "openai", "--train", file, "--check", home=home)
    assert (ran.code, "cost: about $" in ran.out, server.asked) == (0, True, [])
    told = run("finetune", "--provider", "openai", "--train", file, "--check", "--json", home=home).json
    assert (told["rows"], told["dollars"]) == (100, pytest.approx(told["trained_tokens"] * 3e-6))


def test_a_price_of_ones_own_goes_first(server: FakeFinetuning, home: Path) -> None:
    price = '"gpt-4o-mini" = { input = 1, output = 1, training = 1000000 }'
    rows(home / "data" / "x_train.jsonl")
    (home / "data" / "prices.toml").write_text(f'as_of = "2026-10-01"\n[models]\n{price}\n')
    ran = run("finetune", "--provider", "openai", "--train", home / "data" / "x_train.jsonl", home=home)
    told = re.search(r"about \$([\d.]+) for about ([\d,]+) trained tokens, by the prices of 2026-10-01", ran.err)
    assert told is not None
    assert float(told[1]) == float(told[2].replace(",", ""))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("word", "sent"), [("y\n", 1), ("oui\n", 1), ("\n", 0), ("n\n", 0), ("", 0)])
def test_at_a_terminal_it_asks(
    server: FakeFinetuning, home: Path, word: str, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal(word))
    call = parse_words(["train", "--provider", "openai", "--train", str(rows(home / "x_train.jsonl"))])
    assert call is not None
    with nullcontext() if sent else pytest.raises(BadUsage, match="Nothing was sent"):
        call.run(app_at(home, io.StringIO()))
    assert len(server.created) == sent


def test_the_closing_of_openais_own_service_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    ran = run("finetune", "--provider", "openai", "--train", rows(home / "x_train.jsonl"), home=home)
    assert ran.code == 2
    assert "2027-01-06" in ran.err
    assert "May 2026" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--lora-rank", "4"], "--lora-rank"),
        (["--epochs", "1.5"], "--epochs"),
        (["--epochs", "99"], "--epochs"),
        (["--batch-size", "1000"], "--batch-size"),
        (["--suffix", "a b"], "--suffix"),
        (["--method", "kto"], "kto"),
        (["--provider", "local"], "--wait"),
        (["--list"], "--train"),
        (["--list", "--cancel", "x"], "Only one"),
        (["--base-url", "ftp://x"], "web address"),
        (["--method", "dpo"], "openai-dpo"),
    ],
)
def test_options_that_no_service_takes(server: FakeFinetuning, home: Path, words: list[str], said: str) -> None:
    file = rows(home / "x_train.jsonl")
    ran = run("finetune", "--provider", "openai", "--train", file, "--wait", "--yes", *words, home=home)
    assert ran.code in (1, 2)
    assert said in ran.err
    assert server.asked == []
    assert not (home / "models" / "runs").exists()


def test_rows_that_a_service_refuses_are_not_sent(server: FakeFinetuning, home: Path) -> None:
    assert "9 rows" in train(home, count=9).err
    (home / "bad_train.jsonl").write_text('{"messages": [{"role": "user", "content": "?"}]}\n' * 12)
    for file, said in (
        (home / "bad_train.jsonl", "line 1"),
        (home / "no.jsonl", "no.jsonl"),
        (home, "no file of rows"),
    ):
        ran = run("finetune", "--provider", "openai", "--train", file, "--wait", "--yes", home=home)
        assert (ran.code, said in ran.err) == (1, True), ran.err
    assert server.asked == []


# faults --------------------------------------------------------------------------------------------------------------


def test_without_a_key(server: FakeFinetuning, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    ran = train(home)
    assert (ran.code, "does not let us in (401)" in ran.err, "OPENAI_API_KEY" in ran.err) == (1, True, True)
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert "OPENAI_API_KEY is not set" in train(home).err
    assert Runs(home / "models").all() == []


def test_with_a_wrong_key_which_is_not_shown(
    server: FakeFinetuning, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-0123456789abcdefgh")
    ran = train(home)
    assert (ran.code, "(401)" in ran.err) == (1, True)
    assert "0123456789" not in ran.err
    assert (server.sent, Runs(home / "models").all()) == ([], [])


def test_the_key_may_stand_in_the_env_file(server: FakeFinetuning, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    (home / ".env").write_text(f"OPENAI_API_KEY={KEY}\n")
    assert train(home).code == 0
    assert [path.name for path in secret_files(home)] == [".env"]


def test_where_nothing_answers(server: FakeFinetuning, home: Path) -> None:
    ran = train(home, "--base-url", f"http://127.0.0.1:{refused_port()}/v1")
    assert (ran.code, "connection refused" in ran.err) == (1, True)
    (left,) = Runs(home / "models").all()
    assert left.state == "interrupted"  # nothing was sent, and the same command goes on


def test_an_unknown_base_is_refused_and_leaves_no_run(server: FakeFinetuning, home: Path) -> None:
    ran = train(home, "--model", "gpt-4o-mini")
    assert ran.code == 1
    assert "not available for fine-tuning" in ran.err
    assert "gpt-4o-mini-2024-07-18" in ran.err  # what is near
    assert Runs(home / "models").all() == []
    assert train(home).code == 0
    assert len(server.sent) == 1


FAULTS = [429, 500, 503, (429, {"Retry-After": "0"}), "cut", "lost"]


FILE, JOB, LOOK = ("POST", "/v1/files"), ("POST", "/v1/fine_tuning/jobs"), ("GET", "/v1/files")


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        *((FILE, fault) for fault in FAULTS[1:]),
        *((JOB, fault) for fault in (429, 500, "cut", "lost")),
        (LOOK, 503),
        (LOOK, "cut"),
    ],
    ids=str,
)
def test_what_fails_once_is_tried_again_and_sent_once(
    server: FakeFinetuning, home: Path, where: tuple[str, str], fault: Any
) -> None:
    left, server.plan = [fault], ("succeeded",)
    server.fail = lambda method, path: left.pop() if left and (method, path) == where else None
    assert train(home).code == 0
    assert left == []
    assert (len(server.sent), len(server.created)) == (1, 1)


@pytest.mark.parametrize("fault", [*FAULTS, "page"], ids=str)
def test_waiting_outlives_a_service_that_does_not_answer(server: FakeFinetuning, home: Path, fault: Any) -> None:
    looks = iter([None, fault, fault])
    server.fail = lambda method, path: next(looks, None) if "ftjob" in path else None
    ran = train(home)
    assert (ran.code, only_run(home).state) == (0, "done"), ran.err


@pytest.mark.parametrize("where", [("POST", "/v1/files"), ("POST", "/v1/fine_tuning/jobs"), ("GET", "/v1/models")])
def test_what_fails_for_good_is_said_and_taken_up_again(
    server: FakeFinetuning, home: Path, where: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "ATTEMPTS", 2)
    server.fail = lambda method, path: 503 if (method, path) == where else None
    ran = train(home)
    assert (ran.code, "failed (503)" in ran.err) == (1, True)
    server.fail = lambda method, path: None
    assert train(home).code == 0
    assert (len(server.sent), len(server.created)) == (1, 1)


def test_a_service_that_keeps_no_metadata(server: FakeFinetuning, home: Path) -> None:
    server.keeps_metadata, left = False, ["lost"]
    server.fail = lambda method, path: (
        left.pop() if left and (method, path) == ("POST", "/v1/fine_tuning/jobs") else None
    )
    assert train(home).code == 0
    assert len(server.created) == 1


def test_a_service_without_events_or_models(server: FakeFinetuning, home: Path) -> None:
    server.fail = lambda method, path: 404 if path.endswith(("/events", "/models")) else None
    ran = train(home)
    assert (ran.code, only_run(home).state) == (0, "done"), ran.err
    assert run("finetune", "--status", server.created[0].id, home=home).code == 0


def test_a_page_is_no_service(server: FakeFinetuning, home: Path) -> None:
    server.fail = lambda method, path: "page"
    ran = train(home)
    assert (ran.code, "no answer of OpenAI's API" in ran.err) == (1, True)


def test_an_address_without_fine_tuning(server: FakeFinetuning, home: Path) -> None:
    ran = train(home, "--base-url", server.url.removesuffix("/v1"))
    assert (ran.code, "/v1" in ran.err, "has no fine-tuning" in ran.err) == (1, True, True)


# how jobs end --------------------------------------------------------------------------------------------------------


def test_a_job_that_fails_says_why_and_what_to_do(server: FakeFinetuning, home: Path) -> None:
    server.plan = ("validating_files", "running", "failed")
    make = server.make

    def failing(body: Any) -> Any:
        job = make(body)
        job.error = {"code": "exceeded_quota", "message": "Billing hard limit has been reached.", "param": None}
        return job

    server.make = failing  # type: ignore[method-assign]
    ran = train(home)
    assert ran.code == 1
    assert "Billing hard limit has been reached (exceeded_quota)" in ran.err
    assert "billing page" in ran.err
    sent = read_submission(only_run(home).folder)
    assert (sent and sent.status, only_run(home).manifest) == ("failed", None)
    shown = run("finetune", "--status", server.created[0].id, home=home)
    assert (shown.code, "exceeded_quota" in shown.out, "billing page" in shown.err) == (1, True, True)
    server.make, server.plan = make, ("succeeded",)  # type: ignore[method-assign]
    assert train(home).code == 0  # asked for again, it is trained anew
    assert (len(server.sent), len(server.created)) == (1, 2)


@pytest.mark.parametrize(
    "plan", [("odd", "running", "succeeded"), ("paused", "succeeded"), ("queued", "resuming", "succeeded")]
)
def test_statuses_on_the_way(server: FakeFinetuning, home: Path, plan: tuple[str, ...]) -> None:
    server.plan = plan
    ran = train(home)
    assert ran.code == 0
    assert ("does not know" in ran.err) == ("odd" in plan)


def test_an_unknown_status_at_the_end(server: FakeFinetuning, home: Path) -> None:
    server.plan = ("running", "expired")
    ran = train(home)
    assert (ran.code, "ended at the service as expired" in ran.err) == (1, True)


def test_what_a_service_says_steers_no_terminal(server: FakeFinetuning, home: Path) -> None:
    make = server.make

    def hostile(body: Any) -> Any:
        job = make(body)
        job.tell("\x1b]52;c;ZXZpbA==\x07 hello \x1b[2J")
        return job

    server.make = hostile  # type: ignore[method-assign]
    ran = train(home)
    assert ran.code == 0
    assert "\x1b" not in ran.err
    assert "hello" in ran.err
