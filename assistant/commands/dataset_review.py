"""`dyag dataset review`: a person looks at rows of a dataset and decides about each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import assistant.commands.dataset  # noqa: F401  (declares the group)
from assistant.command import BadUsage, command

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.formats.problems import Problem
    from finetune.formats.row import Row
    from finetune.review import Decisions, Share
    from finetune.review_apply import Applied


@dataclass(frozen=True)
class DatasetReview:
    """What was decided on the rows of a file."""

    file: Path
    rows: int
    """Rows in the file."""
    sample: int
    """Rows that were to be looked at."""
    accepted: int
    edited: int
    rejected: int
    waiting: int
    reasons: dict[str, int]
    """Of rejected rows."""
    rejected_share: Share
    wrong_share: Share
    """Rejected and edited."""
    decisions: Path
    """Where they are kept."""
    unread: int
    """Rows that cannot be read."""
    applied: Applied | None = None


@command(
    "dataset review",
    examples=(
        "dyag dataset review dataset_train.jsonl --sample 30",
        "dyag dataset review dataset_train.jsonl --apply",
        "dyag dataset review dataset_train.jsonl --apply --output reviewed_train.jsonl",
    ),
)
def review(
    app: App,
    file: Annotated[Path, typer.Argument(help="A training file: JSONL, JSON or CSV.")],
    sample: Annotated[int, typer.Option("--sample", min=1, help="Rows to look at, spread over types.")] = 30,
    seed: Annotated[int, typer.Option("--seed", help="Chooses the rows.")] = 0,
    apply: Annotated[bool, typer.Option("--apply", help="Write the file with what was decided; ask nothing.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="With --apply: write here, and leave FILE as it is.")
    ] = None,
) -> DatasetReview:
    """Look at rows of a dataset one by one: accept, edit or reject each, and learn how good the file is.

    Shows question, answer, type, sources and passages. Decisions are kept in X_train.review.jsonl as they are made: the
    same command goes on where it was left, and a row that has changed is asked about again. `e` opens the row in
    $EDITOR.

    --apply leaves rejected rows out and makes the edits, in the whole file and not only in the sample; the file as it
    was stays beside it (X_train.before-review.jsonl).
    """
    from finetune.formats.splits import find_dataset
    from finetune.review import Decisions

    if output is not None and not apply:
        raise BadUsage("--output goes with --apply.", f"dyag dataset review {file} --apply --output {output}")
    found = find_dataset(file)
    if found.note:
        app.screen.note(found.note)
    decisions = Decisions(found.path)
    if decisions.broken:
        lines = "1 line" if decisions.broken == 1 else f"{decisions.broken} lines"
        app.screen.note(f"{lines} of {decisions.path} cannot be read; those rows are asked about again.")
    if apply:
        return _apply(found.path, decisions, output)
    return _ask(app, found.path, decisions, sample, seed)


def _ask(app: App, file: Path, decisions: Decisions, size: int, seed: int) -> DatasetReview:
    from assistant.row_review import RowReview
    from finetune.review import sample

    before = _state(file)
    rows, unread = _rows(file)
    chosen = sample(rows, size, seed)
    RowReview(app.screen, decisions, app.conversation.author).ask(chosen)
    if _state(file) != before:
        app.screen.note(f"{file} has changed meanwhile; run the command again: changed rows are asked about again.")
    return _result(file, rows, chosen, decisions, unread)


def _apply(file: Path, decisions: Decisions, output: Path | None) -> DatasetReview:
    from finetune.review_apply import apply

    rows, unread = _rows(file)
    decided = [row for row in rows if decisions.of(row)]
    if not decided:
        raise BadUsage(
            f"Nothing is decided about the rows of {file}.", f"Decide first: dyag dataset review {file} --sample 30"
        )
    result = _result(file, rows, decided, decisions, unread)
    return DatasetReview(**{**vars(result), "applied": apply(file, decisions, output)})


def _rows(file: Path) -> tuple[list[Row], int]:
    """The rows that can be read, and how many cannot. Raises BadRows when there are none, NotFound."""
    from finetune.formats.read import good_rows, read_rows

    bad: list[Problem] = []
    rows = list(good_rows(file, bad.append))
    if not rows:
        list(read_rows(file))  # says what is wrong
    return rows, len(bad)


def _result(file: Path, rows: list[Row], chosen: list[Row], decisions: Decisions, unread: int) -> DatasetReview:
    from finetune.review import reasons, share

    made = [found for row in chosen if (found := decisions.of(row))]
    counts = {kind: sum(one.decision == kind for one in made) for kind in ("accepted", "edited", "rejected")}
    return DatasetReview(
        file, len(rows), len(chosen), counts["accepted"], counts["edited"], counts["rejected"], len(chosen) - len(made),
        reasons(made), share(counts["rejected"], len(made)), share(counts["rejected"] + counts["edited"], len(made)),
        decisions.path, unread,
    )  # fmt: skip


def _state(file: Path) -> tuple[int, int]:
    """What tells that a file was written; zeros for one that is gone."""
    return (file.stat().st_mtime_ns, file.stat().st_size) if file.exists() else (0, 0)
