"""`dyag promote`, `dyag rollback`, and what answers then in the modes finetuned and hybrid."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import CHEAP, Ran, indexed_sheets, run, run_slash
from runs import begun, trained_home
from tiny_model import tiny_model

from assistant.app import App
from assistant.chat import status_line
from assistant.warmup import WarmUp
from assistant.workspace import Home
from finetune.runs.promotion import Promotions
from finetune.runs.store import Runs

A, B = "20261104-153012-a1f3", "20261104-153013-b2f4"
OVERRIDES = {"index.embedder": CHEAP[1].partition("=")[2], "model.max_tokens": "8"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    home = indexed_sheets(tmp_path_factory.mktemp("promote"), cheap=True)
    yield trained_home(home, ids=(A, B), context=2048)
    torch.set_num_threads(before)


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def dyag(home: Path, *argv: str) -> Ran:
    return run(*argv, home=home, cheap=True)


def force(home: Path, name: str) -> Ran:
    return dyag(home, "promote", name, "--force", "--note", "a test")


def app(home: Path, mode: str = "hybrid") -> App:
    return App(Home(home, "test"), {**OVERRIDES, "answer.mode": mode})


def test_a_run_is_promoted_and_rolled_back(home: Path) -> None:
    ran = force(home, A)
    assert (ran.code, ran.out) == (0, f"{A} answers now in the modes finetuned and hybrid.\n")
    ran = force(home, "latest")
    assert ran.out == f"{B} answers now in the modes finetuned and hybrid. It was {A}.\n"
    told = dyag(home, "rollback", "--json").json
    assert (told["before"], told["after"]) == (B, A)
    ran = dyag(home, "rollback")
    assert ran.out == f"No run is promoted any more. It was {A}.\n"
    assert dyag(home, "rollback").code == 1
    assert [step.note for step in Promotions(home / "models").history()] == ["a test", "a test", "", ""]


def test_the_promoted_run_is_promoted_already(home: Path) -> None:
    force(home, A)
    ran = dyag(home, "promote", A)
    assert (ran.code, ran.err, f"{A} is promoted already" in ran.out) == (0, "", True)
    assert "note" not in ran.out
    ran = dyag(home, "promote", A, "--force", "--note", "seen by the customer")
    assert "The note is kept in its history." in ran.out
    assert dyag(home, "promote", A, "--note", "again", "--json").json["noted"] is True
    assert [step.note for step in Promotions(home / "models").history()][1:] == ["seen by the customer", "again"]
    assert dyag(home, "promote", f"{A} {B}").code == 1
    ran = dyag(home, "promote", A, B)
    assert (ran.code, B in ran.err) == (2, True)


def test_a_run_that_could_not_answer_is_not_promoted(home: Path) -> None:
    begun(home / "models", "20261105-000000-0003")
    (home / "models" / "runs" / B / "final" / "adapter_model.safetensors").write_bytes(b"")
    ran = dyag(home, "promote", "20261105")
    assert (ran.code, "is not finished" in ran.err) == (1, True)
    ran = dyag(home, "promote", B)
    assert (ran.code, "has changed" in ran.err) == (1, True)
    shutil.rmtree(home / "base")
    assert dyag(home, "promote", A).code == 1
    tiny_model(home / "base", seed=9, context=2048)
    ran = dyag(home, "promote", A)
    assert (ran.code, "was trained on base" in ran.err) == (1, True)
    assert Promotions(home / "models").current() is None


@pytest.mark.parametrize("mode", ["finetuned", "hybrid"])
def test_the_promoted_run_answers(home: Path, mode: str) -> None:
    flags = ("--set", f"answer.mode={mode}", "--set", "model.max_tokens=8")
    ran = dyag(home, *flags, "ask", "Quel port écoute Gitea ?")
    assert (ran.code, "dyag promote RUN" in ran.err) == (1, True)
    force(home, A)
    told = dyag(home, *flags, "ask", "Quel port écoute Gitea ?", "--json").json
    assert (told["mode"], told["generator"]) == (mode, f"run:{A}")
    assert told["answer"]


def test_a_run_is_named_as_a_generator(home: Path) -> None:
    for name in (f"run:{A}", "run:latest", f"run:models/runs/{B}/final"):
        flags = ("--set", f"answer.generator={name}", "--set", "model.max_tokens=8")
        told = dyag(home, *flags, "ask", "Quel port écoute Gitea ?", "--json").json
        assert told["generator"] == (f"run:{A}" if A in name else f"run:{B}")
    assert "There is no run `nothing`" in dyag(home, "--set", "answer.generator=run:nothing", "ask", "x").err


def test_an_open_chat_follows_a_promotion_at_its_next_question(home: Path) -> None:
    force(home, A)
    chat = app(home)
    first = chat.generator
    assert (first.name, chat.generator is first, chat.answerer.generator is first) == (f"run:{A}", True, True)
    force(home, B)  # as another process does
    assert chat.answerer.generator.name == chat.generator.name == f"run:{B}"
    run_slash(chat, "/rollback")
    assert chat.generator.name == f"run:{A}"


def test_a_model_that_is_named_is_not_replaced_by_a_promotion(home: Path) -> None:
    force(home, A)
    chat = App(Home(home, "test"), {**OVERRIDES, "answer.mode": "hybrid", "answer.finetuned_model": "fake:"})
    first = chat.generator
    force(home, B)
    assert chat.generator is first


def test_a_promotion_changes_nothing_in_the_mode_rag(home: Path) -> None:
    chat = app(home, "rag")
    first = chat.generator
    force(home, A)
    assert chat.generator is first


def test_the_status_line_names_the_promoted_run(home: Path) -> None:
    chat = app(home)
    assert chat.settings.answer.mode == "hybrid"
    assert "no promoted model" in status_line(chat, WarmUp(chat))
    force(home, A)
    assert f"run:{A}" in status_line(chat, WarmUp(chat))
    (home / "models" / "promoted.json").write_text("{")
    assert "no promoted model" in status_line(chat, WarmUp(chat))


def test_a_promoted_run_that_is_gone_is_said_with_the_way_back(home: Path) -> None:
    force(home, A)
    force(home, B)
    shutil.rmtree(Runs(home / "models").find(B).path)
    ran = dyag(home, "--set", "answer.mode=hybrid", "ask", "Quel port écoute Gitea ?")
    assert (ran.code, "is gone" in ran.err, "dyag rollback" in ran.err) == (1, True, True)
    assert dyag(home, "rollback").code == 0
    assert app(home).generator.name == f"run:{A}"


def test_what_has_changed_since_its_promotion_does_not_answer(home: Path) -> None:
    force(home, A)
    (home / "models" / "runs" / A / "final" / "adapter_config.json").write_text("{}")
    ran = dyag(home, "--set", "answer.mode=finetuned", "ask", "Quel port écoute Gitea ?")
    assert (ran.code, "has changed" in ran.err) == (1, True)
