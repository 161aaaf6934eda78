"""`dyag eval`: how good the answers are, on cases whose right answer is known; and what was measured before."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.command import GROUPS, BadUsage, Completes, command

if TYPE_CHECKING:
    from assistant.app import App
    from eval.comparison import Comparison

GROUPS["eval"] = "How good the answers are: measure it, list what was measured, look at one."

Mode = Literal["rag", "finetuned", "hybrid"]
State = Literal["done", "running", "stopped"]
CASES = Annotated[
    Path | None,
    typer.Argument(
        help="Cases: JSONL, JSON, SQuAD 2, a training set, a BEIR folder; general, or general:PATH of GSM8K, MGSM, BIG-Bench Hard.",
        metavar="CASES",
    ),
    Completes("path"),
]
TEST = Annotated[Path | None, typer.Option("--test", help="The cases, as CASES."), Completes("path")]
MODE = Annotated[Mode | None, typer.Option("--mode", help="What answers; default answer.mode.")]
MODEL = Annotated[
    str,
    typer.Option("--model", help="provider:model, a run, a folder; default: what the mode is set to."),
    Completes("model"),
]
BASE = Annotated[str, typer.Option("--base-model", help="The base of an adapter; default: the one it names itself.")]
OUTPUT = Annotated[
    Path | None, typer.Option("--output", "-o", help="Copy the results (JSON) to this file too."), Completes("path")
]
LIMIT = Annotated[int, typer.Option("--limit", "-n", min=0, help="Only the first cases; 0: all.")]
WORKERS = Annotated[
    int, typer.Option("--workers", min=1, max=64, help="Cases at a time, where a server answers; a local model: 1.")
]
JUDGE = Annotated[
    str, typer.Option("--judge", help="A language model that judges the answers too; not the one measured.")
]
BERT = Annotated[bool, typer.Option("--bert-score", help="BERTScore too; needs the package bert-score.")]
SEED = Annotated[int, typer.Option("--seed", help="The same seed gives the same answers, as far as a model allows.")]
FRESH = Annotated[bool, typer.Option("--fresh", help="Ask every case anew, also those answered before.")]
PROMOTED = Annotated[
    bool, typer.Option("--promoted", help="The promoted model, asked anew, and what changed since last time.")
]
VERBOSE = Annotated[bool, typer.Option("--verbose", "-v", help="Show every case with its answer.")]
EVALUATION = Annotated[
    str,
    typer.Argument(help="An evaluation's id, its beginning or end, or latest.", metavar="ID"),
    Completes("evaluation"),
]


@dataclass(frozen=True)
class MetricRow:
    """One metric over all cases."""

    name: str
    value: float
    unit: str
    low: float | None
    """95% interval, by drawing documents; None for a figure that is no mean of cases."""
    high: float | None
    n: int
    unscored: int


@dataclass(frozen=True)
class SliceRow:
    """How many answers are right, of the cases of one type or language."""

    by: str
    name: str
    success: float
    low: float | None
    high: float | None
    n: int
    documents: int


@dataclass(frozen=True)
class CaseRow:
    """One case as it was answered."""

    id: str
    question: str
    expected: str
    answer: str
    success: float | None
    seconds: float
    error: str


@dataclass(frozen=True)
class EvalResult:
    """An evaluation that came to its end."""

    id: str
    mode: str
    model: str
    created: str
    cases: str
    count: int
    documents: int
    failed: int
    """Cases without an answer because something failed."""
    metrics: Mapping[str, float | None]
    """The guides' block."""
    rows: tuple[MetricRow, ...]
    slices: tuple[SliceRow, ...]
    answers: tuple[CaseRow, ...]
    """Every case, where they were asked for."""
    errors: Mapping[str, int]
    judge: Mapping[str, Any] | None
    """How far a judge can be trusted."""
    notes: tuple[str, ...]
    results: Path
    report: Path
    reused: int = 0
    """Answers that were there already."""
    output: Path | None = None
    promoted: bool = False
    """Whether it was asked what changed."""
    drift: Comparison | None = None
    """What changed since the same model was last measured on these cases; None where it never was."""

    @property
    def exit_code(self) -> int:
        """3 when no case could be scored."""
        scored = any(row.name == "success" for row in self.rows)
        return 0 if scored and self.failed < self.count else 3


