"""`dyag train`: a model from a dataset, on whatever machine this is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.command import Completes, command

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.commands.export_ollama import OllamaView
    from finetune.train.preflight import Report

DATASET = Path("data/finetuning/dataset_train.jsonl")
"""What is trained on when no dataset is named: what `dyag gen-dataset` writes when it is told no other name."""


@dataclass(frozen=True)
class CheckResult:
    """What a training would do, and what it would take."""

    report: Report


@dataclass(frozen=True)
class TrainResult:
    """A training that came to its end, or was stopped on the way."""

    run: str
    state: Literal["finished", "interrupted"]
    folder: Path
    final: Path | None
    """The trained model; None while there is none."""
    seconds: float
    metrics: Mapping[str, float]
    losses: tuple[tuple[float, float], ...]
    """(step, training loss), for the chart."""
    eval_losses: tuple[tuple[float, float], ...]
    events: tuple[str, ...]
    """What was changed on the way, as a batch that did not fit."""
    warnings: tuple[str, ...]
    base: str
    resume: str = ""
    """The command that goes on with it."""
    ollama: OllamaView | None = None
    """The model that was made of it, where the configuration file names one."""
    not_served: str = ""
    """Why none could be made although a name was given."""

    @property
    def exit_code(self) -> int:
        return 130 if self.state != "finished" else 1 if self.not_served else 0


def agree_first(app: App, options: Mapping[str, Any]) -> list[str]:
    """Before a job begins, which has nobody to ask: whether the CPU will do."""
    from assistant.training import agreed_words

    return agreed_words(app, options)


@command(
    "train",
    aliases=("finetune",),
    background=True,
    queue="training",
    before_job=agree_first,
    examples=(
        "dyag train --force-cpu",
        "dyag finetune --dataset data/finetuning/dataset_100_train.jsonl --output models/my-model --base-model qwen2.5:1.5b",
        "dyag train --dataset data/finetuning/feedback_train.jsonl --method dpo --from-run latest",
        "dyag train --config configs/training_config.json --epochs 1",
        "dyag train --resume --output models/my-model",
        "dyag train --check",
    ),
)
def train(
    app: App,
    dataset: Annotated[
        Path | None,
        typer.Option("--dataset", "--train", help=f"Rows to learn; any format of `dyag dataset`. Default {DATASET}."),
        Completes("path"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The run's folder; default: a new one in models/runs."),
        Completes("path"),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option(
            "--base-model", help="A shortcut (see `dyag models`), org/name, or a folder; default train.base_model."
        ),
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option("--validation", help="Rows to watch, not to learn; default: the _val file beside _train."),
        Completes("path"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="A JSON or YAML file of these options; what is typed here wins."),
        Completes("path"),
    ] = None,
    method: Annotated[
        Literal["sft", "dpo", "kto"] | None,
        typer.Option("--method", help="Answers, preferences, or ratings; default sft."),
    ] = None,
    tuning: Annotated[
        Literal["lora", "qlora", "full"] | None,
        typer.Option("--tuning", help="An adapter, one over a 4-bit base, or every weight; default lora."),
    ] = None,
    quantize: Annotated[
        Literal["none", "4bit"] | None, typer.Option("--quantize", help="4bit: the same as --tuning qlora.")
    ] = None,
    epochs: Annotated[float | None, typer.Option("--epochs", help="Passes over the rows; default 3.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Rows of one step; default 4.")] = None,
    lora_rank: Annotated[int | None, typer.Option("--lora-rank", help="Size of the adapter; default 16.")] = None,
    lora_alpha: Annotated[
        float | None, typer.Option("--lora-alpha", help="Scale of the adapter: alpha / rank; default 32.")
    ] = None,
    lora_dropout: Annotated[float | None, typer.Option("--lora-dropout", help="Default 0.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", "--lr", help="Default: what suits the method and the base.")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option("--max-length", help="Tokens of a row; default: what the base reads.")
    ] = None,
    overlength: Annotated[
        Literal["drop", "truncate", "raise"] | None,
        typer.Option("--overlength", help="What is done with longer rows; default drop, and said."),
    ] = None,
    packing: Annotated[
        Literal["auto", "rows", "bfd", "none"] | None,
        typer.Option("--packing", help="How rows share a batch; default auto: without padding."),
    ] = None,
    early_stopping: Annotated[
        int | None,
        typer.Option("--early-stopping", help="Evaluations without a better loss that end it; 0: none. Default 3."),
    ] = None,
    max_steps: Annotated[int | None, typer.Option("--max-steps", help="Ends it before its epochs do.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Default 42.")] = None,
    device: Annotated[
        Literal["auto", "cuda", "cpu"] | None, typer.Option("--device", help="Default auto: a GPU if there is one.")
    ] = None,
    force_cpu: Annotated[bool, typer.Option("--force-cpu", help="Train on the CPU without being asked.")] = False,
    from_run: Annotated[
        str | None, typer.Option("--from-run", help="Go on with the adapter of a run, on new rows.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was interrupted: in --output, else the latest such run.")
    ] = False,
    report_to: Annotated[
        str | None, typer.Option("--report-to", help="tensorboard, wandb, mlflow (if installed); default none.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check everything, and say what it would take.")] = False,
) -> TrainResult | CheckResult:
    """Train a base model on a dataset, and keep it as a run.

    Everything is checked before a weight is loaded: rows, lengths, memory, disk, time. Without a GPU the time is estimated
    and --force-cpu asked for. A training that was stopped or killed goes on with --resume.

    With output_model_name in the --config file it is handed to Ollama under that name, as `dyag export-ollama` does.

    The run holds an adapter in `final/`. `dyag promote RUN` makes it the model of the modes finetuned and hybrid.
    """
    options = {name: value for name, value in locals().items() if name != "app"}
    from assistant.training import begin

    return begin(app, options)
