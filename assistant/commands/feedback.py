"""`dyag feedback …`: ratings and corrections, looked through, reviewed, and exported to train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import GROUPS, BadUsage, Completes, command
from assistant.commands.sessions import OUTPUT
from assistant.journal.values import Feedback, Interaction, Status
from retrieval.errors import NotFound

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.feedback.summary import FeedbackStats

GROUPS["feedback"] = "Ratings and corrections: look through them, review them, export them to train on."

STATUS = typer.Option("--status", help="Only what waits for review, was approved, or was rejected.")
RATING = typer.Option("--rating", help="Only answers rated so.")
AUTHOR = typer.Option("--author", help="Only what this author says.")


@dataclass(frozen=True)
class RatedAnswer:
    """One author's feedback with the question it is about."""

    question: str
    mode: str
    generator: str
    feedback: Feedback


@dataclass(frozen=True)
class FeedbackList:
    """Feedback, the last changed first."""

    feedback: tuple[RatedAnswer, ...]


@dataclass(frozen=True)
class FeedbackDetail:
    """An answer with all that the journal holds of it, and what everyone says of it."""

    interaction: Interaction
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True)
class ReviewResult:
    """What a review has done."""

    approved: int
    rejected: int
    waiting: int
    """Feedback that still waits for review."""


@dataclass(frozen=True)
class FeedbackExport:
    """Rows that were written, and why there are not more."""

    format: str
    output: Path
    rows: int
    left_out: Mapping[str, int]

    @property
    def exit_code(self) -> int:
        return 0 if self.rows else 3


@command("feedback list", examples=("dyag feedback list --status pending", "dyag feedback list --rating bad --json"))
def list_(
    app: App,
    status: Annotated[Literal["pending", "approved", "rejected"] | None, STATUS] = None,
    rating: Annotated[Literal["good", "bad"] | None, RATING] = None,
    author: Annotated[str | None, AUTHOR] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 50,
) -> FeedbackList:
    """List ratings and corrections, the last changed first."""
    found = app.journal.feedback(status=status, rating=rating, author=author, limit=limit)
    return FeedbackList(tuple(_with_question(app.journal.interaction(f.interaction_id), f) for f in found))


@command("feedback show", examples=("dyag feedback show 12",))
def show(
    app: App, answer: Annotated[int, typer.Argument(help="Number of the answer."), Completes("answer")]
) -> FeedbackDetail:
    """Show an answer with its question, its sources and all feedback on it."""
    turn = app.journal.interaction(answer)
    return FeedbackDetail(turn, tuple(app.journal.feedback(interaction_id=answer)))


@command(
    "feedback review",
    examples=(
        "dyag feedback review",
        "dyag feedback review 12 --approve",
        'dyag feedback review 12 --reject --note "the answer was right"',
        "dyag feedback review --all-pending --author alice --approve",
    ),
)
def review(
    app: App,
    answer: Annotated[
        int | None, typer.Argument(help="Number of the answer; none: all that waits."), Completes("answer")
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="It may train.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="It may not.")] = False,
    note: Annotated[str, typer.Option("--note", help="Why; kept with the decision.")] = "",
    author: Annotated[str | None, AUTHOR] = None,
    all_pending: Annotated[bool, typer.Option("--all-pending", help="Everything that waits for review.")] = False,
) -> ReviewResult:
    """Approve or reject feedback; nothing that is not approved is ever exported to train on.

    Without --approve or --reject, at a terminal, it shows one after the other and asks. Whoever changes a rating or a
    correction afterwards sends it back to review. One may review one's own; `dyag feedback stats` counts that.
    """
    from assistant.feedback.review import ask_one_by_one

    if (answer is not None) == all_pending and (approve or reject or all_pending):
        raise BadUsage("Name either an answer or --all-pending.", "dyag feedback review 12 --approve")
    if approve and reject:
        raise BadUsage("--approve and --reject do not go together.", "Choose one.")
    found = app.journal.feedback(interaction_id=answer, author=author, status=None if answer else "pending")
    if answer is not None and not found:
        app.journal.interaction(answer)
        raise NotFound(f"There is no such feedback on answer {answer}.", "`dyag feedback list` shows what there is.")
    reviewer = app.conversation.author
    if not (approve or reject):
        done = ask_one_by_one(app.journal, app.screen, found, reviewer)
    else:
        status: Status = "approved" if approve else "rejected"
        for said in found:
            app.journal.review(said.interaction_id, said.author, status, reviewer, note, seen=said.updated)
        done = Counter({status: len(found)})
    return ReviewResult(done["approved"], done["rejected"], len(app.journal.feedback(status="pending")))


@command("feedback stats", examples=("dyag feedback stats", "dyag feedback stats --json"))
def stats(app: App) -> FeedbackStats:
    """Count feedback by rating, status, author, mode and generator, and the rows it would give to train on."""
    from assistant.feedback.corrections import Files
    from assistant.feedback.summary import all_rated, prompt_builder, statistics

    rated = all_rated(app.journal)
    share = app.settings.feedback.author_share
    return statistics(rated, prompt_builder(app.prompts), share, Files(app).divide(rated))


@command(
    "feedback export",
    examples=("dyag feedback export --format sft --output sft.jsonl", "dyag feedback export --format dpo -o dpo.jsonl"),
)
def export(
    app: App,
    format: Annotated[Literal["sft", "dpo", "kto"], typer.Option("--format", help="The kind of rows.")] = "sft",
    output: Annotated[Path, OUTPUT] = Path("-"),
) -> FeedbackExport | int:
    """Write approved feedback as rows to train on, one JSON object a line.

    sft: prompt and completion, from corrections and from answers rated good. dpo: prompt, chosen and rejected, a
    correction against the answer it corrects. kto: prompt, completion and label. Messages are {"role", "content"}; the
    prompt is what the model was sent. Each row names its answer, author, documents and language. Where there are
    several authors, none gives more than feedback.author_share of the rows. One question in five, with all feedback on
    it, is kept for the regression tests and left out here.

    Exit code 3 says that there is nothing to export; `dyag feedback stats` says why.
    """
    from assistant.feedback.corrections import Files
    from assistant.feedback.rows import make_rows
    from assistant.feedback.summary import all_rated, prompt_builder
    from assistant.output import save_rows

    share = app.settings.feedback.author_share
    rated = all_rated(app.journal)
    made = make_rows(format, rated, prompt_builder(app.prompts), share, Files(app).divide(rated))
    if made.rows and str(output) != "-":
        save_rows(output, list(made.rows))
    result = FeedbackExport(format, output, len(made.rows), made.left_out)
    if not made.rows or str(output) != "-":
        return result
    for row in made.rows:
        app.screen.json(row)
    return 0


def _with_question(turn: Interaction, said: Feedback) -> RatedAnswer:
    return RatedAnswer(turn.question, turn.mode, turn.generator, said)
