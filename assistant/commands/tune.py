"""`dyag tune`: three settings, tuned on questions about the user's own documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import BadUsage, Completes, command

if TYPE_CHECKING:
    from assistant.app import App
    from eval.tune import Tuned, Value
    from eval.types import Case

COUNT = 200
"""Questions made where no cases are given."""


@dataclass(frozen=True)
class TuneResult:
    """What became of each setting."""

    cases: str
    """The file of the cases; empty where questions were made from the index."""
    questions: int
    settings: tuple[Tuned, ...]
    wins: bool
    """Whether a setting is better changed."""
    written: bool
    file: Path
    """The settings file."""
    notes: tuple[str, ...]
    """What was left out, and why."""


@dataclass(frozen=True)
class UndoResult:
    """A tuning that was taken back."""

    settings: dict[str, tuple[Value | str, Value | str]]
    """What was tuned, and what it is again; None for a setting that is not in the file."""
    tuned: str
    """When it had been tuned."""
    file: Path
    exact: bool
    """Whether the file is byte for byte what it was; else only the settings were taken back, as it was edited since."""


@command(
    background=True,
    examples=(
        "dyag tune",
        "dyag tune cases.jsonl --dry-run",
        "dyag tune cases.jsonl --only threshold",
        "dyag tune --undo",
    ),
)
def tune(
    app: App,
    cases: Annotated[
        Path | None,
        typer.Argument(
            metavar="CASES", help="Questions with their documents, as for `dyag eval`; none: made by rules."
        ),
        Completes("path"),
    ] = None,
    only: Annotated[
        Literal["weight", "threshold", "top-k"] | None, typer.Option("--only", help="Tune this and leave the others.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, max=20, help="Parts the documents are dealt into.")] = 5,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many questions; 0: all of CASES.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Put dyag.toml back as it was before the last tuning.")] = False,
) -> TuneResult | UndoResult:
    """Tune the fusion weight, top-k and the refusal threshold on your own questions.

    Each value is chosen on some documents and measured on the others. dyag.toml is changed only where the gain on documents
    left out is more than chance; what it was is kept under data/tuning, and --undo brings it back.

    Without CASES, questions are made from the index by rules. They use the words of the documents more than people do:
    questions that were really asked are better.
    """
    if undo:
        if cases or only or dry_run:
            raise BadUsage("--undo takes nothing else.", "dyag tune --undo")
        return _undone(app)
    from assistant.tuning import SETTINGS, Tuning
    from assistant.tuning_gold import placed

    found, notes = _asked(app, cases, limit)
    own = placed(found, app.library, made=cases is None)
    tuning = Tuning(app, own, (only,) if only else tuple(SETTINGS), folds)
    made = tuning.run()
    wins = any(t.changes for t in made)
    if wins and not dry_run:
        _write(app, made)
    left = _left_out(len(found), len(tuning.ranking), sum(not c.answerable for c in found))
    by_answer = sum(not p.case.gold for p in tuning.ranking)
    name = str(cases) if cases else ""
    said = (*notes, *_by_answer(by_answer), *left)
    return TuneResult(name, len(found), made, wins, wins and not dry_run, app.home.settings, said)


def _asked(app: App, path: Path | None, limit: int) -> tuple[list[Case], tuple[str, ...]]:
    """The cases, and what is to be said of reading them. Raises NotFound, BadInput."""
    from assistant.tuning import sample
    from eval.cases import read_cases

    app.library  # noqa: B018  (that nothing is indexed is said before cases are read or made)
    if path is not None:
        read = read_cases(path)
        return sample(read.cases, limit), read.problems
    from assistant.tuning_questions import made_questions

    return made_questions(app, limit or COUNT), ("The questions were made from the index by rules.",)


def _by_answer(count: int) -> Sequence[str]:
    if not count:
        return ()
    which = "1 question has" if count == 1 else f"{count} questions have"
    return (f"{which} no `gold`: the document is the only one that states the answer.",)


def _left_out(questions: int, ranked: int, unanswerable: int) -> Sequence[str]:
    from assistant.tuning_gold import MOST

    rest = questions - unanswerable - ranked
    if not rest:
        return ()
    return (
        f"{rest} of {questions} questions say nothing of the ranking: they lead to no document of this index, "
        f"or to more than {MOST}.",
    )


def _write(app: App, made: Sequence[Tuned]) -> None:
    """Raises BadInput when the settings were changed meanwhile."""
    from assistant.render import plain
    from assistant.settings import origins
    from assistant.tuning_history import TuningHistory
    from retrieval.errors import BadInput

    now = {s.name: s.value for s in origins(app.home, app.overrides, warn=lambda text: None)}
    if any(now[t.setting] != t.before for t in made):
        raise BadInput("The settings were changed while they were tuned.", "Nothing was written; tune again.")
    changes = {t.setting: t.value for t in made if t.changes}
    TuningHistory(app.home).apply(changes, {"settings": plain(made)})


def _undone(app: App) -> UndoResult:
    from assistant.tuning_history import TuningHistory

    step, exact = TuningHistory(app.home).undo()
    return UndoResult({name: (b, a) for name, (a, b) in step.changes.items()}, step.when, app.home.settings, exact)
