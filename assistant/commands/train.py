"""`dyag train`: a model from a dataset, on whatever machine this is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.command import BadUsage, Completes, command

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.hosted_views import HostedJobs, HostedPlan, HostedResult, HostedStatus, TunedModels
    from finetune.export.served import Served
    from finetune.train.preflight import Report

DATASET = Path("data/finetuning/dataset_train.jsonl")
"""What is trained on when no dataset is named: what `dyag gen-dataset` writes when it is told no other name."""
HOSTED = ("provider", "base_url", "suffix", "wait", "list_jobs", "status", "list_models", "cancel", "yes")
"""Options that only a service knows."""


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
    ollama: Served | None = None
    """The model that was made of it, where the configuration file names one."""
    not_served: str = ""
    """Why none could be made although a name was given."""

    @property
    def exit_code(self) -> int:
        return 130 if self.state != "finished" else 1 if self.not_served else 0


def agree_first(app: App, options: Mapping[str, Any]) -> list[str]:
    """Before a job begins, which has nobody to ask: whether the CPU will do, or whether to send the rows and pay."""
    from assistant.hosted import agreed_to_send, meant
    from assistant.training import agreed_words

    return agreed_to_send(app, options) if meant(app, options) else agreed_words(app, options)


def is_hosted(options: Mapping[str, Any]) -> bool:
    """Whether a service is to train, or is asked about. Raises BadUsage for options that belong to no training here."""
    named = next((name for name in HOSTED if options[name] and name not in ("provider", "yes")), "")
    if named and options["provider"] == "local":
        flag = f"--{named.removesuffix('_jobs').replace('_', '-')}"
        raise BadUsage(f"{flag} means nothing to a training on this machine.", "Leave it out, or --provider local.")
    return options["provider"] == "openai" or bool(named)


def queue_of(options: Mapping[str, Any]) -> str:
    """A hosted training takes nothing of this machine, and waits for no other."""
    return "hosted" if is_hosted(options) else "training"


def at_once(options: Mapping[str, Any]) -> bool:
    """Whether a service is only asked something."""
    told = ("list_jobs", "list_models", "cancel")
    return any(options[name] for name in told) or bool(options["status"] and not options["wait"])


@command(
    "train",
    aliases=("finetune",),
    background=True,
    queue=queue_of,
    at_once=at_once,
    before_job=agree_first,
    examples=(
        "dyag train --force-cpu",
        "dyag finetune --dataset data/finetuning/dataset_100_train.jsonl --output models/my-model --base-model qwen2.5:1.5b",
        "dyag train --dataset data/finetuning/feedback_train.jsonl --method dpo --from-run latest",
        "dyag train --config configs/training_config.json --epochs 1",
        "dyag train --resume --output models/my-model",
        "dyag train --check",
        "dyag finetune --provider openai --train data/finetuning/dataset_train.jsonl --suffix dyag-v1 --epochs 3 --wait",
        "dyag finetune --list",
        "dyag finetune --status ftjob-abc123 --wait",
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
            "--base-model",
            "--model",
            help="A shortcut (see `dyag models`), org/name, or a folder; default train.base_model. Of a service, its name.",
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
    provider: Annotated[
        Literal["local", "openai"] | None,
        typer.Option("--provider", help="openai: a service of OpenAI's API trains. Default: this machine."),
    ] = None,
    base_url: Annotated[
        str, typer.Option("--base-url", help="The service; default model.base_url, else OPENAI_BASE_URL, else OpenAI.")
    ] = "",
    suffix: Annotated[
        str, typer.Option("--suffix", help="Hosted: stands in the name of the model, such as dyag-v1.")
    ] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Hosted: stay until the training has ended.")] = False,
    list_jobs: Annotated[bool, typer.Option("--list", help="List the trainings of the service.")] = False,
    status: Annotated[
        str, typer.Option("--status", metavar="ID", help="Show a training of the service, by its id or its run's.")
    ] = "",
    list_models: Annotated[
        bool, typer.Option("--list-models", help="List the models that were trained at the service.")
    ] = False,
    cancel: Annotated[str, typer.Option("--cancel", metavar="ID", help="Stop a training at the service.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Hosted: send and pay without being asked.")] = False,
) -> TrainResult | CheckResult | HostedResult | HostedPlan | HostedJobs | HostedStatus | TunedModels:
    """Train a base model on a dataset, and keep it as a run.

    Everything is checked before a weight is loaded: rows, lengths, memory, disk, time. Without a GPU the time is estimated
    and --force-cpu asked for. A training that was stopped or killed goes on with --resume.

    With output_model_name in the --config file it is handed to Ollama under that name, as `dyag export-ollama` does.

    The run holds an adapter in `final/`. `dyag promote RUN` makes it the model of the modes finetuned and hybrid.

    With --provider openai a service trains: any of OpenAI's API, named by --base-url. The files are made and checked here,
    the cost is shown, and nothing is sent before you agree. What was sent is never sent again, whatever broke off. The run
    holds the name of the model there, and answers, is evaluated and promoted like any other. The key is OPENAI_API_KEY.
    """
    options = {name: value for name, value in locals().items() if name != "app"}
    from assistant.hosted import begin_hosted, meant
    from assistant.training import begin

    return begin_hosted(app, options) if meant(app, options) else begin(app, options)
