"""A trained model on its own base and on no other, and only from files that are whole and safe to read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import adapter, begun, finished, trained_home
from tiny_model import tiny_model

from finetune.bases.load import Wanted
from finetune.runs.digests import TornRun
from finetune.runs.store import Runs
from finetune.runs.use import Trained, WrongBase, load_trained, of_folder, trained
from retrieval.errors import BadInput, ModelMissing, NotFound, UserError

RUN = "20261104-153012-a1f3"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_home(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def ready(home: Path, base: str = "") -> Trained:
    return trained(Runs(home / "models").find(RUN), home, base)


def loaded(model: Trained) -> Any:
    return load_trained(model, Wanted("", device="cpu"), "run:x").model


def test_a_run_answers_on_its_base(home: Path) -> None:
    model = ready(home)
    assert model == Trained(home / "models" / "runs" / RUN / "final", home / "base")
    assert loaded(model).active_adapters == ["default"]


def test_another_base_is_refused_though_it_has_the_same_shape(home: Path) -> None:
    tiny_model(home / "other", seed=1)
    with pytest.raises(WrongBase, match="was trained on base"):
        ready(home, "other")
    shutil.rmtree(home / "base")
    (home / "other").rename(home / "base")
    with pytest.raises(WrongBase):
        ready(home)


def test_a_base_that_is_gone_is_said(home: Path) -> None:
    shutil.rmtree(home / "base")
    with pytest.raises((ModelMissing, BadInput), match="base"):
        ready(home)


def test_a_run_with_a_changed_file_is_not_loaded(home: Path) -> None:
    file = home / "models" / "runs" / RUN / "final" / "adapter_config.json"
    file.write_text(file.read_text() + " ")
    with pytest.raises(TornRun, match=r"adapter_config\.json has changed"):
        ready(home)


def test_a_model_that_was_tuned_in_full_needs_no_base(home: Path) -> None:
    final = tiny_model(home / "whole", seed=3)
    run = finished(home / "models", "20261105-000000-0001", final=final, tuning="full")
    model = trained(run, home)
    assert model.base is None
    assert loaded(model).config.model_type == "llama"


# adapters of others ------------------------------------------------------------------------------------------------


@pytest.fixture
def alien(home: Path) -> Path:
    return adapter(home / "base", home / "alien")


def config(folder: Path, **changed: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def test_an_adapter_of_others_answers_on_the_base_it_names(home: Path, alien: Path) -> None:
    assert of_folder(alien, home).base == of_folder(alien, home, "base").base == home / "base"
    assert loaded(of_folder(alien, home)).active_adapters == ["default"]


def test_it_is_refused_on_a_base_it_does_not_name(home: Path, alien: Path) -> None:
    tiny_model(home / "other", seed=1)
    with pytest.raises(WrongBase, match="not on other"):
        of_folder(alien, home, "other")
    shutil.copytree(home / "base", home / "twin")
    assert of_folder(alien, home, "twin").base == home / "twin"


def test_it_is_refused_where_the_shapes_differ(home: Path, alien: Path) -> None:
    tiny_model(home / "wide", width=64)
    config(alien, base_model_name_or_path="")
    with pytest.raises(WrongBase, match=r"takes 128 and gives 64 there, and 64 and 32 here"):
        loaded(of_folder(alien, home, "wide"))


def test_it_is_refused_where_a_layer_is_missing(home: Path, alien: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(home / "base")
    del model.model.layers[1]
    model.config.num_hidden_layers = 1
    model.save_pretrained(home / "base")
    with pytest.raises(WrongBase, match=r"layers\.1\.\S+ is missing"):
        loaded(of_folder(alien, home))


def _pickled(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


BAD: dict[str, Callable[[Path], object]] = {
    "lacks the weights adapter_model.safetensors": _pickled,
    "cannot be read": lambda at: (at / "adapter_model.safetensors").write_bytes(b"\x00" * 40),
    "does not name its base model": lambda at: config(at, base_model_name_or_path=None),
    "describes PREFIX_TUNING": lambda at: config(at, peft_type="PREFIX_TUNING"),
    "or a library of its own": lambda at: config(at, megatron_config={"x": 1}, megatron_core="antigravity"),
}


@pytest.mark.parametrize("said", BAD)
def test_what_cannot_be_trusted_or_read_is_refused_in_words(home: Path, alien: Path, said: str) -> None:
    BAD[said](alien)
    with pytest.raises(UserError) as error:
        loaded(of_folder(alien, home))
    assert said in f"{error.value.message} {error.value.hint}"


def test_a_broken_tokenizer_is_said(home: Path, alien: Path) -> None:
    for text in ("[", '{"tokenizer_class": "NoSuchTokenizer"}'):
        (alien / "tokenizer_config.json").write_text(text)
        (alien / "tokenizer.json").write_text("{}")
        with pytest.raises(ModelMissing, match="run:x cannot be loaded"):
            loaded(of_folder(alien, home))


def test_what_lies_in_a_run_is_refused_on_another_base_of_the_same_shape(home: Path) -> None:
    from finetune.bases.identity import identity

    done = Runs(home / "models").find(RUN).folder
    killed = begun(home / "models", "20261105-000000-0002", base_identity=identity(home / "base"))
    checkpoint = shutil.copytree(done.final, killed.path / "checkpoint-10")
    killed.seal(checkpoint)
    shutil.copytree(done.final, killed.final)
    config(killed.final, base_model_name_or_path="base")
    config(checkpoint, base_model_name_or_path="base")
    killed.seal(checkpoint)
    folders = (done.final, killed.final, checkpoint)
    assert {of_folder(folder, home).base for folder in folders} == {home / "base"}
    shutil.rmtree(home / "base")
    tiny_model(home / "base", seed=1)
    for folder in folders:
        with pytest.raises(WrongBase):
            of_folder(folder, home)
    (home / "link").symlink_to(done.final)
    with pytest.raises(WrongBase):
        of_folder(home / "link", home)


def test_a_checkpoint_that_is_torn_is_refused(home: Path) -> None:
    folder = Runs(home / "models").find(RUN).folder
    at = shutil.copytree(folder.final, folder.path / "checkpoint-10")
    with pytest.raises(TornRun, match="checkpoint-10: it was not written to its end"):
        of_folder(at, home)
    folder.seal(at)
    assert of_folder(at, home, "base").base == home / "base"


def test_a_run_that_is_not_finished_does_not_answer(home: Path) -> None:
    folder = Runs(home / "models").find(RUN).folder
    folder.manifest_path.unlink()
    with pytest.raises(NotFound, match="is not finished"):
        ready(home)
