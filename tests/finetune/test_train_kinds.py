"""Other ways to train: pairs, ratings, 4 bits, an adapter further, other families."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from training import pairs, port_rows, rated, run_training, tiny_base, weights_of, write

from finetune.runs.folder import RunFolder
from finetune.runs.store import Runs
from finetune.train.run import Outcome
from retrieval.errors import BadInput


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    tiny_base(made / "base")
    write(made / "ports.jsonl", port_rows(12))
    write(made / "pairs.jsonl", pairs(12))
    write(made / "rated.jsonl", rated(8, 8))
    return made


@pytest.fixture(scope="module")
def parent(home: Path) -> Outcome:
    return run_training(
        home, dataset=home / "ports.jsonl", base_model="base", output=home / "models" / "a", epochs=3, lora_rank=8
    )


def test_pairs_raise_the_better_answer_above_the_other(home: Path) -> None:
    ended = run_training(
        home, method="dpo", dataset=home / "pairs.jsonl", base_model="base", output=home / "dpo", epochs=6,
        learning_rate=5e-3, validation=home / "pairs.jsonl",
    )  # fmt: skip
    assert ended.report.config.loss == ("sigmoid", "sft")
    assert ended.report.config.loss_weights == (1.0, 0.2)
    margins = RunFolder(ended.folder).log.read().series("reward_margin")
    assert margins[-1][1] > 0.1
    assert abs(margins[0][1]) < 1e-3
    assert ended.metrics["preference_accuracy"] == 1
    assert ended.metrics["reward_margin"] > 0.1
    assert "mean_token_accuracy" not in ended.metrics
    assert all("lora" in name and "ref" not in name for name in weights_of(ended.folder / "final"))


def test_pairs_train_a_whole_model_against_what_it_was(home: Path) -> None:
    ended = run_training(
        home, method="dpo", tuning="full", dataset=home / "pairs.jsonl", base_model="base", output=home / "dpo-full", epochs=6,
        learning_rate=1e-3,
    )  # fmt: skip
    margins = RunFolder(ended.folder).log.read().series("reward_margin")
    assert margins[-1][1] > 0.1
    assert abs(margins[0][1]) < 1e-3


def test_pairs_refine_an_adapter_and_the_run_has_that_adapter_alone(home: Path, parent: Outcome) -> None:
    ended = run_training(
        home,
        method="dpo",
        dataset=home / "pairs.jsonl",
        from_run="a",
        output=home / "dpo2",
        epochs=2,
        learning_rate=1e-3,
    )
    before, after = weights_of(parent.folder / "final"), weights_of(ended.folder / "final")
    assert before.keys() == after.keys()
    assert any(not (before[name] == after[name]).all() for name in before)
    assert not (ended.folder / "final" / "ref").exists()
    assert RunFolder(ended.folder).manifest().parent == parent.run


@pytest.mark.parametrize(
    ("batch", "good", "loss"), [(4, 8, "kto"), (1, 8, "apo_zero_unpaired"), (4, 2, "apo_zero_unpaired")]
)
def test_ratings_are_learnt_with_the_loss_that_suits_them(home: Path, batch: int, good: int, loss: str) -> None:
    data = write(home / "these.jsonl", rated(good, 8))
    ended = run_training(
        home, method="kto", dataset=data, base_model="base", output=home / f"kto-{batch}-{good}", epochs=2, batch_size=batch,
        learning_rate=5e-3,
    )  # fmt: skip
    assert ended.report.config.loss == (loss,)
    assert ended.report.labels == {"good": good, "bad": 8}
    losses = RunFolder(ended.folder).log.read().series("loss")
    assert losses[-1][1] < losses[0][1]
    assert ended.metrics["reward_margin"] > 0
    assert "mean_token_accuracy" not in ended.metrics


def test_a_base_in_four_bits_is_trained_on_a_cpu(home: Path) -> None:
    ended = run_training(
        home,
        quantize="4bit",
        dataset=home / "ports.jsonl",
        base_model="base",
        output=home / "q",
        epochs=4,
        learning_rate=1e-2,
    )
    assert RunFolder(ended.folder).manifest().tuning == "qlora"
    losses = RunFolder(ended.folder).log.read().series("loss")
    assert losses[-1][1] < losses[0][1]


@pytest.mark.parametrize("family", ["qwen2", "gpt2"])
def test_other_families_train_too(tmp_path: Path, family: str) -> None:
    tiny_base(tmp_path / f"tiny-{family}", family)
    data = write(tmp_path / "d.jsonl", port_rows(8))
    ended = run_training(tmp_path, dataset=data, base_model=f"tiny-{family}", output=tmp_path / "run", epochs=10)
    losses = RunFolder(ended.folder).log.read().series("loss")
    assert losses[-1][1] < losses[0][1]


def test_an_adapter_is_trained_further_and_names_its_parent(home: Path, parent: Outcome) -> None:
    ended = run_training(
        home, dataset=home / "ports.jsonl", from_run="a", output=home / "models" / "b", epochs=2, lora_rank=8
    )
    manifest = Runs(home / "models").find("b").whole()
    assert manifest.parent == parent.run
    assert [manifest.config[name] for name in ("lora_rank", "lora_alpha", "lora_dropout")] == [8, 32, 0]
    assert ended.metrics["train_loss"] < parent.metrics["train_loss"]


@pytest.mark.usefixtures("parent")
@pytest.mark.parametrize(
    ("options", "says", "hint"),
    [
        ({"tuning": "full"}, "tuning is full, and from_run", "dyag merge-lora"),
        ({"lora_rank": 16}, "lora_rank is 16, .* has rank 8", "leave --lora-rank out"),
        ({"lora_alpha": 8}, "lora_alpha is 8, .* has alpha 32", "leave --lora-alpha out"),
        ({"lora_dropout": 0.1}, "lora_dropout is 0.1, .* has dropout 0", "leave --lora-dropout out"),
    ],
)
def test_an_adapter_is_not_trained_further_as_something_else(
    home: Path, options: dict[str, Any], says: str, hint: str
) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        run_training(home, dataset=home / "ports.jsonl", from_run="a", output=home / "d", **options)
    assert hint in refused.value.hint
    assert not (home / "d").exists()


@pytest.mark.usefixtures("parent")
def test_an_adapter_is_not_trained_further_on_other_weights(home: Path, tmp_path: Path) -> None:
    other = tiny_base(tmp_path / "other", "qwen2")
    with pytest.raises(BadInput, match="not those of"):
        run_training(home, dataset=home / "ports.jsonl", from_run="a", base_model=str(other), output=home / "c")
    assert not (home / "c").exists()