@dataclass(frozen=True)
class EvalRow:
    """One evaluation in the list."""

    id: str
    created: str
    mode: str
    model: str
    cases: str
    count: int
    state: State
    success: float | None
    """Share of right answers; None where nothing was scored."""
    command: str
    """Measures it again, or goes on with it."""
    made_for: str = ""
    """The command that made it on its way, such as `dyag promote RUN`; empty for one of its own."""


@dataclass(frozen=True)
class EvalList:
    """Every evaluation, the newest first."""

    evaluations: tuple[EvalRow, ...]


@dataclass(frozen=True)
class EvalDeleted:
    """An evaluation that is gone."""

    id: str
    path: Path


@dataclass(frozen=True)
class EvalOpened:
    """A report, and whether a browser shows it."""

    id: str
    report: Path
    opened: bool


@command(
    "eval",
    background=True,
    examples=(
        "dyag eval cases.jsonl",
        "dyag eval cases.jsonl --mode hybrid --model run:latest --output results.json",
        "dyag eval cases.jsonl --mode rag --model openai:gpt-4o-mini --workers 8 --limit 50 -v",
        "dyag eval cases.jsonl --promoted",
        "dyag eval general --mode finetuned",
        "dyag eval list",
        "dyag eval open latest",
    ),
)
def eval_(
    app: App,
    cases: CASES = None,
    test: TEST = None,
    mode: MODE = None,
    model: MODEL = "",
    base_model: BASE = "",
    output: OUTPUT = None,
    limit: LIMIT = 0,
    workers: WORKERS = 4,
    judge: JUDGE = "",
    bert_score: BERT = False,
    seed: SEED = 42,
    fresh: FRESH = False,
    promoted: PROMOTED = False,
    verbose: VERBOSE = False,
) -> EvalResult:
    """Measure how good the answers are, on cases whose right answer is known.

    Every metric comes with how many cases it scored and a 95% interval. Results and reports are kept in
    data/evaluations; `dyag eval list`, `dyag eval show ID` and `dyag eval open ID` find them again. What was answered
    is kept as it comes: an evaluation that was stopped goes on when the same command is given again.

    Exit code 3 says that no case could be scored.
    """
    options = {name: value for name, value in locals().items() if name != "app"}
    return _evaluated(app, options)


@command(
    "eval finetuned",
    background=True,
    aliases=("evaluate-finetuned",),
    examples=(
        "dyag evaluate-finetuned evaluation/questions.jsonl --model models/my-model/final --base-model mini "
        "--output evaluation/results_ft.json",
        "dyag evaluate-finetuned --test data/finetuning/dataset_test.jsonl --model ft:gpt-4o-mini-2024-07-18:org::abc123",
    ),
)
def evaluate_finetuned(
    app: App,
    cases: CASES = None,
    test: TEST = None,
    model: MODEL = "",
    base_model: BASE = "",
    output: OUTPUT = None,
    limit: LIMIT = 0,
    workers: WORKERS = 4,
    judge: JUDGE = "",
    bert_score: BERT = False,
    seed: SEED = 42,
    fresh: FRESH = False,
    verbose: VERBOSE = False,
) -> EvalResult:
    """Measure a trained model alone: `dyag eval --mode finetuned`."""
    options = {name: value for name, value in locals().items() if name != "app"}
    return _evaluated(app, {**options, "mode": "finetuned", "promoted": False, "bert_score": False})


@command(
    "eval rag",
    background=True,
    aliases=("evaluate-rag",),
    examples=("dyag evaluate-rag evaluation/questions.jsonl --output evaluation/results_rag.json",),
)
def evaluate_rag(
    app: App,
    cases: CASES = None,
    test: TEST = None,
    model: MODEL = "",
    output: OUTPUT = None,
    limit: LIMIT = 0,
    workers: WORKERS = 4,
    judge: JUDGE = "",
    bert_score: BERT = False,
    seed: SEED = 42,
    fresh: FRESH = False,
    verbose: VERBOSE = False,
) -> EvalResult:
    """Measure answers from the indexed documents: `dyag eval --mode rag`."""
    options = {name: value for name, value in locals().items() if name != "app"}
    return _evaluated(app, {**options, "mode": "rag", "base_model": "", "promoted": False, "bert_score": False})


