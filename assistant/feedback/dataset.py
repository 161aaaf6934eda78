"""Approved feedback as the rows of a dataset, ready to be split.

sft   {"messages": [system, user, assistant], "metadata": {…}}
dpo   {"prompt": [messages], "chosen": [message], "rejected": [message], "metadata": {…}}
kto   {"prompt": [messages], "completion": [message], "label": bool, "metadata": {…}}

`metadata` has at least `id`, `type` (`correction` or `rating`), `lang`, `documents` (a split must not part rows that share
one), `method`, `form`, `author` and `answer`, the number of the answer in the journal.

The prompt is what the model was sent, except in sft rows of a follow-up: who trains on whole conversations would learn
the earlier answers too, which nobody approved. There the question stands alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.feedback.corrections import Files
from assistant.feedback.gold import gold
from assistant.feedback.handmade import with_id
from assistant.feedback.heldout import Rated, asked
from assistant.feedback.rows import BuildPrompt, Format, Rows, held, make_rows
from assistant.feedback.summary import all_rated, prompt_builder
from assistant.journal.values import Interaction
from assistant.prompts import is_refusal
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App

Row = Mapping[str, Any]

FEW = 50
"""Rows under which a model hardly learns anything from them."""
LEAST = 1 / 4
"""Rows of the rarer label of KTO for each of the other: its loss weighs the one against the other."""


@dataclass(frozen=True)
class FeedbackRows:
    """The rows of a format, by answer, and what there is to say about them."""

    rows: tuple[Row, ...]
    left_out: Mapping[str, int]
    """Why feedback gave no row, and how often; of an author with too large a share, rows."""
    waiting: int
    """Feedback that waits for review."""
    warnings: tuple[str, ...]

    @property
    def documents(self) -> tuple[tuple[str, ...], ...]:
        """Of each row."""
        return tuple(tuple(row["metadata"]["documents"]) for row in self.rows)


def feedback_rows(app: App, form: Format) -> FeedbackRows:
    """What approved feedback gives to train on in this format. Raises BadInput when that is nothing."""
    rated = all_rated(app.journal)
    build_prompt = prompt_builder(app.prompts)
    made = make_rows(form, rated, build_prompt, app.settings.feedback.author_share, Files(app).divide(rated))
    waiting = sum(item.feedback.status == "pending" for item in rated)
    if not made.rows:
        raise _nothing(form, rated, made, waiting)
    by_feedback = {(item.interaction.id, item.feedback.author): item for item in rated}
    rows = tuple(_row(found, by_feedback[found["id"], found["author"]], build_prompt) for found in made.rows)
    return FeedbackRows(rows, made.left_out, waiting, tuple(_warnings(form, rows, waiting)))


def _row(found: Row, item: Rated, build_prompt: BuildPrompt) -> Row:
    turn = item.interaction
    metadata = {
        "type": "correction" if item.feedback.correction else "rating",
        "lang": found["language"],
        **({} if found.get("label") is False else _proof(found, turn)),
        "documents": found["documents"],
        "method": "feedback",
        "form": f"feedback.{'correction' if item.feedback.correction else 'rating'}",
        "author": found["author"],
        "answer": found["id"],
    }
    if "completion" in found and "label" not in found:
        said: dict[str, Any] = {"messages": [*_alone(found["prompt"], turn, build_prompt), *found["completion"]]}
    else:
        said = {name: found[name] for name in ("prompt", "completion", "chosen", "rejected", "label") if name in found}
    return with_id({**said, "metadata": metadata}, turn.id, item.feedback.author, asked(turn))


def _proof(found: Row, turn: Interaction) -> dict[str, Any]:
    """What the answer to learn rests on."""
    right = found.get("chosen") or found["completion"]
    text = right[0]["content"]
    proof = gold(text, turn.passages, asked(turn), turn.language)
    return {
        "answerable": not is_refusal(text, turn.language),
        "answers": list(proof.answers),
        "gold": [f"chunk_{number}" for number in proof.chunks],
    }


def _alone(
    prompt: Sequence[Mapping[str, str]], turn: Interaction, build_prompt: BuildPrompt
) -> Sequence[Mapping[str, str]]:
    """The prompt without the turns before it, and the question as one of its own."""
    if all(message["role"] != "assistant" for message in prompt):
        return prompt
    passages = held(turn.passages, [message["content"] for message in prompt])
    alone = build_prompt(dataclasses.replace(turn, passages=tuple(passages)))
    return [{"role": m.role, "content": m.content} for m in alone]


def _warnings(form: Format, rows: Sequence[Row], waiting: int) -> list[str]:
    said = []
    if len(rows) < FEW:
        more = f"; {waiting} wait for review: dyag feedback review" if waiting else ""
        said.append(f"{len(rows)} rows of feedback are few, {FEW} is a beginning{more}")
    if form == "kto" and (warning := _unbalanced([row["label"] for row in rows])):
        said.append(warning)
    return said


def _unbalanced(labels: Sequence[bool]) -> str:
    good, bad = labels.count(True), labels.count(False)
    if min(good, bad) >= LEAST * max(good, bad):
        return ""
    rate = "/good" if good < bad else "/bad, or correct them with /fix"
    return (
        f"KTO needs both labels in number, and here {good} rows are good and {bad} are bad. Rate more answers {rate}."
    )


def _nothing(form: Format, rated: Sequence[Rated], made: Rows, waiting: int) -> BadInput:
    """The error that says why there are no rows."""
    if not rated:
        message = "There is no feedback to make a dataset from."
        return BadInput(message, "Rate answers in `dyag chat` with /good and /fix, then approve: dyag feedback review")
    why = "; ".join(f"{count} {reason}" for reason, count in made.left_out.items())
    message = f"No approved feedback gives {form} rows. Of {len(rated)}: {why}."
    if waiting:
        return BadInput(message, f"{waiting} wait for review: dyag feedback review")
    return BadInput(message, "Rate and correct more answers in `dyag chat` with /good and /fix, then approve them.")
