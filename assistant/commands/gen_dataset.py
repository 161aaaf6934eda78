"""`dyag gen-dataset`: questions and answers to train on, from documents or from feedback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.command import Completes, command

if TYPE_CHECKING:
    from assistant.app import App

OUTPUT = Path("data/finetuning/dataset.jsonl")


@dataclass(frozen=True)
class DatasetFile:
    """One file that was written."""

    path: Path
    split: str
    rows: int


@dataclass(frozen=True)
class DatasetResult:
    """A dataset that was written."""

    files: tuple[DatasetFile, ...]
    manifest: Path
    wanted: int
    """Examples asked for."""
    made: int
    """Examples in the training, validation and test files; the test on seen documents comes on top."""
    counts: Mapping[str, Any]
    """By split: types, languages, methods, refusals, turns of phrase."""
    tokens: Mapping[str, Any]
    drops: Mapping[str, int]
    """Examples dropped, by reason."""
    leaks: Mapping[str, int]
    drop_examples: Mapping[str, Any]
    notes: tuple[str, ...]
    """What the user should know: why there are fewer than asked for, files that could not be read."""
    verbose: bool = False
    seconds: float = 0.0


@command(
    "gen-dataset",
    background=True,
    aliases=("generate-training",),
    examples=(
        "dyag gen-dataset --count 500 --output data/finetuning/dataset.jsonl",
        "dyag gen-dataset chunks.jsonl --method rule-based --count 100 --split --output data/finetuning/dataset_100.jsonl",
        "dyag gen-dataset docs/ --method augmented --count 1000 --context raft",
        "dyag gen-dataset --method llm-based --teacher openai:gpt-4o-mini --count 200",
        "dyag gen-dataset --from feedback --as dpo --output data/finetuning/preferences.jsonl",
    ),
)
def gen_dataset(
    app: App,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="INPUT", help="DYAG chunks (JSONL), documents or folders; none: the index."),
        Completes("path"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=f"X.jsonl gives X_train.jsonl and so on; default {OUTPUT}."),
        Completes("path"),
    ] = None,
    method: Annotated[
        Literal["rule-based", "llm-based", "augmented"], typer.Option("--method", help="How questions are made.")
    ] = "rule-based",
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="Examples in all; default 100, of feedback all.")
    ] = None,
    split: Annotated[
        bool, typer.Option("--split/--no-split", help="Training, validation and test files, or one.")
    ] = True,
    train_ratio: Annotated[float, typer.Option("--train-ratio", help="Share that trains.")] = 0.8,
    val_ratio: Annotated[float, typer.Option("--val-ratio", help="Share that validates; the rest tests.")] = 0.1,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 42,
    chunks: Annotated[
        Path | None, typer.Option("--chunks", help="A file of chunks to read, as INPUT."), Completes("path")
    ] = None,
    types: Annotated[str, typer.Option("--types", help="Only these, by comma: who,when,definition,…")] = "",
    language: Annotated[Literal["auto", "fr", "en"], typer.Option("--language", help="Only documents in it.")] = "auto",
    context: Annotated[
        Literal["none", "gold", "raft"],
        typer.Option(
            "--context", help="What a row shows: nothing, the right chunks, or those among others (hybrid mode)."
        ),
    ] = "none",
    system_prompt: Annotated[str, typer.Option("--system-prompt", help="Another system message in every row.")] = "",
    base_model: Annotated[str, typer.Option("--base-model", help="Whose tokenizer counts; default: an estimate.")] = "",
    max_length: Annotated[int, typer.Option("--max-length", min=64, help="Tokens of a row at most.")] = 2048,
    validate: Annotated[
        bool, typer.Option("--validate", help="Check the files afterwards, as `dyag dataset validate`.")
    ] = False,
    source: Annotated[
        Literal["documents", "feedback"], typer.Option("--from", help="Documents, or approved ratings and corrections.")
    ] = "documents",
    form: Annotated[
        Literal["sft", "dpo", "kto"], typer.Option("--as", help="Rows of feedback: answers, preferences, or ratings.")
    ] = "sft",
    teacher: Annotated[
        str,
        typer.Option("--teacher", help="provider:model that writes or paraphrases; default: answer.generator."),
        Completes("model"),
    ] = "",
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Questions to the teacher at a time.")] = 4,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a model is paid for.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files even if they were edited.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show examples of what was dropped.")] = False,
) -> DatasetResult:
    """Make training, validation and test files from documents, or from collected feedback.

    Documents are split before anything is generated, near-duplicates together, so that the test files hold documents
    nobody trained on; X_test_seen.jsonl asks about documents that did train. X.manifest.json says what was made, what was
    dropped and why. The same input and seed give the same bytes.

    Rules need no model: questions from fields, tables, sentences and headings, and 15% near misses whose right answer is a
    refusal. With --method llm-based a teacher writes them; with augmented, questions are also asked in other words.
    """
    from assistant.datasets.run import Wanted, from_documents

    wanted = Wanted(
        inputs=tuple(path.expanduser() for path in [*(inputs or []), *([chunks] if chunks else [])]),
        output=output or app.home.path / OUTPUT,
        method=method, count=count, split=split, train_ratio=train_ratio, val_ratio=val_ratio, seed=seed, types=types,
        language=language, context=context, system_prompt=system_prompt, base_model=base_model, max_length=max_length,
        form=form, teacher=teacher, workers=workers, yes=yes, force=force, verbose=verbose, validate=validate,
    )  # fmt: skip
    if source == "documents":
        return from_documents(app, wanted)
    from assistant.datasets.feedback import from_feedback

    return from_feedback(app, wanted)
