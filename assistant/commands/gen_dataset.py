"""`dyag gen-dataset`: questions and answers to train on, from documents or from feedback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.command import BadUsage, Completes, command

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.datasets.run import Wanted
    from finetune.formats.checks import FileReport

OUTPUTS = {"documents": Path("data/finetuning/dataset.jsonl"), "feedback": Path("data/finetuning/feedback.jsonl")}


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
    checked: tuple[FileReport, ...] = ()
    """What `--validate` found."""

    @property
    def exit_code(self) -> int:
        """1 when something leaks, or `--validate` found an error."""
        return int(any(self.leaks.values()) or any(report.count("error") for report in self.checked))


def wanted_of(app: App, options: Mapping[str, Any], **more: Any) -> Wanted:
    """What the options ask for."""
    from assistant.datasets.run import Wanted

    _check_options(options)
    inputs = [*(options["inputs"] or []), *filter(None, [options["chunks"]])]
    own = {field.name: options[field.name] for field in fields(Wanted) if field.name in options}
    paths = {
        "inputs": tuple(path.expanduser() for path in inputs),
        "form": options["form"] or "sft",
        "output": options["output"] or app.home.path / OUTPUTS[options["source"]],
    }
    return Wanted(**{**own, **paths, **more})


def _check_options(options: Mapping[str, Any]) -> None:
    """Raises BadUsage for options that would be ignored."""
    of_feedback = options["source"] == "feedback"
    if options["form"] and not of_feedback:
        raise BadUsage("--as chooses rows of feedback.", "Add --from feedback, or leave --as out.")
    if of_feedback and (options["inputs"] or options["chunks"]):
        raise BadUsage("--from feedback reads the journal, and no other input.", "Leave the input out.")
    if options["teacher"] and (of_feedback or options["method"] == "rule-based"):
        raise BadUsage("Rules need no teacher.", "Add --method llm-based or augmented, or leave --teacher out.")


def agree_first(app: App, options: Mapping[str, Any]) -> list[str]:
    """In the chat: ask whether a model may be paid for, before the job begins that has nobody to ask."""
    from assistant.datasets.methods import Agreed, calls_a_model
    from assistant.datasets.run import from_documents
    from assistant.datasets.source import check_inputs

    wanted = wanted_of(app, options, only_agree=True)
    check_inputs(wanted.inputs)
    if wanted.yes or options["source"] == "feedback" or not calls_a_model(wanted):
        return []
    try:
        from_documents(app, wanted)
    except Agreed:
        return ["--yes"]
    raise RuntimeError("a method that calls a model did not ask")


@command(
    "gen-dataset",
    background=True,
    before_job=agree_first,
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
        typer.Option("--output", "-o", help=f"X.jsonl gives X_train.jsonl and so on; default {OUTPUTS['documents']}."),
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
        Literal["sft", "dpo", "kto"] | None,
        typer.Option("--as", help="Rows of feedback: answers, preferences, or ratings; default sft."),
    ] = None,
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
    options = dict(locals())  # all of them, by name, as `agree_first` is given them
    if source == "feedback":
        from assistant.datasets.feedback import from_feedback

        return from_feedback(app, wanted_of(app, options))
    from assistant.datasets.run import from_documents

    return from_documents(app, wanted_of(app, options))
