"""`dyag promote`, `dyag rollback`: which trained model answers in the modes finetuned and hybrid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import command
from assistant.commands.runs import RUN

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.runs.promotion import Step

NOTE = Annotated[str, typer.Option("--note", help="Why; kept in the history.")]


@dataclass(frozen=True)
class PromoteResult:
    """What answers now in the modes finetuned and hybrid."""

    before: str
    """The run that answered; empty for none."""
    after: str
    when: str
    who: str
    history: Path


@command(examples=("dyag promote latest", 'dyag promote 20261104 --note "better on refusals"'))
def promote(app: App, run: RUN, note: NOTE = "") -> PromoteResult:
    """Let a trained model answer in the modes finetuned and hybrid; `dyag rollback` takes it back.

    Its files are checked first, and that its base is here and is the one it was trained on. Chats that are open use it
    from their next question on.
    """
    from finetune.runs.store import Runs
    from finetune.runs.use import trained

    found = Runs(app.home.models).find(run)
    app.screen.waiting(f"checking {found.id} …")
    promotions = app.promotions
    return _result(
        app, promotions.promote(found, app.conversation.author, note, check=lambda: trained(found, app.home.path))
    )


@command(examples=("dyag rollback",))
def rollback(app: App, note: NOTE = "") -> PromoteResult:
    """Go back to the model that answered before the last promotion, and again to the one before that.

    At the first one it goes back to none: then only the mode rag answers. What was promoted when, and by whom, stays in
    models/promoted.json.
    """
    return _result(app, app.promotions.rollback(app.conversation.author, note))


def _result(app: App, step: Step) -> PromoteResult:
    return PromoteResult(step.before, step.after, step.when, step.who, app.promotions.path)
