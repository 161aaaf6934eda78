"""Training runs made without a training: a tiny base, an adapter with random weights, and a manifest that holds."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tiny_model import tiny_model

from finetune.runs.folder import RunFolder
from finetune.runs.manifest import Manifest, RunBase, RunData
from finetune.runs.store import Run, Runs, read_run

CREATED = "2026-11-04T15:30:12+01:00"
BASE = RunBase("base", "base", "", "0" * 64, "LlamaForCausalLM")
ROW = '{"messages": [{"role": "user", "content": "Quel port ?"}, {"role": "assistant", "content": "Le 3000."}]}\n'


def manifest(run_id: str, base: RunBase = BASE, **more: Any) -> Manifest:
    """Of a small training; `more` replaces fields."""
    fields: dict[str, Any] = {
        "id": run_id,
        "created": CREATED,
        "seconds": 144.2,
        "method": "sft",
        "tuning": "lora",
        "base": base,
        "config": {"epochs": 3.0, "batch_size": 4, "lora_rank": 16},
        "dataset": RunData("data/finetuning/dataset_train.jsonl", "1" * 64, 80, 9000),
        "validation": RunData("data/finetuning/dataset_val.jsonl", "2" * 64, 10, 1100),
        "seeds": {"seed": 42},
        "versions": {"python": "3.11", "torch": "2.13.0"},
        "device": "cpu",
        "metrics": {"train_loss": 0.4321, "eval_loss": 0.51, "mean_token_accuracy": 0.87, "epochs": 3.0, "steps": 60.0},
    }
    return Manifest(**{**fields, **more})


def begun(models: Path, run_id: str, output: Path | None = None, **request: Any) -> RunFolder:
    """A run as it is when a training was killed: asked for, and no more."""
    folder = Runs(models).place(run_id, output)
    with folder.claimed():
        folder.begin({"id": run_id, "created": CREATED, "config": {"base_model": "base"}, **request})
    return folder


def finished(models: Path, run_id: str, output: Path | None = None, final: Path | None = None, **more: Any) -> Run:
    """A run with its manifest; `final` is copied into it, else a stand-in of a few bytes."""
    folder = begun(models, run_id, output)
    folder.dataset.write_text(ROW, encoding="utf-8")
    for step, loss in ((10, 2.5), (20, 1.1), (30, 0.4)):
        folder.log.append({"step": step, "loss": loss, "lr": 1e-4})
    folder.log.append({"step": 30, "eval_loss": 0.51})
    with folder.publishing() as part:
        if final is None:
            (part / "adapter_model.safetensors").write_bytes(b"weights")
        else:
            shutil.copytree(final, part, dirs_exist_ok=True)
    folder.finish(manifest(run_id, **more))
    return read_run(folder.path)


def adapter(base: Path, folder: Path, *, seed: int = 0, scale: float = 0.5, **config: Any) -> Path:
    """A LoRA adapter of a model with random weights that change its answers, and the tokenizer beside it."""
    import peft
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    options = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM", **config}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers by a name that it no longer likes
        adapted = peft.get_peft_model(model, peft.LoraConfig(**options))
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_" in name:
                weight.normal_(0, scale)
    adapted.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def trained_home(home: Path, *, ids: tuple[str, ...] = ("20261104-153012-a1f3",), **model: Any) -> Path:
    """A workspace with a tiny base in `base`, and runs whose adapters change its answers, each in its own way."""
    from finetune.bases.identity import identity

    base = tiny_model(home / "base", **model)
    own = RunBase("base", str(base), "", identity(base), "LlamaForCausalLM")
    for seed, run_id in enumerate(ids):
        final = adapter(base, home / "adapter", seed=seed)
        finished(home / "models", run_id, final=final, base=own, created=f"2026-11-04T15:30:{12 + seed}+01:00")
        shutil.rmtree(final)
    return home


def files(folder: Path) -> Mapping[str, bytes]:
    """Every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
