"""One run of `dyag gen-dataset`: what was asked for is checked, the parts are put together, the files written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from assistant.command import BadUsage, nearest
from assistant.commands.gen_dataset import DatasetFile, DatasetResult
from assistant.datasets.framing import PromptFraming
from assistant.datasets.scratch import scratch
from assistant.datasets.source import Opened, check_inputs, opened
from finetune.context import Context
from finetune.dataset import check_output, check_unedited, manifest_path, outdated, write
from finetune.examples import Method, Type
from finetune.make import Made, Maker, Request, Tools
from finetune.split import Shares
from retrieval.errors import BadInput
from retrieval.types import Language, Message

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.feedback.rows import Format
    from finetune.formats.checks import FileReport

COUNT = 100
"""Examples where the user does not say how many."""
UNREADABLE = 3
"""Files that could not be read that are named."""


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    inputs: tuple[Path, ...]
    output: Path
    method: Method
    count: int | None
    """None: 100, and of feedback all."""
    split: bool
    train_ratio: float
    val_ratio: float
    seed: int
    types: str
    language: str
    context: Context
    system_prompt: str
    base_model: str
    max_length: int
    form: Format
    teacher: str
    workers: int
    yes: bool
    force: bool
    verbose: bool
    validate: bool
    only_agree: bool = False
    """Ask whether a model may be called, and stop there: a job has nobody to ask."""


def from_documents(app: App, wanted: Wanted) -> DatasetResult:
    """A dataset from documents. Raises BadInput and whatever reading, asking and writing raise."""
    start = time.monotonic()
    request = _request(wanted)
    check_inputs(wanted.inputs)
    check_output(wanted.output)
    check_unedited(wanted.output, force=wanted.force)
    before = outdated(wanted.output)
    searching = wanted.context == "raft" or wanted.method == "llm-based"
    with opened(app, wanted.inputs, search=searching) as found, scratch() as folder:
        made = _made(app, wanted, request, found, folder)
        if not any(made.rows.values()):
            raise _nothing(made)
        written, manifest = write(wanted.output, made, _about(wanted, found.about), split=wanted.split)
    files = tuple(DatasetFile(w.path, w.split, w.rows) for w in written)
    total = request.count
    main = sum(w.rows for w in written if w.split != "test_seen")
    removed = [path for path in before if not path.exists()]
    fewer = (*_fewer(wanted, total, made, main), *few_tested(wanted, made, request.shares))
    notes = (*fewer, *_unread(found), *said_of_removed(removed))
    return DatasetResult(
        files, manifest_path(wanted.output), total, main, manifest["counts"], manifest["tokens"], manifest["drops"],
        manifest["leaks"], manifest["drop_examples"], notes, wanted.verbose, round(time.monotonic() - start, 1),
        checked(wanted, [file.path for file in files]),
    )  # fmt: skip


def said_of_removed(paths: Sequence[Path]) -> list[str]:
    """What became of the files of an earlier run that this one has no rows for."""
    names = ", ".join(path.name for path in paths)
    return [f"Removed, as an earlier run wrote them and this one does not: {names}."] if names else []


def few_tested(wanted: Wanted, made: Made, shares: Shares) -> list[str]:
    """That the test file is about too few documents for the gate, which decides by documents."""
    from eval.verdict import Rules

    least = Rules().min_documents
    tested = {(*row["metadata"]["documents"], row["metadata"]["id"])[0] for row in made.rows["test"]}
    if not wanted.split or shares.of("test") < 1e-9 or len(tested) >= least:
        return []
    about = (
        f"The test file is about {len(tested)} document{'s' * (len(tested) != 1)}"
        if tested
        else "There is no test file"
    )
    return [
        f"{about}: under {least} `dyag promote` cannot decide whether a model trained on this is better. Ask for more "
        "examples (--count), take more documents, give the test a larger share (--train-ratio 0.6 --val-ratio 0.1), or "
        "promote with other questions (--cases FILE)."
    ]


def checked(wanted: Wanted, paths: Sequence[Path]) -> tuple[FileReport, ...]:
    """What `dyag dataset validate` says of the files, where that was asked for."""
    if not wanted.validate:
        return ()
    from finetune.formats.validate import validate

    count = counter(wanted.base_model)
    return validate(paths, lambda text: int(count([Message("user", text)])), max_tokens=wanted.max_length)


def _request(wanted: Wanted) -> Request:
    languages: frozenset[Language] = frozenset(("fr", "en") if wanted.language == "auto" else (wanted.language,))  # type: ignore[arg-type]
    shares = Shares(wanted.train_ratio, wanted.val_ratio)
    return Request(
        wanted.count or COUNT,
        shares,
        wanted.seed,
        wanted.split,
        wanted.context,
        _types(wanted.types),
        languages,
        wanted.max_length,
    )


def _types(text: str) -> frozenset[Type]:
    """The types of `--types`. Raises BadUsage for one that there is not."""
    named = [name.strip() for name in text.split(",") if name.strip()]
    known = get_args(Type)
    unknown = next((name for name in named if name not in known), None)
    if unknown is not None:
        raise BadUsage(f"There is no type of question `{unknown}`.", nearest(unknown, known))
    return frozenset(named)  # type: ignore[arg-type]


def _made(app: App, wanted: Wanted, request: Request, found: Opened, folder: Path) -> Made:
    from assistant.datasets.methods import method_of
    from assistant.progress import SyncProgress

    framing = PromptFraming(app.prompts, wanted.system_prompt)
    refusals: Mapping[Language, str] = {
        language: framing.refusal(language, with_passages=wanted.context != "none") for language in ("fr", "en")
    }
    with SyncProgress(app.screen) as progress, method_of(app, wanted, found, refusals) as method:
        tools = Tools(app.embedder, framing, counter(wanted.base_model), progress, folder, found.search, _reserved(app))
        return Maker(found.source, request, tools).make(method)


def _reserved(app: App) -> Callable[[str], bool]:
    """Whether a question is, or nearly is, one of the regression tests that corrections have become."""
    if not app.home.journal.is_file() and not (app.home.data / "finetuning" / "regression.jsonl").is_file():
        return lambda question: False
    from assistant.feedback.corrections import Files
    from assistant.feedback.heldout import Question, content_words
    from assistant.feedback.summary import all_rated

    tests = Files(app).divide(all_rated(app.journal)).regression
    return lambda question: tests.near(Question(content_words(question)))


def counter(base_model: str) -> Any:
    """Tokens of messages: by a base model's own tokenizer, or by an estimate."""
    from assistant.generators.models.tokens import estimate

    if not base_model:
        return estimate
    from finetune.formats.tokens import tokenizer_count

    count = tokenizer_count(base_model)

    def counted(messages: Sequence[Message]) -> int:
        return sum(count(m.content) for m in messages)

    return counted


