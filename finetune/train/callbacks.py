"""What happens at each step of a training: the log, the watcher, the wish to stop, a checkpoint now and then."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from finetune.runs.folder import RunFolder
from finetune.train.progress import Progress, Stop
from retrieval.errors import UserError

SAVE_SECONDS = 600.0
"""Longest time of work that a kill may cost."""
NAMES = {
    "loss": "loss",
    "learning_rate": "lr",
    "mean_token_accuracy": "mean_token_accuracy",
    "num_tokens": "num_tokens",
    "grad_norm": "grad_norm",
    "rewards/accuracies": "preference_accuracy",
    "rewards/margins": "reward_margin",
    "rewards/chosen": "reward_chosen",
    "rewards/rejected": "reward_rejected",
    "epoch": "epoch",
}
"""Figures of the trainers that are kept, and what they are called here; those of an evaluation begin with `eval_`."""


class TrainingFailed(UserError):
    """A training that cannot go on."""


def watching(folder: RunFolder, progress: Progress, stop: Stop, before: float) -> Any:
    """A callback for transformers' Trainer; `before` are the seconds that earlier attempts took."""
    import transformers

    class Watch(transformers.TrainerCallback):
        def __init__(self) -> None:
            self.started = self.saved = time.monotonic()
            self.figures: dict[str, float] = {}
            self.stopped = False

        def on_step_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            if state.global_step >= state.max_steps:
                control.should_evaluate = args.eval_strategy != "no"  # the last state may be the best
            elif stop():
                self.stopped = control.should_training_stop = control.should_save = True
            elif time.monotonic() - self.saved > SAVE_SECONDS:
                control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            self.saved = time.monotonic()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **named: Any) -> None:
            found = _named(logs or {})
            if not found.keys() & {"loss", "eval_loss"}:
                return  # the summary at the end
            seconds = before + time.monotonic() - self.started
            folder.log.append({"step": state.global_step, **found, "seconds": round(seconds, 3)})
            self.figures.update(found)
            progress.step(state.global_step, state.max_steps, **self.figures)
            _check_loss(found, state.global_step)

    return Watch()


def _named(logs: Mapping[str, Any]) -> dict[str, float]:
    return {e + name: float(logs[e + key]) for key, name in NAMES.items() for e in ("", "eval_") if e + key in logs}


def _check_loss(found: dict[str, float], step: int) -> None:
    """Raises TrainingFailed for a loss that is no number: nothing after it could be one."""
    if not all(math.isfinite(found[name]) for name in ("loss", "eval_loss") if name in found):
        hint = "Lower --learning-rate, or train with --precision fp32."
        raise TrainingFailed(f"The loss is no longer a number at step {step}: the training has diverged.", hint)
