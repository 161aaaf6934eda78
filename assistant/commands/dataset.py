"""`dyag dataset …`: training files checked, converted, merged and described."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import GROUPS, BadUsage, Completes, command
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.formats.checks import FileReport
    from finetune.formats.merge import Conflict
    from finetune.formats.problems import Problem
    from finetune.formats.stats import Stats
    from finetune.formats.tokens import Cost

GROUPS["dataset"] = "Files of training rows: check them, convert them, merge them, look at what is in them."

FILES = typer.Argument(help="Training files: JSONL, JSON or CSV.")
TO = typer.Option("--output", "-o", help="The file to write; .json writes a list, .csv a table, any other JSON lines.")
BASE = typer.Option("--base-model", help="Count tokens as this model does: a folder, or org/name in the cache.")


@dataclass(frozen=True)
class ValidateResult:
    """What is wrong with training files, and what training on them costs."""

    files: tuple[FileReport, ...]
    counted_by: str
    """What counted the tokens: a model, or `estimate`."""
    epochs: int
    costs: tuple[Cost, ...]

    @property
    def exit_code(self) -> int:
        return int(any(report.count("error") for report in self.files))


@dataclass(frozen=True)
class ConvertResult:
    """A file in another format."""

    file: Path
    output: Path
    to: str
    rows: int
    """Rows read."""
    written: int
    bad_answers: int
    """Rows left out: they say what not to answer."""
    repaired: int
    """Rows that were no valid JSON and are now."""
    few: bool
    """Whether a hosted service would refuse so few."""


@dataclass(frozen=True)
class MergeResult:
    """Several files as one."""

    output: Path
    rows: int
    """Rows read."""
    written: int
    duplicates: int
    conflicts: int
    """Answers dropped because their question has another one too."""
    shown: tuple[Conflict, ...]
    """The first of these."""
    by_file: dict[str, int]
    """Rows that stayed, by the file they are from."""


@dataclass(frozen=True)
class DatasetStats:
    """What is in training files."""

    files: tuple[Path, ...]
    stats: Stats
    counted_by: str
    plot: Path | None
    errors: int
    """Rows, and parts of files, that could not be read."""

    @property
    def exit_code(self) -> int:
        """1 when there are no rows to count."""
        return 0 if self.stats.rows else 1


@command(
    "dataset validate",
    examples=(
        "dyag dataset validate data/finetuning/dataset_train.jsonl",
        "dyag dataset validate dataset_train.jsonl dataset_val.jsonl dataset_test.jsonl --strict",
        "dyag dataset validate dataset_train.jsonl --base-model models/base --max-tokens 2048",
    ),
)
def validate(
    app: App,
    files: Annotated[list[Path], FILES],
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Epochs to price.")] = 3,
    base_model: Annotated[str | None, BASE, Completes("path")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="Warn of rows with more.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors.")] = False,
) -> ValidateResult:
    """Check training files: every error with its line and how to mend it, then warnings, tokens and cost.

    Formats: messages; prompt and completion; instruction and output (which may be JSON); question and answer; text;
    DPO, KTO and OpenAI's DPO; ShareGPT; as JSON lines, a JSON list, or CSV. Warnings: answers under 50 or over 500
    words, fewer than 50 examples, no citation, system prompts that differ, duplicates, rows and documents of a test
    file in a training file. The validation and test files beside X_train are compared with it.

    Prices are list prices of hosted services; data/prices.toml in the workspace replaces them.

    Exit code 1 says that there are errors.
    """
    from finetune.formats.tokens import costs
    from finetune.formats.validate import validate as check
    from finetune.prices import load_prices

    paths = _found(app, files)
    count, counted_by = _counter(base_model)
    reports = check(paths, count, max_tokens=max_tokens, strict=strict)
    prices = load_prices(app.home.data / "prices.toml")
    return ValidateResult(reports, counted_by, epochs, costs(reports, prices.models, epochs))


@command(
    "dataset convert",
    examples=(
        "dyag dataset convert sfd.jsonl --to messages --output sfd_messages.jsonl",
        "dyag dataset convert dataset_train.jsonl --to openai -o upload.jsonl",
        "dyag dataset convert dataset_test.jsonl --to deepeval -o goldens.json",
    ),
)
def convert(
    app: App,
    file: Annotated[Path, typer.Argument(help="A training file.")],
    to: Annotated[
        Literal[
            "messages", "prompt-completion", "alpaca", "sharegpt", "trl", "openai", "openai-dpo", "dpo", "kto", "text",
            "ragas", "deepeval",
        ],
        typer.Option("--to", help="The format to write."),
    ],
    output: Annotated[Path, TO],
) -> ConvertResult:  # fmt: skip
    """Write a training file in another format.

    trl: prompt and completion (or chosen and rejected, or completion and label) as lists of messages. openai: messages
    and nothing else, since hosted services refuse other keys. ragas and deepeval: questions with their reference
    answers, and the documents that stand in the prompt. kto makes two rows of a pair. Rated rows lose their bad
    answers where the format knows only good ones. What cannot become the other is said, with what is possible.
    """
    from finetune.formats.checks import FEWEST
    from finetune.formats.convert import Conversion

    (path,) = _found(app, [file])
    _not_itself(output, [path])
    done = Conversion(path, to)
    written = done.save(output)
    few = to.startswith("openai") and written < FEWEST
    return ConvertResult(done.path, output, to, done.rows, written, done.bad_answers, len(done.repaired), few)


@command(
    "dataset merge",
    examples=(
        "dyag dataset merge dataset_train.jsonl corrections.jsonl --output dataset_v2_train.jsonl",
        "dyag dataset merge corrections.jsonl dataset_train.jsonl --keep first -o dataset_v2_train.jsonl",
    ),
)
def merge(
    app: App,
    files: Annotated[list[Path], FILES],
    output: Annotated[Path, TO],
    keep: Annotated[
        Literal["last", "first"], typer.Option("--keep", help="Which of two answers to a question stays.")
    ] = "last",
    allow_test: Annotated[bool, typer.Option("--allow-test", help="Also where a model would learn test rows.")] = False,
) -> MergeResult:
    """Join training files, each row once, and say where each is from (metadata.source).

    Rows are the same if they differ by case, accents and punctuation only. Where two rows answer one question
    differently, the one of the file that is named last stays, or with --keep first that of the first. Files of one
    format keep it; others become messages. Test rows, told by file name, row or manifest, are not merged into a
    training file.
    """
    from finetune.formats.merge import Merge

    paths = _found(app, files)
    _not_itself(output, paths)
    done = Merge(paths, keep)
    written = done.save(output, allow_test=allow_test)
    return MergeResult(
        output, done.rows, written, done.duplicates, done.conflicts, tuple(done.shown), dict(done.written)
    )


@command(
    "dataset stats",
    examples=("dyag dataset stats dataset_train.jsonl", "dyag dataset stats dataset_*.jsonl --plot dataset.png"),
)
def stats(
    app: App,
    files: Annotated[list[Path], FILES],
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw them into this file (.png, .svg, .pdf).")] = None,
    base_model: Annotated[str | None, BASE, Completes("path")] = None,
) -> DatasetStats:
    """Count rows by type and language, refusals, words, tokens, how questions begin, documents.

    Rows that cannot be read are left out, which is said. Exit code 1 says that there are no rows.
    """
    from finetune.formats.read import good_rows
    from finetune.formats.stats import statistics

    if plot and plot.resolve() in {file.resolve() for file in files}:
        raise BadUsage(f"{plot} is a training file.", "Name another file with --plot.")
    paths = _found(app, files)
    count, counted_by = _counter(base_model)
    bad: list[Problem] = []
    found = statistics((row for path in paths for row in good_rows(path, bad.append)), count)
    if plot:
        from finetune.formats.plot import plot as draw

        draw(found, ", ".join(path.stem for path in paths[:3]), plot)
    return DatasetStats(tuple(paths), found, counted_by, plot, len(bad))


def _found(app: App, files: Sequence[Path]) -> list[Path]:
    """The files that are there: X_val for X_validation, and the reverse, which is said."""
    from finetune.formats.splits import find_dataset

    found = [find_dataset(file) for file in files]
    for one in found:
        if one.note:
            app.screen.note(one.note)
    return [one.path for one in found]


def _counter(base_model: str | None) -> tuple[Callable[[str], int], str]:
    """What counts the tokens of a message, and its name. Raises ModelMissing."""
    from assistant.generators.models.tokens import estimate
    from finetune.formats.tokens import tokenizer_count
    from retrieval.types import Message

    if base_model:
        return tokenizer_count(base_model), base_model
    return lambda text: estimate([Message("user", text)]), "estimate"


def _not_itself(output: Path, files: Sequence[Path]) -> None:
    """Raises BadInput where a file would be replaced by what is made of it."""
    if any(output.exists() and output.samefile(path) for path in files):
        raise BadInput(f"{output} is what is read.", "Name another file with --output.")