def _about(wanted: Wanted, source: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of how the dataset was made: enough to make it again."""
    names = (
        "method",
        "count",
        "seed",
        "train_ratio",
        "val_ratio",
        "split",
        "types",
        "language",
        "context",
        "system_prompt",
        "max_length",
    )
    asked = {name: getattr(wanted, name) for name in names} | {"count": wanted.count or COUNT}
    own = Path(wanted.base_model)
    tokenizer = own.name if own.is_dir() else wanted.base_model
    return {"request": {**asked, "tokenizer": tokenizer if wanted.base_model else "estimate"}, "input": source}


def _nothing(made: Made) -> BadInput:
    dropped = ", ".join(f"{n} {reason}" for reason, n in made.drops.counts.most_common(3))
    why = f" All were dropped: {dropped}." if dropped else ""
    if made.drops.counts.most_common(1)[:1] and made.drops.counts.most_common(1)[0][0].startswith("too long"):
        return BadInput(f"No row is short enough.{why}", "Raise --max-length, or choose --context none.")
    return BadInput(
        f"No question could be made from these documents.{why}",
        "Rules need `Key : value` lines, headings, tables or sentences that state something; --method llm-based needs less.",
    )


def _fewer(wanted: Wanted, total: int, made: Made, got: int) -> list[str]:
    """Why there are fewer examples than were asked for."""
    if got >= total:
        return []
    dropped = ", ".join(f"{n} {reason}" for reason, n in made.drops.counts.most_common(3))
    left_out = f"; dropped: {dropped}" if dropped else ""
    types = f" of the types {wanted.types}" if wanted.types else ""
    return [
        f"{got} of {total} examples could be made: the documents give {made.possible} candidates{types} by rules, and each "
        f"split has its own documents{left_out}. {_more(wanted)}"
    ]


def _more(wanted: Wanted) -> str:
    ways = [f"--method {name}" for name in ("augmented", "llm-based") if name != wanted.method]
    return f"More documents give more, and so may {' and '.join(ways)}."


def _unread(found: Opened) -> list[str]:
    if not found.failures:
        return []
    named = "; ".join(f"{failure.path}: {failure.reason}" for failure in found.failures[:UNREADABLE])
    more = f"; and {len(found.failures) - UNREADABLE} more" if len(found.failures) > UNREADABLE else ""
    return [f"Not read: {named}{more}."]
