"""`dyag compare`, `dyag compare-models`: which of several evaluations is better, as far as the data can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import BadUsage, Completes, command

if TYPE_CHECKING:
    from assistant.app import App
    from eval.advice import Advice
    from eval.comparison import Comparison

Format = Literal["json", "markdown", "html", "both", "all"]
"""`both` is JSON and Markdown, as the guides have it; `all` adds the page."""
OUTPUT = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Write reports under this name: evaluation/comparison makes comparison.json, …"
    ),
    Completes("path"),
]
FORMAT = Annotated[
    Format | None,
    typer.Option("--format", help="What --output writes; both: JSON and Markdown. Default: by its ending, else all."),
]


@dataclass(frozen=True)
class CompareResult:
    """A comparison, what it advises, and the files that hold it."""

    advice: Advice
    comparison: Comparison
    command: str
    """The command that makes it again."""
    differs: Mapping[str, tuple[str, ...]]
    """What the evaluations were made with, where they differ: models, settings, versions, in their order."""
    written: tuple[Path, ...] = ()


@command(
    examples=(
        "dyag compare eval_20261104_101500_a1f3 latest",
        "dyag compare evaluation/results_rag.json evaluation/results_ft.json --output evaluation/comparison",
        "dyag compare rag.json finetuned.json hybrid.json --json",
    ),
)
def compare(
    app: App,
    evaluations: Annotated[
        list[str],
        typer.Argument(
            help="Two or more: ids (see dyag eval list), latest, or files results.json.", metavar="EVALUATION"
        ),
        Completes("evaluation"),
    ],
    output: OUTPUT = None,
    format: FORMAT = None,
) -> CompareResult:
    """Compare evaluations of the same cases: who is better in what, and whether that is more than chance.

    Cases are paired and whole documents are drawn, so that many questions about one document do not pass for many
    proofs. The first evaluation is the baseline.
    """
    from assistant.comparing import compared_by_name

    return compared_by_name(app, evaluations, output, format)


@command(
    "compare-models",
    background=True,
    examples=(
        "dyag compare-models --rag-results evaluation/results_rag.json --finetuned-results evaluation/results_ft.json"
        " --output evaluation/comparison --format both",
        "dyag compare-models --model1 models/v1 --model2 models/v2 --test data/finetuning/dataset_test.jsonl",
    ),
)
def compare_models(
    app: App,
    rag_results: Annotated[
        Path | None, typer.Option("--rag-results", help="results.json of the mode rag."), Completes("path")
    ] = None,
    finetuned_results: Annotated[
        Path | None, typer.Option("--finetuned-results", help="results.json of the trained model."), Completes("path")
    ] = None,
    model1: Annotated[
        str | None, typer.Option("--model1", help="A model to evaluate first: a run, a folder, provider:model.")
    ] = None,
    model2: Annotated[str | None, typer.Option("--model2", help="The model to compare it with.")] = None,
    test: Annotated[
        Path | None, typer.Option("--test", help="The cases that both models are asked."), Completes("path")
    ] = None,
    mode: Annotated[
        Literal["rag", "finetuned", "hybrid"], typer.Option("--mode", help="How the two models are asked.")
    ] = "finetuned",
    limit: Annotated[int, typer.Option("--limit", min=0, help="Only so many cases; 0: all.")] = 0,
    output: OUTPUT = None,
    format: FORMAT = None,
) -> CompareResult:
    """Compare the results of two evaluations, or evaluate two models on the same cases and compare them.

    `dyag compare` does the first for any number of evaluations. What is evaluated here is kept as by `dyag eval`.
    """
    from assistant.comparing import compared, measured_pair, named
    from assistant.evaluating import on_its_way

    if rag_results and finetuned_results and not (model1 or model2 or test):
        words = ["compare-models", "--rag-results", str(rag_results), "--finetuned-results", str(finetuned_results)]
        sides = [named(rag_results, "rag"), named(finetuned_results, "finetuned")]
        return compared(app, sides, words, output, format)
    if model1 and model2 and test and not (rag_results or finetuned_results):
        asked = {"--model1": model1, "--model2": model2, "--test": test, "--mode": mode, "--limit": limit}
        with on_its_way(app, ["compare-models"], {**asked, "--output": str(output or ""), "--format": format}):
            sides = measured_pair(app, (model1, model2), test, mode, limit)
        return compared(app, sides, ["compare", *(side.identity.id for side in sides)], output, format)
    raise BadUsage(
        "Two evaluations, or two models and their cases, are needed.",
        "Give --rag-results FILE --finetuned-results FILE, or --model1 M --model2 M --test CASES.",
    )
