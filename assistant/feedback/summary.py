"""What the feedback in a journal amounts to: the answers with it, the counts, and the rows it would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.journal.values import Interaction
from retrieval.types import Message

if TYPE_CHECKING:
    from assistant.feedback.heldout import Division, Rated
    from assistant.feedback.rows import BuildPrompt
    from assistant.journal.store import Journal
    from assistant.prompts import Prompts


@dataclass(frozen=True)
class RowCount:
    """What an export in one format would hold now."""

    rows: int
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class FeedbackStats:
    """Feedback by what is known of it, and what it would give to train on."""

    total: int
    by: Mapping[str, Mapping[str, int]]
    """`rating`, `status`, `author`, `mode`, `generator`: how often each value is there, the most frequent first."""
    self_reviewed: int
    """Approved or rejected by its own author."""
    exports: Mapping[str, RowCount]


def all_rated(journal: Journal) -> list[Rated]:
    """Every piece of feedback with its answer."""
    from assistant.feedback.heldout import Rated

    feedback = journal.feedback()
    turns = {i: journal.interaction(i) for i in {f.interaction_id for f in feedback}}
    return [Rated(turns[f.interaction_id], f) for f in feedback]


def statistics(
    rated: list[Rated], build_prompt: BuildPrompt, author_share: float, division: Division | None = None
) -> FeedbackStats:
    """Counts of everything, and for each format what an export would give; `division` as for `make_rows`."""
    from assistant.feedback.heldout import divide
    from assistant.feedback.rows import FORMATS, make_rows

    views: Mapping[str, Callable[[Rated], str]] = {
        "rating": lambda r: f"{r.feedback.rating or 'none'}{', corrected' if r.feedback.correction else ''}",
        "status": lambda r: r.feedback.status,
        "author": lambda r: r.feedback.author,
        "mode": lambda r: r.interaction.mode,
        "generator": lambda r: r.interaction.generator,
    }
    exports: dict[str, RowCount] = {}
    division = division or divide(rated)
    for form in FORMATS:
        made = make_rows(form, rated, build_prompt, author_share, division)
        exports[form] = RowCount(len(made.rows), made.left_out)
    return FeedbackStats(
        len(rated),
        {name: _counted(map(view, rated)) for name, view in views.items()},
        sum(r.feedback.reviewer == r.feedback.author for r in rated),
        exports,
    )


def prompt_builder(prompts: Prompts) -> BuildPrompt:
    """What a model would be sent for a turn that was answered without one: the passages and the question."""

    def build(turn: Interaction) -> list[Message]:
        from assistant.prompts import fenced

        prompt = (prompts.answer if turn.passages else prompts.finetuned)[turn.language]
        messages = prompt.messages(documents=fenced(turn.passages), question=turn.searched or turn.question)
        return [message for message in messages if message.content]

    return build


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
