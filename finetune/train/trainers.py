"""trl's trainers for rows that are tokens already, their checkpoints sealed; nothing is rendered, cut or sent anywhere."""

from __future__ import annotations

import json
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.runs.digests import keeping
from finetune.runs.folder import RunFolder, checkpoint_fault, step_of, torn
from finetune.train.config import TrainConfig
from finetune.train.order import Order
from finetune.train.preflight import Prepared
from finetune.train.workload import items, order

STATE = "trainer_state.json"
_LIBRARIES = ("transformers", "trl", "peft", "accelerate", "datasets", "bitsandbytes", "torch", "filelock", "fsspec")


@dataclass(frozen=True)
class Job:
    """One attempt at a training."""

    prepared: Prepared
    config: TrainConfig
    folder: RunFolder


@contextmanager
def quietly() -> Iterator[None]:
    """No telemetry, no bar, no log or warning of a library in the terminal."""
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", DO_NOT_TRACK="1")
    import datasets
    from transformers.utils import logging as transformers_logging

    datasets.disable_progress_bars()
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def trainer_of(job: Job, model: Any, callbacks: list[Any]) -> Any:
    """A trainer ready to train; `model` is the base, or the base with an adapter to train further."""
    import transformers

    config, prepared = job.config, job.prepared
    rows, lengths = items(prepared.rows, config)
    held = items(prepared.validation, config)[0] if prepared.validation else None
    if config.method == "kto":
        rows, held = _with_others(rows, config), held and _with_others(held, config)
    _score_answers_only()
    if prepared.validation and config.early_stopping:
        callbacks = [*callbacks, transformers.EarlyStoppingCallback(config.early_stopping)]
    fresh = config.tuning != "full" and not hasattr(model, "peft_config")
    trainer = _class(config)(
        job.folder,
        order(lengths, config),
        model=model,
        args=arguments(job),
        train_dataset=rows,
        eval_dataset=held,
        processing_class=prepared.base.format.tokenizer,
        peft_config=adapter(job) if fresh else None,
        callbacks=callbacks,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    for weight in trainer.model.parameters():
        if weight.requires_grad:  # small steps are lost in 16 bits
            weight.data = weight.data.float()
    return trainer


def adapter(job: Job) -> Any:
    """A new LoRA adapter on every linear layer but the head; neither rsLoRA nor DoRA."""
    import peft

    config = job.config
    name, revision = job.prepared.base.reference
    return peft.LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=job.prepared.base.targets,
        bias="none",
        task_type="CAUSAL_LM",
        base_model_name_or_path=name,
        revision=revision,
    )


def arguments(job: Job) -> Any:
    """The arguments of the trainer of trl 1.16."""
    import trl

    config = job.config
    if config.method == "sft":
        more: dict[str, Any] = {
            "dataset_kwargs": {"skip_prepare_dataset": True},
            "padding_free": config.packing != "none",
        }
        return trl.SFTConfig(**_common(job), **more)
    if config.method == "dpo":
        more = {"loss_type": list(config.loss), "loss_weights": list(config.loss_weights) or None}
        return trl.DPOConfig(**_common(job), **more, beta=config.beta)
    return trl.KTOConfig(**_common(job), loss_type=config.loss[0], beta=config.beta)


def _common(job: Job) -> dict[str, Any]:
    config = job.config
    micro = config.micro_batch or config.batch_size
    cuda = config.device == "cuda"
    scheduler = "constant_with_warmup" if config.scheduler == "constant" else config.scheduler
    paged = config.tuning == "qlora" and cuda
    evaluated: dict[str, Any] = {"eval_strategy": "no"}
    if job.prepared.validation:
        evaluated = {
            "eval_strategy": "steps",
            "eval_steps": config.eval_steps,
            "load_best_model_at_end": True,
            "metric_for_best_model": "eval_loss",
            "greater_is_better": False,
        }
    return {
        "output_dir": str(job.folder.path),
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "per_device_train_batch_size": micro,
        "per_device_eval_batch_size": micro,
        "gradient_accumulation_steps": config.batch_size // micro,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": scheduler,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "optim": "paged_adamw_8bit" if paged else "adamw_torch_fused",
        "seed": config.seed,
        "data_seed": config.seed,
        "bf16": config.precision == "bf16",
        "fp16": config.precision == "fp16",
        "use_cpu": not cuda,
        "gradient_checkpointing": bool(config.gradient_checkpointing),
        "max_length": None,  # rows that are too long were dealt with
        "logging_nan_inf_filter": False,
        "logging_steps": 1,  # so that the mean of all is the same after a resume
        "save_strategy": "steps",
        "save_steps": config.save_steps,
        "restore_callback_states_from_checkpoint": True,
        "report_to": [name for name in config.report_to if name != "none"] or "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": cuda,
        **evaluated,
    }


