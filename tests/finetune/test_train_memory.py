"""Trainings whose memory is full, or whose loss is no number any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from training import port_rows, run_training, tiny_base, write
from transformers import Trainer

from finetune.runs.folder import RunFolder
from finetune.train.callbacks import TrainingFailed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    tiny_base(made / "base")
    write(made / "ports.jsonl", port_rows(12))
    return made


def test_full_memory_halves_the_rows_at_a_time_and_keeps_the_step(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Trainer.training_step

    def full(self: Any, model: Any, inputs: Any, *rest: Any) -> Any:
        if self.state.global_step == 2 and self.args.per_device_train_batch_size > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, model, inputs, *rest)

    options: dict[str, Any] = {"dataset": home / "ports.jsonl", "base_model": "base", "epochs": 1}
    plain = run_training(home, output=home / "plain", **options)
    monkeypatch.setattr(Trainer, "training_step", full)
    ended = run_training(home, output=home / "oom", **options)
    assert ended.report.config.micro_batch == 1
    assert len(ended.events) == 2
    assert "4 rows at a time" in ended.events[0]
    assert RunFolder(ended.folder).manifest().events == ended.events
    assert ended.metrics["steps"] == plain.metrics["steps"]
    assert ended.metrics["train_loss"] == pytest.approx(plain.metrics["train_loss"], rel=1e-4)


def test_memory_that_is_full_with_one_row_fails_with_figures(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> Any:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(Trainer, "training_step", full)
    with pytest.raises(TrainingFailed, match=r"1 row at a time.*GB") as failed:
        run_training(home, dataset=home / "ports.jsonl", base_model="base", output=home / "never", batch_size=1)
    assert "--max-length" in failed.value.hint


def test_a_loss_that_is_no_number_ends_the_training(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Trainer.training_step
    monkeypatch.setattr(Trainer, "training_step", lambda *given: whole(*given) * float("nan"))
    with pytest.raises(TrainingFailed, match="step 1: the training has diverged"):
        run_training(home, dataset=home / "ports.jsonl", base_model="base", output=home / "nan", epochs=1)
