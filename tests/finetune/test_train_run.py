"""Trainings of tiny models: weights move, the loss falls, answers and their end are learnt, what is saved loads anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from training import NAMES, Watcher, asked, port_rows, run_training, tiny_base, weights_of, write

from assistant.generators.base import Options
from assistant.generators.models.hf_model import HfModel
from finetune.bases.load import Wanted
from finetune.runs.folder import RunFolder
from finetune.runs.store import Runs
from finetune.train.config import TrainConfig
from finetune.train.curve import draw
from finetune.train.run import Folders, Outcome, train
from retrieval.errors import BadInput
from retrieval.types import Message


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a base, twenty rows and four to validate with."""
    made = tmp_path_factory.mktemp("home")
    tiny_base(made / "base")
    write(made / "ports_train.jsonl", port_rows(20))
    write(made / "ports_val.jsonl", port_rows(4, 20))
    return made


@pytest.fixture(scope="module")
def learnt(home: Path) -> Outcome:
    """Rows learnt by heart, with every weight: a tiny model has too few in an adapter."""
    return run_training(
        home, dataset=write(home / "heart.jsonl", port_rows(20)), base_model="base", output=home / "models" / "heart",
        tuning="full", epochs=100, batch_size=20, learning_rate=1e-2,
    )  # fmt: skip


def answer(model: Path, question: str) -> str:
    """Greedy; raises Truncated when the answer does not end by itself."""
    asked = HfModel("tiny", Wanted(str(model), device="cpu"))
    options = Options(temperature=0.0, max_tokens=40, timeout=60.0)
    return "".join(asked.stream([Message("user", question)], options))


def test_rows_are_learnt_by_heart_and_the_model_stops_by_itself(learnt: Outcome) -> None:
    assert learnt.state == "finished"
    for number in (0, 7, 19):
        assert (
            answer(learnt.folder / "final", f"Quel port écoute {NAMES[number]} ?").strip()
            == f"Le port {3000 + 7 * number}."
        )


def test_the_loss_falls_and_the_log_tells_every_step(learnt: Outcome) -> None:
    losses = RunFolder(learnt.folder).log.read().series("loss")
    assert [step for step, _ in losses] == list(range(1, 101))
    assert losses[0][1] > 4
    assert losses[-1][1] < 0.1


