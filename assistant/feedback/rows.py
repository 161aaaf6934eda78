"""Rows to train on, from feedback that a reviewer has approved.

sft   {"prompt": [messages], "completion": [message]}                a correction, else an answer rated good
dpo   {"prompt": [messages], "chosen": [message], "rejected": [message]}   a correction against the answer it corrects
kto   {"prompt": [messages], "completion": [message], "label": bool}  answers rated good or bad; a correction is a good one

Every row has the `id` of its answer, the `author` of the feedback, the `documents` it rests on (a split must not part
them) and its `language`. The prompt is what the model was sent; for an answer without a model it is built.

One question in five is kept for the regression tests and gives no row of any kind: see `heldout.py`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from assistant.feedback.gold import cited_chunks, document_key
from assistant.feedback.heldout import Division, Rated, divide
from assistant.journal.values import Feedback, Interaction
from assistant.prompts import is_refusal
from retrieval.citations import normalise
from retrieval.types import Message, Passage

Format = Literal["sft", "dpo", "kto"]
BuildPrompt = Callable[[Interaction], Sequence[Message]]


@dataclass(frozen=True)
class Rows:
    """What an export holds."""

    rows: tuple[Mapping[str, Any], ...]
    left_out: Mapping[str, int]
    """Why feedback gave no row, and how often; of an author with too large a share, rows."""


class _LeftOut(Exception):
    """Feedback that gives no row of this format; `args` says why."""


def make_rows(
    form: Format,
    rated: Sequence[Rated],
    build_prompt: BuildPrompt,
    author_share: float,
    division: Division | None = None,
) -> Rows:
    """The rows of a format, by answer. Where several authors gave rows, none keeps more than `author_share` of them.

    `division`: which questions train; by default as this feedback alone divides them.
    """
    left_out: Counter[str] = Counter()
    division = division or divide(rated)
    disputed = _disputed(rated)
    made: dict[str, Mapping[str, Any]] = {}
    for item in sorted(rated, key=_age):
        try:
            _check_review(item.feedback)
            if why := division.why_not_training(item.interaction):
                raise _LeftOut(why)
            for row in FORMATS[form](_Sample(item, build_prompt, item.interaction.id in disputed)):
                key = repr([row[name] for name in ("prompt", "completion", "chosen", "rejected") if name in row])
                left_out["the same row as another"] += key in made
                made.setdefault(key, row)
        except _LeftOut as reason:
            left_out[str(reason)] += 1
    kept, over = capped(list(made.values()), author_share)
    left_out["more than the author's share"] += over
    return Rows(tuple(sorted(kept, key=lambda row: row["id"])), {why: n for why, n in left_out.most_common() if n})


def _age(item: Rated) -> tuple[float, int, str]:
    """Newest first; of equals the highest id."""
    return -item.feedback.updated, -item.interaction.id, item.feedback.author


def capped(rows: Sequence[Mapping[str, Any]], share: float) -> tuple[list[Mapping[str, Any]], int]:
    """The rows with no author over the share, the first of each kept, and how many went.

    One author alone keeps all; of k authors each may have at least 1/k.
    """
    counts = Counter(row["author"] for row in rows)
    if len(counts) < 2:
        return list(rows), 0
    most = max(share, 1 / len(counts))
    # The largest total at which nobody has more than the share of it: at one row an author it is reached at the latest.
    for total in range(len(rows), 0, -1):
        limit = math.floor(most * total + 1e-9)
        if sum(min(count, limit) for count in counts.values()) >= total:
            break
    kept: list[Mapping[str, Any]] = []
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row["author"]] += 1
        if seen[row["author"]] <= limit:
            kept.append(row)
    return kept, len(rows) - len(kept)


def held(passages: Sequence[Passage], prompt: Sequence[str]) -> list[Passage]:
    """The passages that the messages of a prompt name: where room was short, not all that were found."""
    named = {int(n) for text in prompt for n in re.findall(r"chunk_(\d{1,18})\b", text)}
    return [p for p in passages if p.chunk_id in named]


def _check_review(feedback: Feedback) -> None:
    if feedback.status != "approved":
        raise _LeftOut("not reviewed yet" if feedback.status == "pending" else "rejected by the reviewer")


def _disputed(rated: Sequence[Rated]) -> set[int]:
    """Answers that one approved author finds good and another bad, or in need of correction."""
    approved = [item.feedback for item in rated if item.feedback.status == "approved"]
    good = {f.interaction_id for f in approved if f.rating == "good" and not f.correction}
    return good & {f.interaction_id for f in approved if f.rating == "bad" or f.correction}


class _Sample:
    """One piece of feedback with the prompt of its answer."""

    def __init__(self, item: Rated, build_prompt: BuildPrompt, disputed: bool) -> None:
        self.turn, self.feedback, self.disputed = item.interaction, item.feedback, disputed
        prompt = self.turn.messages or build_prompt(self.turn)
        self.prompt = [_message(m.role, m.content) for m in prompt]
        self.known = {p.chunk_id: p for p in held(self.turn.passages, [m.content for m in prompt])}
        """Passages the prompt holds."""

    def correction(self) -> str:
        """Raises _LeftOut when it cites what the prompt does not hold."""
        if not self.feedback.correction:
            raise _LeftOut("no correction")
        text, unknown = normalise(self.feedback.correction, self.known)
        # Where the model is given no passages at all, it learns to answer without citations.
        if (unknown and self.known) or not text.strip():
            raise _LeftOut("the correction cites chunks that were not among the passages")
        return text

    def answer(self) -> str:
        """The answer as the model gave it. Raises _LeftOut when nothing is to be learnt from it."""
        if fault := self.fault():
            raise _LeftOut(fault)
        return normalise(self.turn.answer, self.known)[0]

    def fault(self) -> str:
        """Why nothing is to be learnt from the answer itself; empty when something is."""
        faults = {
            "the answer was broken off": self.turn.partial,
            "the answer is a refusal that no model wrote": self.turn.refused and not self._refused_by_model(),
            "authors disagree about the answer": self.disputed,
            "the answer is empty": not self.turn.answer.strip(),
        }
        return next((why for why, is_so in faults.items() if is_so), "")

    def _refused_by_model(self) -> bool:
        """Whether it read the passages and said that the answer is not there: as good a lesson as an answer."""
        return bool(self.turn.messages) and is_refusal(self.turn.answer, self.turn.language)

    def row(self, completions: Mapping[str, str], **more: Any) -> Mapping[str, Any]:
        texts = {name: [_message("assistant", text)] for name, text in completions.items()}
        about = {"id": self.turn.id, "author": self.feedback.author, "language": self.turn.language}
        documents = self._documents(" ".join(completions.values()))
        return {"prompt": self.prompt, **texts, **more, **about, "documents": documents}

    def _documents(self, text: str) -> list[str]:
        """Those the text cites, else all that were read."""
        cited = cited_chunks(text)
        passages = [p for p in self.turn.passages if p.chunk_id in cited] or self.turn.passages
        return list(dict.fromkeys(map(document_key, passages)))


def _sft(sample: _Sample) -> Iterator[Mapping[str, Any]]:
    if sample.feedback.correction:
        yield sample.row({"completion": sample.correction()})
    elif sample.feedback.rating == "good":
        yield sample.row({"completion": sample.answer()})
    else:
        raise _LeftOut("rated bad, without a correction")


def _dpo(sample: _Sample) -> Iterator[Mapping[str, Any]]:
    chosen, rejected = sample.correction(), sample.answer()
    if _bare(chosen) == _bare(rejected):
        raise _LeftOut("the correction says the same as the answer")
    yield sample.row({"chosen": chosen, "rejected": rejected})


def _kto(sample: _Sample) -> Iterator[Mapping[str, Any]]:
    if sample.feedback.correction:
        correction = sample.correction()
        yield sample.row({"completion": correction}, label=True)
        if sample.fault() or _bare(correction) == _bare(sample.answer()):
            return
    yield sample.row({"completion": sample.answer()}, label=sample.feedback.rating == "good")


FORMATS: Mapping[Format, Callable[[_Sample], Iterator[Mapping[str, Any]]]] = {"sft": _sft, "dpo": _dpo, "kto": _kto}


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _bare(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
