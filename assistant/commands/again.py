"""`/retry` and `/compare-modes`: a question asked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import command
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.commands.ask import AskResult
    from assistant.generators.base import Turn


@dataclass(frozen=True)
class ModeAnswer:
    """What one mode answers, or why it does not."""

    mode: str
    answer: AskResult | None
    why_not: str = ""


@dataclass(frozen=True)
class ModesResult:
    """One question, answered in every mode that is available."""

    question: str
    modes: tuple[ModeAnswer, ...]


@command(on_cli=False)
def retry(app: App, as_json: bool = False) -> int:
    """Ask the last question again, with the generator and settings of now."""
    from assistant.chat import answer_turn

    talk = app.conversation
    question = talk.last.answer.question
    earlier = talk.exchanges.pop()
    try:
        return answer_turn(app, question, as_json=as_json)
    except BaseException:
        talk.exchanges.append(earlier)
        raise


@command(on_cli=False, examples=("/compare-modes", "/compare-modes Quel port écoute PostgreSQL ?"))
def compare_modes(
    app: App, question: Annotated[str, typer.Argument(help="A question; default: the last one.")] = ""
) -> ModesResult:
    """Answer the same question in every available mode, side by side; nothing is recorded."""
    from assistant.modes import MODES

    talk = app.conversation
    turns = talk.turns()
    if not question:
        question, turns = talk.last.answer.question, turns[:-1]
    asked = []
    for mode in MODES.values():
        app.screen.waiting(f"{mode.name} …")
        asked.append(_answer(app, mode.name, question, turns))
    return ModesResult(question, tuple(asked))


def _answer(app: App, name: str, question: str, turns: Sequence[Turn]) -> ModeAnswer:
    from assistant.commands.ask import ask_view
    from assistant.modes import MODES
    from assistant.present import finished

    mode = MODES[name]
    try:
        generator = app.generator if app.settings.answer.mode == name else app.generator_of(mode)
        answerer = app.answerer_of(mode, generator)
        events = answerer.answer(question, app.settings.search.top_k, language=app.language(), turns=turns)
        return ModeAnswer(name, ask_view(finished(events)))
    except UserError as error:
        return ModeAnswer(name, None, f"{error.message} {error.hint}".strip())
