"""The three modes: which model answers, and whether it is given passages. They share every step they have in common."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.command import nearest
from retrieval.errors import BadSetting


@dataclass(frozen=True)
class Mode:
    """One way to answer."""

    name: str
    searches: bool
    """Whether passages are found before the answer; else its sentences are searched for afterwards."""
    finetuned: bool
    """Whether the fine-tuned model answers instead of the configured generator."""
    summary: str


MODES = {
    mode.name: mode
    for mode in (
        Mode("rag", searches=True, finetuned=False, summary="search, then the generator"),
        Mode("finetuned", searches=False, finetuned=True, summary="the fine-tuned model alone"),
        Mode("hybrid", searches=True, finetuned=True, summary="search, then the fine-tuned model"),
    )
}


def mode_named(name: str) -> Mode:
    """The mode of this name. Raises BadSetting."""
    if name not in MODES:
        raise BadSetting(f"There is no mode {name}.", nearest(name, MODES))
    return MODES[name]


def no_promoted_model(mode: Mode) -> BadSetting:
    """What to raise when a mode needs a fine-tuned model and none is there."""
    return BadSetting(
        f"The mode {mode.name} needs a promoted model, and there is none.",
        "`dyag train` makes one and `dyag promote RUN` lets it answer; a fine-tuned model of your own is named with "
        "answer.finetuned_model=provider:model.",
    )
