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
TASK = Annotated[str, typer.Option("--as", help="Only for this task: a line under [models] in dyag.toml.")]
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
    task: str = ""
    """What it was promoted for; empty for the modes finetuned and hybrid."""
    overruled: str = ""
    """What the task uses all the same, because --set or the environment says so."""

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
        "dyag promote qwen3-sfd-analyzer-v2 --as sfd_analyzer",
    ),
)
def promote(
    app: App,
    run: RUN,
    cases: CASES = None,
    limit: LIMIT = 0,
    note: NOTE = "",
    force: FORCE = False,
    task: TASK = "",
) -> PromoteResult:
    """Let a trained model answer in the modes finetuned and hybrid, if it is better than the one before.

    It is held against the promoted run; against its base as it came, where none is promoted. Both are asked the same
    cases, of documents that the run never learnt from. It is promoted when more of its answers are right beyond chance,
    and when citations, refusals, what it knew before and its speed hold; the verdict is kept with the run. Its files are
    checked first. Chats that are open use it from their next question on, and `dyag rollback` takes it back. Answers
    that were measured before are not asked again.

    With --as NAME it is held against the model of that task instead, and becomes it: then --model NAME, or
    answer.generator=NAME, means this run.

    Exit code 3 says that the gate refused it.
    """
    from assistant.evaluating import on_its_way
    from assistant.gating import judge
    from assistant.named_models import check_task
    from finetune.runs.store import Runs
    from finetune.runs.use import check_usable

    if task:
        check_task(task)
    if force and not note:
        raise BadUsage("--force promotes a run that showed nothing.", 'Say why: --note "…". It is kept in the history.')
    found = Runs(app.home.models).find(run)
    app.screen.waiting(f"checking {found.id} …")
    check_usable(found, app.home.path)
    before = _current(app, task)
    if force or before in (found.id, f"run:{found.id}"):
        return _named(app, task, found, note, forced=force) if task else _promoted(app, found, note, forced=force)
    typed = {"--cases": str(cases or ""), "--limit": limit, "--note": note, "--as": task}
    with on_its_way(app, ["promote", run], typed):
        judged = judge(app, found, before, cases, limit, task)
    found.folder.keep_verdict(judged.kept())
    if not judged.verdict.promote:
        return PromoteResult(
            before, before, "", app.conversation.author, app.promotions.path, judged.verdict, judged.forgetting, found.id, task=task
        )  # fmt: skip
    if task:
        return _named(app, task, found, note, verdict=judged.verdict, forgetting=judged.forgetting)
    return _promoted(app, found, note, verdict=judged.verdict, forgetting=judged.forgetting, over=before)


@command(examples=("dyag rollback",))
def rollback(app: App, note: NOTE = "") -> PromoteResult:
    """Go back to the model that answered before the last promotion, and again to the one before that.

    At the first one it goes back to none: then only the mode rag answers. What was promoted when, and by whom, stays in
    models/promoted.json.
    """
    return _result(app, app.promotions.rollback(app.conversation.author, note))


def _current(app: App, task: str) -> str:
    """The run that answers now; with a task, the model that it is set to. Empty for none."""
    if task:
        return app.settings.models.get(task, "")
    current = app.promotions.current()
    return current.id if current else ""


def _named(
    app: App,
    task: str,
    run: Run,
    note: str,
    *,
    forced: bool = False,
    verdict: Verdict | None = None,
    forgetting: str = "",
) -> PromoteResult:
    from assistant.named_models import name_model

    made = name_model(app, task, f"run:{run.id}")
    who = app.conversation.author
    step = app.promotions.keep_task(task, made.before, made.after, who, note, forced=forced)
    return PromoteResult(
        step.before, step.after, step.when, who, app.home.settings, verdict, forgetting, task=task, overruled=made.overruled
    )  # fmt: skip


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
    from finetune.runs.use import check_usable

    step = app.promotions.promote(
        run, app.conversation.author, note, check=lambda: check_usable(run, app.home.path), forced=forced, over=over
    )
    return _result(app, step, verdict, forgetting)


def _result(app: App, step: Step, verdict: Verdict | None = None, forgetting: str = "") -> PromoteResult:
    noted = bool(step.note) and step.before == step.after
    return PromoteResult(
        step.before, step.after, step.when, step.who, app.promotions.path, verdict, forgetting, noted=noted
    )