@command("eval list", examples=("dyag eval list", "dyag eval list --json"))
def list_(app: App) -> EvalList:
    """List what was measured, the newest first; one that was stopped with the command that goes on with it."""
    from assistant.evaluated import listed
    from assistant.evaluating import evaluations

    return EvalList(tuple(map(listed, evaluations(app).all())))


@command("eval show", examples=("dyag eval show latest", "dyag eval show a1f3 -v"))
def show(app: App, evaluation: EVALUATION = "latest", verbose: VERBOSE = False) -> EvalResult:
    """Show an evaluation again: every metric, by type and language, and with -v every answer."""
    from assistant.evaluated import result_of
    from assistant.evaluating import evaluations

    kept = evaluations(app).find(evaluation)
    return result_of(kept, kept.read(), verbose=verbose)


@command("eval open", examples=("dyag eval open latest",))
def open_(app: App, evaluation: EVALUATION = "latest") -> EvalOpened:
    """Open the report of an evaluation in a browser; where there is none, say where it lies."""
    import webbrowser

    from assistant.evaluating import evaluations

    kept = evaluations(app).find(evaluation)
    kept.read()
    return EvalOpened(kept.identity.id, kept.page, webbrowser.open(kept.page.as_uri()))


@command("eval delete", examples=("dyag eval delete a1f3", "dyag eval delete eval_20261104_101500_a1f3 --force"))
def delete(
    app: App,
    evaluation: EVALUATION,
    force: Annotated[bool, typer.Option("--force", help="Also one that the verdict on a run rests on.")] = False,
) -> EvalDeleted:
    """Delete an evaluation with its answers and reports. Neither one that is running nor one that a verdict rests on.

    A verdict stays with its run, and names the evaluations by their ids. Answers that only this evaluation has are asked
    again when they are needed.
    """
    from assistant.evaluated import check_unused
    from assistant.evaluating import evaluations

    store = evaluations(app)
    kept = store.find(evaluation)
    if not force:
        check_unused(app, kept)
    store.delete(kept)
    return EvalDeleted(kept.identity.id, kept.folder)


def _evaluated(app: App, options: Mapping[str, Any]) -> EvalResult:
    """Raises BadUsage, and what reading the cases and measuring do."""
    from assistant.evaluated import result_of
    from assistant.evaluating import Wanted, check_output, drift, measure, resumed
    from eval.cases import ReadCases, read_cases
    from eval.general import suite_named

    given = [path for path in (options["cases"], options["test"]) if path is not None]
    if len(given) != 1:
        raise BadUsage("Name the cases, once.", "dyag eval CASES")
    if options["promoted"] and options["model"]:
        raise BadUsage("--promoted measures the promoted model.", "Leave --model out.")
    output: Path | None = options["output"]
    if output is not None:
        check_output(output)
    suite = suite_named(str(given[0]), options["limit"])
    read = ReadCases(suite, (), "general") if suite else read_cases(given[0].expanduser(), options["limit"])
    wanted = Wanted(
        cases=str(given[0]),
        mode=options["mode"] or _mode(app, promoted=options["promoted"]),
        resume=not options["fresh"],
        reuse=not (options["fresh"] or options["promoted"]),
        promoted=options["promoted"],
        **{name: options[name] for name in ("model", "base_model", "limit", "workers", "seed", "judge", "bert_score")},
    )
    words = shlex.split(resumed(app, wanted, output))
    app.jobs.tell(resume=words[words.index("eval") :])
    done = measure(app, wanted, read.cases, output)
    result = result_of(done.kept, done.evaluation, verbose=options["verbose"])
    result = replace(result, reused=done.reused, output=output, notes=(*read.problems, *result.notes))
    return replace(result, promoted=True, drift=drift(app, done.evaluation)) if options["promoted"] else result


def _mode(app: App, *, promoted: bool) -> str:
    """The mode that is set; of a promoted model, one in which it answers."""
    from assistant.modes import mode_named

    own = app.settings.answer.mode
    return own if mode_named(own).finetuned or not promoted else "hybrid"
