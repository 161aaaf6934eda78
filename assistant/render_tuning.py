"""How a tuning is shown to a person: before, after, and each fold of documents left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.commands.tune import TuneResult, UndoResult
from assistant.render import render
from assistant.render_made import shown
from assistant.screen import Screen, bold, dim

if TYPE_CHECKING:
    from eval.tune import Estimate, Tuned, Value


@render.register
def _(result: TuneResult, screen: Screen) -> None:
    for tuned in result.settings:
        _setting(tuned, screen)
        screen.out()
    for note in result.notes:
        screen.remark(note)
    screen.prose(_outcome(result))


def _outcome(result: TuneResult) -> str:
    if not result.wins:
        decided = any(tuned.gain is not None for tuned in result.settings)
        return f"{'Nothing is gained beyond chance: ' if decided else ''}{shown(result.file)} stays as it is."
    if not result.written:
        return f"Nothing was written (--dry-run); without it, {shown(result.file)} would say so."
    return f"Written to {shown(result.file)}; `dyag tune --undo` takes it back."


def _setting(tuned: Tuned, screen: Screen) -> None:
    to = f" → {_value(tuned.value)}" if tuned.changes else ""
    screen.out(bold(f"{tuned.setting}  {_value(tuned.before)}{to}"), f"  {tuned.why}.")
    if tuned.gain is None or tuned.score_before is None or tuned.score_after is None:
        return
    about = f"{tuned.questions} questions about {tuned.documents} documents, {tuned.measure}"
    screen.out(dim(about))
    screen.hanging(
        [
            ("before", _estimate(tuned.score_before)),
            ("after", _estimate(tuned.score_after)),
            ("gain", f"{_estimate(tuned.gain, sign='+')}, p {tuned.p:.2g} (below {tuned.alpha:.2g} is no chance)"),
            *((name, f"{before:.3f} → {after:.3f}") for name, (before, after) in tuned.parts.items()),
        ]
    )
    head = ("documents left out", "questions", "chosen on the others", "before", "after")
    rows = [(f.documents, f.questions, _value(f.value), f"{f.before:.3f}", f"{f.after:.3f}") for f in tuned.folds]
    screen.table(head, rows)


@render.register
def _(result: UndoResult, screen: Screen) -> None:
    for name, (tuned, before) in result.settings.items():
        was = "taken out" if before is None else f"{before} again"
        screen.out(bold(name), f"  {was}, was {_value(tuned)}")
    kept = "is exactly what it was" if result.exact else "had been edited since: only this was changed in it"
    screen.out(f"{shown(result.file)} {kept}.")


def _estimate(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.mean:{sign}.3f}  [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"


def _value(value: Value | str) -> str:
    return "none" if value is None else f"{value}"
