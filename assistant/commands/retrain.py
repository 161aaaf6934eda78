"""`dyag retrain`: what was corrected is learnt, and promoted only if it is proven better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.command import Completes, command

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.commands.gen_dataset import DatasetResult
    from assistant.commands.promote import PromoteResult
    from assistant.commands.train import TrainResult


@dataclass(frozen=True)
class RetrainResult:
    """A retraining, and what the gate found."""

    corrections: int
    """Approved ones that no retraining had known."""
    dataset: DatasetResult
    training: TrainResult
    gate: PromoteResult | None
    """None where nothing could be decided."""
    undecided: str = ""
    """Why, and what to do."""

    @property
    def exit_code(self) -> int:
        """3 when the new run was not promoted."""
        if self.gate is None:
            return self.training.exit_code or 3
        return self.gate.exit_code


def agree_first(app: App, options: Mapping[str, Any]) -> list[str]:
    """Before a job begins, which has nobody to ask: whoever asks for it where there is no GPU means the CPU."""
    from assistant.commands.models import machine

    return ["--force-cpu"] if not options["force_cpu"] and machine().device == "cpu" else []


@command(
    background=True,
    queue="training",
    before_job=agree_first,
    examples=("dyag retrain --force-cpu", "dyag retrain --cases evaluation/questions.jsonl --epochs 5"),
)
def retrain(
    app: App,
    cases: Annotated[
        Path | None,
        typer.Option("--cases", help="What it is judged on; default: the corrections that are kept for tests."),
        Completes("path"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The run's folder; default: a new one in models/."),
        Completes("path"),
    ] = None,
    epochs: Annotated[float | None, typer.Option("--epochs", help="Passes over the rows; default 3.")] = None,
    force_cpu: Annotated[bool, typer.Option("--force-cpu", help="Train on the CPU without being asked.")] = False,
) -> RetrainResult:
    """Train on approved corrections, and promote what comes of it only if it is proven better.

    Three steps in one: `dyag gen-dataset --from feedback`, `dyag train --from-run promoted`, `dyag promote`. Where the
    gate finds no proof, the run stays and what answers now goes on. A server does this by itself every
    `serve.retrain_after` approved corrections. When it is stopped, `dyag jobs resume` ends the step that it was at: after
    the training `dyag promote` asks the gate.

    Exit code 3 says that nothing was promoted.
    """
    from assistant.retraining import retrain as retrained

    stamp = f"{datetime.now():%Y%m%d_%H%M%S}"
    folder = output or app.home.models / f"feedback-finetuned-{stamp}"
    return retrained(app, stamp, folder, cases, {"epochs": epochs, "force_cpu": force_cpu})
