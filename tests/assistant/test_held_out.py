from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
from runs import finished, trained_home
from tiny_model import tiny_model

from assistant.app import App
from assistant.held_out import held_out_change, token_loss
from assistant.workspace import Home
from eval.held_out import held_out_texts
from finetune.bases.identity import identity
from finetune.bases.load import Wanted, load
from finetune.runs.manifest import RunBase
from finetune.runs.store import Runs
from retrieval.errors import BadInput

TEXTS = held_out_texts()[:3] + held_out_texts()[-3:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_home(tmp_path_factory.mktemp("home"))


def app_in(folder: Path) -> App:
    return App(Home(folder, "test"), {"model.device": "cpu"})


def test_the_loss_is_that_of_the_library(folder: Path) -> None:
    import torch

    loaded = load(Wanted(str(folder / "base"), device="cpu"), "base")
    text = TEXTS[0].text
    ids = torch.tensor([loaded.tokenizer(text)["input_ids"]])
    with torch.no_grad():
        expected = float(loaded.model(input_ids=ids, labels=ids).loss)
    assert token_loss(loaded, text) == pytest.approx(expected, abs=1e-4)
    assert token_loss(loaded, text) == pytest.approx(math.log(loaded.model.config.vocab_size), rel=0.1)
    assert token_loss(loaded, "Gitea " * 5000) > 0  # far longer than the context


def test_a_run_is_compared_with_its_own_base(folder: Path) -> None:
    run = Runs(folder / "models").find("latest")
    change = held_out_change(app_in(folder), run, TEXTS)
    base = load(Wanted(str(folder / "base"), device="cpu"), "base")
    alone = [token_loss(base, held.text) for held in TEXTS]
    assert change.before == pytest.approx(sum(alone) / len(alone), abs=1e-4)
    assert abs(change.after - change.before) > 0.01  # random weights of an adapter do not leave it as it was
    assert set(change.languages) == {"fr", "en"}
    assert change.count == 6


def test_a_run_of_all_weights_is_compared_too_unless_it_cuts_texts_otherwise(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "base", tmp_path / "base")
    base = RunBase("base", str(tmp_path / "base"), "", identity(tmp_path / "base"), "LlamaForCausalLM")
    whole = tiny_model(tmp_path / "whole", seed=3)
    run = finished(tmp_path / "models", "20261104-153012-aaaa", final=whole, base=base, tuning="full")
    change = held_out_change(app_in(tmp_path), run, TEXTS)
    assert change.before != change.after
    tokenizer = json.loads((whole / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["merges"] = []
    (whole / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    other = finished(tmp_path / "models", "20261104-153012-bbbb", final=whole, base=base, tuning="full")
    with pytest.raises(BadInput, match="other tokens"):
        held_out_change(app_in(tmp_path), other, TEXTS)
