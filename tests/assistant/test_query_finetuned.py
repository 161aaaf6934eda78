"""`dyag query-finetuned`: a trained model asked alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Ran, run
from runs import adapter, trained_home
from tiny_model import tiny_model

from assistant.commands import query_finetuned as module
from finetune.bases import files, hub

A = "20261104-153012-a1f3"
ASKED = ("--temperature", "0", "--max-tokens", "12")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield trained_home(tmp_path_factory.mktemp("query"))
    torch.set_num_threads(before)


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def query(home: Path, *argv: str | Path, stdin: str = "") -> Ran:
    return run("query-finetuned", *argv, *ASKED, home=home, stdin=stdin)


def test_a_question_is_answered_by_the_model_that_is_named(home: Path) -> None:
    told = query(home, "Quel port ?", "--model", A, "--json").json
    assert (told["question"], told["model"], told["device"]) == ("Quel port ?", f"run:{A}", "cpu")
    assert told["answer"]
    assert 0 < told["tokens"] <= 40  # the text of random tokens, read again, has some more
    assert told["tokens_per_second"] > 0
    ran = query(home, "Quel port ?", "--model", A)
    assert ran.out.startswith(told["answer"])
    assert query(home, "Quel port ?", "--model", home / "models" / "runs" / A / "final").out == ran.out


def test_the_promoted_run_is_asked_where_none_is_named(home: Path) -> None:
    ran = query(home, "Quel port ?")
    assert (ran.code, "No run is promoted" in ran.err) == (1, True)
    run("promote", A, "--force", "--note", "a test", home=home)
    assert query(home, "Quel port ?", "--json").json["model"] == f"run:{A}"


def test_it_tells_how_fast_it_was_when_it_is_asked(home: Path) -> None:
    ran = query(home, "Quel port ?", "--model", A, "-v")
    assert "tokens/s" in ran.err
    assert "cpu" in ran.err
    assert "tokens/s" not in query(home, "Quel port ?", "--model", A).err


def test_questions_come_one_a_line_from_a_pipe(home: Path) -> None:
    ran = query(home, "--model", A, stdin="Quel port ?\n\nWho created NATS?\n")
    assert ran.code == 0
    lines = [line for line in ran.out.split("\n") if line.startswith(("❯", "[ANSWER]"))]
    assert [line.split(" ", 1)[0] for line in lines] == ["❯", "[ANSWER]", "❯", "[ANSWER]"]
    assert lines[0] == "❯ Question: Quel port ?"
    answers = query(home, "--model", A, "--json", stdin="Quel port ?\nWho created NATS?\n").lines
    assert [a["question"] for a in answers] == ["Quel port ?", "Who created NATS?"]


def test_the_same_base_may_be_named_and_no_other(home: Path) -> None:
    tiny_model(home / "other", seed=5)
    assert query(home, "Quel port ?", "--model", A, "--base-model", "base").code == 0
    ran = query(home, "Quel port ?", "--model", A, "--base-model", "other")
    assert (ran.code, "was trained on base" in ran.err, ran.out) == (1, True, "")


def test_an_adapter_without_a_manifest_is_asked_on_its_own_base(home: Path) -> None:
    folder = adapter(home / "base", home / "alien")
    tiny_model(home / "other", seed=5)
    assert query(home, "Quel port ?", "--model", folder, "--base-model", "base").code == 0
    ran = query(home, "Quel port ?", "--model", folder, "--base-model", "other")
    assert (ran.code, "not on other" in ran.err, ran.out) == (1, True, "")


def test_pickled_weights_are_refused(home: Path) -> None:
    folder = adapter(home / "base", home / "alien")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    ran = query(home, "Quel port ?", "--model", folder)
    assert (ran.code, "lacks the weights" in ran.err, ran.out) == (1, True, "")


def test_a_whole_model_is_asked_too(home: Path) -> None:
    assert query(home, "Quel port ?", "--model", home / "base").code == 0


@pytest.mark.parametrize("name", ["mini", "hf:mini", "MINI", "hf:base", "base"])
def test_a_base_is_asked_to_be_compared(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MINI", home / "base")
    told = query(home, "Quel port ?", "--model", name, "--json").json
    assert (bool(told["answer"]), told["model"]) == (True, "base" if "base" in name else name)


def test_a_model_of_the_hub_is_asked_by_its_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = shutil.copytree(home / "base", home / "cache" / "snapshots" / "0123")
    monkeypatch.setattr(hub, "fetch", lambda repo: fetched if repo.id == "org/name" else pytest.fail(repo.id))
    assert query(home, "Quel port ?", "--model", "org/name", "--json").json["model"] == "org/name"


@pytest.mark.parametrize("name", ["models/runs/nothing", "./nothing", "models/nothing", "/nothing/here"])
def test_a_folder_that_is_mistyped_is_told_as_one(home: Path, name: str) -> None:
    ran = query(home, "Quel port ?", "--model", name)
    assert (ran.code, f"There is no folder `{name}`" in ran.err, ran.out) == (1, True, "")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--model", "nothing"), "There is no run `nothing`"),
        (("--model", A, "--device", "cuda"), "cuda"),
        (("--model", A, "--base-model", "nothing"), "nothing"),
    ],
)
def test_what_cannot_be_asked_is_said(home: Path, argv: tuple[str, ...], said: str) -> None:
    import torch

    if "cuda" in argv and torch.cuda.is_available():
        pytest.skip("there is one")
    ran = query(home, "Quel port ?", *argv)
    assert (ran.code, said in ran.err, ran.out) == (1, True, "")


@pytest.mark.parametrize("typed", [["Quel port ?", " ", "exit"], ["Quel port ?"]])
def test_at_a_terminal_it_asks_until_exit_or_the_end(
    home: Path, typed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    import prompt_toolkit

    from assistant.cli import main

    class Session:
        def prompt(self, text: str) -> str:
            assert text == "❯ Question: "
            if not lines:
                raise EOFError
            return lines.pop(0)

    lines = [*typed, *(["never asked"] if "exit" in typed else [])]
    monkeypatch.setattr(prompt_toolkit, "PromptSession", Session)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert main(["--home", str(home), "query-finetuned", "--model", A, *ASKED]) == 0
    assert capsys.readouterr().out.count("[ANSWER] ") == 1
    assert lines == (["never asked"] if "exit" in typed else [])


def test_the_module_loads_nothing_heavy() -> None:
    assert not {"torch", "transformers", "peft"} & set(vars(module))
