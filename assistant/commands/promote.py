"""`dyag promote`, `dyag rollback`: which trained model answers in the modes finetuned and hybrid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import BadUsage, Completes, command
from assistant.commands.runs import RUN

if TYPE_CHECKING:
    from assistant.app import App
    from eval.verdict import Verdict
    from finetune.runs.promotion import Step
    from finetune.runs.store import Run

NOTE = Annotated[str, typer.Option("--note", help="Why; kept in the history.")]
CASES = Annotated[
    Path | None,
    typer.Option("--cases", help="What it is judged on; default: the _test file beside what it was trained on."),
    Completes("path"),
]
LIMIT = Annotated[int, typer.Option("--limit", "-n", min=0, help="Only the first cases; 0: all.")]
FORCE = Annotated[bool, typer.Option("--force", help="Promote it unmeasured; say why with --note.")]


@dataclass(frozen=True)
class PromoteResult:
    """What answers now in the modes finetuned and hybrid."""

    before: str
    """The run that answered; empty for none."""
    after: str
    when: str
    who: str
    history: Path
    verdict: Verdict | None = None
    """What the gate found; None where it was not asked."""
    forgetting: str = ""
    """What the run forgot, in words."""
    refused: str = ""
    """The run that was not promoted."""
    noted: bool = False
    """Whether a note was kept about a run that was promoted already."""

    @property
    def exit_code(self) -> int:
        """3 when the gate refused it."""
        return 3 if self.refused else 0


@command(
    background=True,
    examples=(
        "dyag promote latest",
        "dyag promote 20261104 --cases evaluation/questions.jsonl",
        'dyag promote 20261104 --force --note "the customer waits"',
    ),
)
def promote(
    app: App, run: RUN, cases: CASES = None, limit: LIMIT = 0, note: NOTE = "", force: FORCE = False
) -> PromoteResult:
    """Let a trained model answer in the modes finetuned and hybrid, if it is better than the one before.

    It is held against the promoted run; against its base as it came, where none is promoted. Both are asked the same
    cases, of documents that the run never learnt from. It is promoted when more of its answers are right beyond chance,
    and when citations, refusals, what it knew before and its speed hold; the verdict is kept with the run. Its files are
    checked first. Chats that are open use it from their next question on, and `dyag rollback` takes it back. Answers
    that were measured before are not asked again.

    Exit code 3 says that the gate refused it.
    """
    from assistant.evaluating import on_its_way
    from assistant.gating import judge
    from finetune.runs.store import Runs
    from finetune.runs.use import trained

    if force and not note:
        raise BadUsage("--force promotes a run that showed nothing.", 'Say why: --note "…". It is kept in the history.')
    found = Runs(app.home.models).find(run)
    app.screen.waiting(f"checking {found.id} …")
    trained(found, app.home.path)
    current = app.promotions.current()
    if force or (current is not None and current.id == found.id):
        return _promoted(app, found, note, forced=force)
    with on_its_way(app, ["promote", run], {"--cases": str(cases or ""), "--limit": limit, "--note": note}):
        judged = judge(app, found, current, cases, limit)
    found.folder.keep_verdict(judged.kept())
    if not judged.verdict.promote:
        before = current.id if current else ""
        return PromoteResult(
            before, before, "", app.conversation.author, app.promotions.path, judged.verdict, judged.forgetting, found.id
        )  # fmt: skip
    return _promoted(
        app, found, note, verdict=judged.verdict, forgetting=judged.forgetting, over=current.id if current else ""
    )


@command(examples=("dyag rollback",))
def rollback(app: App, note: NOTE = "") -> PromoteResult:
    """Go back to the model that answered before the last promotion, and again to the one before that.

    At the first one it goes back to none: then only the mode rag answers. What was promoted when, and by whom, stays in
    models/promoted.json.
    """
    return _result(app, app.promotions.rollback(app.conversation.author, note))


def _promoted(
    app: App,
    run: Run,
    note: str,
    *,
    forced: bool = False,
    verdict: Verdict | None = None,
    forgetting: str = "",
    over: str | None = None,
) -> PromoteResult:
    from finetune.runs.use import trained

    step = app.promotions.promote(
        run, app.conversation.author, note, check=lambda: trained(run, app.home.path), forced=forced, over=over
    )
    return _result(app, step, verdict, forgetting)


def _result(app: App, step: Step, verdict: Verdict | None = None, forgetting: str = "") -> PromoteResult:
    noted = bool(step.note) and step.before == step.after
    return PromoteResult(
        step.before, step.after, step.when, step.who, app.promotions.path, verdict, forgetting, noted=noted
    )
