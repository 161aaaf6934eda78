"""How a retraining is shown to a person."""

from __future__ import annotations

from assistant.commands.retrain import RetrainResult
from assistant.render import render
from assistant.screen import Screen, bold


@render.register
def _(result: RetrainResult, screen: Screen) -> None:
    rows = sum(file.rows for file in result.dataset.files if file.split == "train")
    screen.out(f"{result.corrections} new corrections; {rows} rows of approved feedback train.")
    render(result.training, screen)
    if result.gate:
        render(result.gate, screen)
    elif result.undecided:
        screen.out(bold(f"{result.training.run} is not promoted: nothing could be decided."))
        screen.note(result.undecided)
