"""What a training leaves: the model in `final/`, the curve, the figures, and the manifest last of all."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.runs.folder import RunFolder
from finetune.runs.log import Logged
from finetune.runs.manifest import Manifest, RunBase, RunData
from finetune.train.config import Method
from finetune.train.curve import draw
from finetune.train.preflight import Prepared
from finetune.train.request import Request
from finetune.train.rows import Rows
from finetune.train.trainers import Job, full_disks

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
LAST = 0.1
"""Part of the steps whose mean stands for the end of a training."""
MEASURED: dict[Method, tuple[str, ...]] = {
    "sft": ("mean_token_accuracy",),
    "dpo": ("preference_accuracy", "reward_chosen", "reward_rejected"),
    "kto": ("reward_chosen", "reward_rejected"),
}
"""What tells, beside the loss, how well it was learnt."""


def publish(job: Job, model: Any) -> None:
    """Save the adapter, or the whole model, with the tokenizer and its template. Raises NoSpace, NoAccess."""
    base = job.prepared.base
    with job.folder.publishing() as part, full_disks():
        if job.config.tuning == "full":
            model.to(_stored(base.config)).save_pretrained(part)
        else:
            config = model.peft_config["default"]
            config.base_model_name_or_path, config.revision = base.reference
            config.inference_mode = True
            model.save_pretrained(part, selected_adapters=["default"])
            _card(part, base.found.name)
        base.format.tokenizer.save_pretrained(part)


def figures(job: Job, seconds: float, epochs: float) -> dict[str, float]:
    """The metrics of the run, from its whole log: the same whether it was interrupted or not."""
    logged, report = job.folder.log.read(), job.prepared.report
    losses = [value for _, value in logged.series("loss")]
    found = {"steps": float(max((s for s, _ in logged.series("loss")), default=0)), "epochs": epochs}
    if losses:
        found["train_loss"] = sum(losses) / len(losses)
    best = min(logged.series("eval_loss"), key=lambda point: point[1], default=None)
    if best:
        found["eval_loss"] = best[1]
    for name in MEASURED[job.config.method]:
        if (value := _measured(logged, name, best and best[0])) is not None:
            found[name] = value
    if {"reward_chosen", "reward_rejected"} <= found.keys():  # KTO's batches often hold answers of one kind
        found["reward_margin"] = found["reward_chosen"] - found["reward_rejected"]
    found["num_tokens"] = float(round(report.tokens_per_epoch * epochs))
    found["train_runtime"] = seconds
    found["samples_per_second"] = report.rows * epochs / max(seconds, 1e-9)
    return found


def _measured(logged: Logged, name: str, best: float | None) -> float | None:
    """A figure of the best evaluation; without one, its mean over the last steps. None when it was not measured."""
    if best is not None:
        return next((value for at, value in logged.series(f"eval_{name}") if at == best), None)
    every = [value for _, value in logged.series(name)]
    last = every[-max(1, round(len(every) * LAST)) :]
    return sum(last) / len(last) if last else None


def close(job: Job, request: Request, seconds: float, metrics: dict[str, float], events: tuple[str, ...]) -> Manifest:
    """Draw the curve and write the manifest. Raises NoSpace, NoAccess."""
    prepared, folder = job.prepared, job.folder
    title = f"{folder.path.name}: {job.config.method} of {Path(prepared.base.found.name).name}"
    draw(folder.log.read(), title, folder.curve)
    return folder.finish(_manifest(job, request, seconds, metrics, events))


def _manifest(
    job: Job, request: Request, seconds: float, metrics: dict[str, float], events: tuple[str, ...]
) -> Manifest:
    prepared, config = job.prepared, job.config
    found = prepared.base.found
    return Manifest(
        id=request.id,
        created=request.created,
        seconds=round(seconds, 3),
        method=config.method,
        tuning=config.tuning,
        base=RunBase(found.name, found.source, found.revision, found.identity, prepared.base.architecture),
        config=config.values(),
        dataset=RunData(str(request.config.dataset), request.dataset_sha256, len(prepared.rows), prepared.rows.tokens),
        validation=_data(prepared, job.folder),
        seeds={"seed": config.seed},
        versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        device=prepared.device.title,
        metrics=metrics,
        events=events,
        parent=prepared.base.parent.id if prepared.base.parent else "",
    )


def _data(prepared: Prepared, folder: RunFolder) -> RunData | None:
    held: Rows | None = prepared.validation
    if held is None:
        return None
    return RunData(str(prepared.config.validation or folder.validation), held.sha256, len(held), held.tokens)


def _stored(config: Any) -> Any:
    """The number format of the base: a model that is saved in another would double its size."""
    import torch

    name = str(config.get("dtype") or config.get("torch_dtype") or "float32")
    return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(name, torch.float32)


def _card(part: Path, base: str) -> None:
    """PEFT's card is a form with nothing filled in; this says what the folder is."""
    text = f"---\nlibrary_name: peft\n---\n\nA LoRA adapter, trained on {json.dumps(base)} by dyag.\n"
    (part / "README.md").write_text(text, encoding="utf-8")