def _class(config: TrainConfig) -> Any:
    """trl's trainer, with what differs here."""
    import transformers
    import trl

    known: Any = {"sft": trl.SFTTrainer, "dpo": trl.DPOTrainer, "kto": trl.KTOTrainer}[config.method]

    class Ours(known):  # type: ignore[misc]
        def __init__(self, folder: RunFolder, taken: Order, **named: Any) -> None:
            self._folder, self._order = folder, taken
            self._loss_sum, self._loss_tokens = 0.0, 0
            super().__init__(**named)

        def _get_train_sampler(self, *given: Any) -> Order:
            return self._order

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            """Counted from the first step on, so that it learns too: warm-up begins at 0."""
            made = self.lr_scheduler or super().create_scheduler(num_training_steps + 1, optimizer)
            if made.last_epoch == 0:
                made.step()
            return made

        def _prepare_dataset(self, dataset: Any, *given: Any) -> Any:
            return dataset  # rendered already

        def _send_telemetry(self) -> None: ...

        def create_model_card(self, *given: Any, **named: Any) -> None: ...

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            with keeping(self._folder.path), full_disks():
                super()._save_checkpoint(model, trial)
                written = self._folder.path / f"checkpoint-{self.state.global_step}"
                (written / "training_args.bin").unlink(missing_ok=True)  # a pickle that nothing reads
                self._folder.seal(written)
                _prune(self._folder, {self.state.global_step, self.state.best_global_step})

        def _determine_best_metric(self, *given: Any, **named: Any) -> Any:
            """The best state is saved when it is found: the model is taken from there at the end."""
            best = super()._determine_best_metric(*given, **named)
            self.control.should_save = self.control.should_save or best
            return best

        def _load_best_model(self) -> None:
            best = Path(self.state.best_model_checkpoint)
            if why := checkpoint_fault(best):
                raise torn(best, why)
            super()._load_best_model()

        def take_up(self, checkpoint: Path) -> None:
            """Be where the training was that had come to its end at this checkpoint."""
            self.state = transformers.TrainerState.load_from_json(str(checkpoint / STATE))
            self._load_best_model()

        def compute_loss(self, model: Any, inputs: Any, *given: Any, **named: Any) -> Any:
            loss = super().compute_loss(model, inputs, *given, **named)
            if config.method == "sft" and not self.model.training:
                tokens = int((inputs["labels"][:, 1:] != -100).sum())
                self._loss_sum, self._loss_tokens = self._loss_sum + float(loss) * tokens, self._loss_tokens + tokens
            return loss

        def evaluation_loop(self, *given: Any, metric_key_prefix: str = "eval", **named: Any) -> Any:
            """Loss by token: a mean of the batches' means would depend on what fits into memory."""
            self._loss_sum, self._loss_tokens = 0.0, 0
            found = super().evaluation_loop(*given, metric_key_prefix=metric_key_prefix, **named)
            if self._loss_tokens:
                found.metrics[f"{metric_key_prefix}_loss"] = self._loss_sum / self._loss_tokens
            return found

    return Ours


def had_ended(checkpoint: Path) -> bool:
    """Whether early stopping had ended the training at this checkpoint."""
    state = json.loads((checkpoint / STATE).read_bytes())
    patience = state["stateful_callbacks"].get("EarlyStoppingCallback")
    if not patience or not state["best_model_checkpoint"]:
        return False
    counted: int = patience["attributes"]["early_stopping_patience_counter"]
    return counted >= int(patience["args"]["early_stopping_patience"])


@contextmanager
def full_disks() -> Iterator[None]:
    """What libraries in other languages raise on a full disk, as the OSError it is."""
    import errno

    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, RuntimeError) as error:
        said = str(error)
        if (
            "No space left" in said
            or "os error 28" in said
            or "PytorchStreamWriter" in said
            or "file write failed" in said
        ):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


def _prune(folder: RunFolder, kept: set[int | None]) -> None:
    """Remove checkpoints that are neither the last nor the best, now that a newer one is sealed."""
    for path in folder.checkpoints():
        if step_of(path) not in kept:
            _remove(path)


def _remove(path: Path) -> None:
    """First the seal: a removal that is broken off leaves a checkpoint that nobody loads."""
    (path / "complete.json").unlink(missing_ok=True)
    shutil.rmtree(path)


def _score_answers_only() -> None:
    """trl 1.16 scores every position on a CPU, answers and prompts alike; have it leave out what has no label, as on a GPU.

    With a vocabulary of 150,000 and long prompts the head is a third of the work.
    """
    import trl.trainer.utils

    trl.trainer.utils._use_triton = lambda device: True  # asked only whether to leave positions out


def _with_others(rows: Any, config: TrainConfig) -> Any:
    """Beside each answer the one of another row: KTO's estimate of how far the model has moved."""
    if config.loss != ("kto",):
        return rows
    answers = rows["completion_ids"][:]
    return rows.add_column("KL_completion_ids", [answers[-1], *answers[:-1]])