def test_a_run_is_whole_and_says_what_it_is(learnt: Outcome, home: Path) -> None:
    run = Runs(home / "models").find("heart")
    manifest = run.whole()
    assert (run.state, manifest.tuning, manifest.method) == ("done", "full", "sft")
    assert manifest.dataset.rows == 20
    assert manifest.metrics["steps"] == 100
    assert manifest.metrics["epochs"] == 100
    assert {"train_loss", "mean_token_accuracy", "samples_per_second", "num_tokens"} <= manifest.metrics.keys()
    assert manifest.config["learning_rate"] == 1e-2
    assert "final/model.safetensors" in manifest.artifacts
    assert (run.path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert not (run.path / "rows").exists()


@pytest.fixture(scope="module")
def adapted(home: Path) -> Outcome:
    return run_training(
        home, dataset=home / "ports_train.jsonl", base_model="base", output=home / "models" / "a", epochs=4, lora_rank=8
    )


def test_an_adapter_moves_and_its_base_does_not(adapted: Outcome) -> None:
    moved = weights_of(adapted.folder / "final")
    assert all(name.endswith(("lora_A.weight", "lora_B.weight")) for name in moved)
    assert all(float(w.abs().sum()) > 0 for name, w in moved.items() if "lora_B" in name)
    assert not any("lm_head" in name or "embed" in name for name in moved)
    losses = RunFolder(adapted.folder).log.read().series("loss")
    assert losses[-1][1] < losses[0][1]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # between peft and transformers
def test_plain_peft_loads_the_adapter_from_what_it_says_of_its_base(adapted: Outcome, home: Path) -> None:
    import peft

    config = json.loads((adapted.folder / "final" / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == str((home / "base").resolve())
    assert (config["use_rslora"], config["use_dora"], config["r"]) == (False, False, 8)
    model = peft.AutoPeftModelForCausalLM.from_pretrained(adapted.folder / "final")
    assert model(torch.tensor([[1, 2, 3]])).logits.shape[-1] > 0


def test_plain_transformers_loads_the_tokenizer_with_its_template(adapted: Outcome) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(adapted.folder / "final")
    assert "<|im_start|>" in tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tokenize=False)


def test_the_validation_file_beside_the_training_file_is_used_and_said(home: Path) -> None:
    watcher = Watcher()
    ended = run_training(
        home, watcher, dataset=home / "ports_train.jsonl", base_model="base", output=home / "v", epochs=1
    )
    assert ended.report.validation == home / "ports_val.jsonl"
    assert any("ports_val" in note for note in watcher.notes)
    held = RunFolder(ended.folder).log.read().series("eval_loss")
    assert ended.metrics["eval_loss"] == min(loss for _, loss in held)
    assert held[-1][0] == 5  # the last state too


def test_early_stopping_ends_the_training_and_the_best_state_is_kept(home: Path) -> None:
    other = write(home / "other.jsonl", [asked(name, "Aucun port du tout, jamais.") for name in NAMES[:4]])
    watcher = Watcher()
    ended = run_training(
        home, watcher, dataset=home / "ports_train.jsonl", validation=other, base_model="base", output=home / "early", epochs=40,
        tuning="full", learning_rate=3e-3, early_stopping=2, eval_steps=2, save_steps=2,
    )  # fmt: skip
    held = RunFolder(ended.folder).log.read().series("eval_loss")
    best = min(held, key=lambda point: point[1])
    assert ended.metrics["steps"] < 200
    assert best[0] < held[-1][0]
    said = f"Stopped at step {held[-1][0]:.0f} of 200: no better since step {best[0]:.0f}; the model is that of step {best[0]:.0f}."
    assert ended.events == RunFolder(ended.folder).manifest().events == (said,)
    assert said in watcher.notes
    kept = RunFolder(ended.folder).path / f"checkpoint-{best[0]:.0f}" / "model.safetensors"
    assert kept.is_file()
    assert _same(weights_of(ended.folder / "final"), weights_of(kept.parent))


def test_a_best_state_that_is_not_the_last_is_said(home: Path) -> None:
    other = write(home / "other.jsonl", [asked(name, "Aucun port du tout, jamais.") for name in NAMES[:4]])
    ended = run_training(
        home, dataset=home / "ports_train.jsonl", validation=other, base_model="base", output=home / "best", max_steps=8,
        tuning="full", learning_rate=3e-2, early_stopping=0, eval_steps=2,
    )  # fmt: skip
    best = min(RunFolder(ended.folder).log.read().series("eval_loss"), key=lambda point: point[1])[0]
    assert best < 8
    assert ended.events == (f"The model is that of step {best:.0f}, the best on validation.",)


@pytest.mark.parametrize("scheduler", ["cosine", "constant"])
def test_every_step_learns_from_the_first_to_the_last(home: Path, scheduler: str) -> None:
    ended = run_training(
        home, dataset=write(home / "rates.jsonl", port_rows(20)), base_model="base", output=home / scheduler, epochs=2,
        warmup=0.3, scheduler=scheduler, learning_rate=1e-3,
    )  # fmt: skip
    rates = [rate for _, rate in RunFolder(ended.folder).log.read().series("lr")]
    assert rates[:4] == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3, 1e-3])
    assert min(rates) > 0


def test_the_curve_counts_whole_steps_and_names_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    from finetune.runs.log import Logged

    drawn: list[Any] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *given, **named: drawn.append(figure))
    draw(Logged([{"step": n, "loss": 2.0 / n, "lr": 1e-3} for n in (1, 2, 3)]), "a", tmp_path / "curve.png")
    losses, rates = drawn[0].axes
    assert [text.get_text() for text in losses.get_legend().get_texts()] == [
        "training, each step",
        "training, smoothed",
    ]
    assert all(float(tick).is_integer() for tick in rates.get_xticks())


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_finished_run_is_not_written_over(adapted: Outcome, home: Path) -> None:
    for resume in (False, True):
        config = TrainConfig(home / "ports_train.jsonl", "base", output=adapted.folder, resume=resume)
        with pytest.raises(BadInput, match=r"in use|finished"):
            train(config, Folders(home, home / "models"))


def test_weights_in_a_pickle_are_refused(home: Path, tmp_path: Path) -> None:
    from retrieval.errors import ModelMissing

    base = tiny_base(tmp_path / "pickled")
    torch.save({}, base / "pytorch_model.bin")
    (base / "model.safetensors").unlink()
    with pytest.raises(ModelMissing, match="lacks the weights"):
        run_training(home, dataset=home / "ports_train.jsonl", base_model=str(base), output=home / "p")


def test_trl_still_asks_where_it_is_told_to_score_answers_only() -> None:
    """What `trainers._score_answers_only` replaces is no part of trl's interface: an upgrade may take it away."""
    from trl.trainer import utils

    source = Path(utils.__file__).read_text(encoding="utf-8")
    assert "import _use_triton" in source
    assert "compact = _use_triton(hidden_states.device)" in source
