"""`[models]`: a task's name stands for its model wherever a model is named."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from commands import Ran, run
from runs import finished

from assistant.app import App
from assistant.evaluation import chat_model
from assistant.generators.load import load_generator
from assistant.generators.model import ModelGenerator
from assistant.named_models import check_task, model_named, name_model
from assistant.settings import load_settings
from assistant.workspace import Home
from finetune.runs import use
from retrieval.errors import BadInput, BadSetting

RUN = "20261104-153012-a1f3"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dyag.toml").write_text('# ours\n[models]\nfaq = "fake:"  # for the desk\n\n[search]\ntop_k = 5\n')
    return tmp_path


def app(home: Path, **overrides: str) -> App:
    return App(Home(home, "test"), {name.replace("__", "."): value for name, value in overrides.items()})


def dyag(home: Path, *argv: str) -> Ran:
    return run(*argv, home=home)


def test_a_task_is_a_generator_and_a_model_to_measure(home: Path) -> None:
    made = load_generator("faq", app(home))
    assert isinstance(made, ModelGenerator)
    assert made.name == chat_model(app(home), "faq").name == "fake:"
    assert app(home, answer__generator="faq").generator.name == "fake:"
    assert app(home, answer__finetuned_model="faq", answer__mode="finetuned").generator.name == "fake:"


def test_a_name_alone_is_that_of_a_run(home: Path) -> None:
    settings = app(home, models__sfd_analyzer="qwen3-sfd-analyzer-v2").settings
    assert model_named(settings, "sfd_analyzer") == "run:qwen3-sfd-analyzer-v2"
    assert model_named(settings, "openai:gpt-4o") == "openai:gpt-4o"


def test_every_place_of_settings_names_models(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".env").write_text("DYAG_MODELS__SUMMARY=fake:b\n")
    monkeypatch.setenv("DYAG_MODELS__FAQ", "fake:c")
    told: list[str] = []
    settings = load_settings(Home(home, "test"), {"models.triage": "fake:d"}, told.append)
    assert settings.models == {"faq": "fake:c", "summary": "fake:b", "triage": "fake:d"}
    assert told == []
    ran = dyag(home, "config", "models.faq", "--json")
    assert ran.json["settings"] == [{"name": "models.faq", "value": "fake:c", "origin": "environment DYAG_MODELS__FAQ"}]


@pytest.mark.parametrize(
    "written",
    ['[models]\nFAQ = "x:y"', "[models]\nfaq = 3", '[models]\nfaq = ""', '[models]\n"a b" = "c"', 'models = "x"'],
)
def test_a_line_that_names_no_model_is_told_with_its_place(tmp_path: Path, written: str) -> None:
    (tmp_path / "dyag.toml").write_text(written)
    with pytest.raises(BadSetting, match=r"dyag\.toml"):
        load_settings(Home(tmp_path, "test"), {}, lambda _: None)


def test_naming_changes_one_line_of_the_file(home: Path) -> None:
    made = name_model(app(home), "sfd_analyzer", "run:1")
    assert (made.before, made.after, made.overruled) == ("", "run:1", "")
    assert name_model(app(home), "faq", "run:2").before == "fake:"
    text = (home / "dyag.toml").read_text()
    assert text == '# ours\n[models]\nfaq = "run:2"  # for the desk\nsfd_analyzer = "run:1"\n\n[search]\ntop_k = 5\n'


def test_naming_makes_the_file_where_there_is_none(tmp_path: Path) -> None:
    name_model(app(tmp_path / "new"), "faq", "run:1")
    assert tomllib.loads((tmp_path / "new" / "dyag.toml").read_text()) == {"models": {"faq": "run:1"}}


def test_what_overrules_the_file_is_told(home: Path) -> None:
    assert name_model(app(home, models__faq="fake:e"), "faq", "run:1").overruled == "fake:e"


@pytest.mark.parametrize(
    "name", ["", "a b", "Faq", "mini", "openai", "auto", "promoted", "a.b", "x" * 65, "-x", "é", 'a"']
)
def test_what_cannot_name_a_task(name: str) -> None:
    with pytest.raises(BadInput, match="cannot be the name of a task"):
        check_task(name)


# promote --as --------------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose base is taken to be there."""
    finished(home / "models", RUN, config={"name": "sfd-v2"})
    monkeypatch.setattr(use, "trained", lambda run, home: run.whole())
    return home


def test_a_run_is_promoted_for_a_task(trained: Path) -> None:
    ran = dyag(trained, "promote", "sfd-v2", "--as", "sfd_analyzer", "--force", "--note", "wanted")
    assert (ran.code, f"sfd_analyzer is run:{RUN} now" in ran.out) == (0, True), ran
    assert tomllib.loads((trained / "dyag.toml").read_text())["models"]["sfd_analyzer"] == f"run:{RUN}"
    assert app(trained).promotions.current() is None
    [step] = app(trained).promotions.history()
    assert (step.task, step.after, step.note, step.forced) == ("sfd_analyzer", f"run:{RUN}", "wanted", True)
    assert load_generator("sfd_analyzer", app(trained)).name == f"run:{RUN}"
    assert dyag(trained, "promote", "sfd-v2", "--as", "sfd_analyzer").code == 0  # it is already


def test_for_a_task_too_nothing_is_promoted_unmeasured(trained: Path) -> None:
    ran = dyag(trained, "promote", "sfd-v2", "--as", "sfd_analyzer")
    assert ran.code == 1
    assert "no test file" in ran.err
    assert "sfd_analyzer" not in (trained / "dyag.toml").read_text()


def test_a_name_that_cannot_be_one_changes_nothing(trained: Path) -> None:
    ran = dyag(trained, "promote", "sfd-v2", "--as", "mini", "--force", "--note", "wanted")
    assert (ran.code, "cannot be the name of a task" in ran.err) == (1, True)


def test_the_run_of_a_task_is_not_deleted(trained: Path) -> None:
    dyag(trained, "promote", "sfd-v2", "--as", "sfd_analyzer", "--force", "--note", "wanted")
    ran = dyag(trained, "runs", "delete", "sfd-v2", "--yes")
    assert (ran.code, "is the model of sfd_analyzer" in ran.err) == (1, True), ran
    assert (trained / "models" / "runs" / RUN / "manifest.json").is_file()
