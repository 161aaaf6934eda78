"""What stands before the question in a training row: nothing, the right chunks, or the right chunks among others (RAFT).

RAFT (Zhang et al. 2024): the chunks that hold the answer among hard distractors, those our own search finds; a share of the
rows without them. Unlike the paper, the answer of such a row is the refusal: a model should learn to say that it does not
know, not to answer from memory. Chunk ids are drawn anew for every row, so that a model learns to copy them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from finetune.examples import Example, Split
from finetune.sources import Source
from retrieval.facts import clean_markup
from retrieval.text import fold
from retrieval.types import Language, Message, Passage

Context = Literal["none", "gold", "raft"]
WITHOUT_GOLD = 0.2
"""Share of the answerable RAFT rows that lack the chunks with the answer."""
PASSAGES = 5
"""Chunks in a RAFT row."""
FOUND = 60
"""Passages searched for; those of other splits and those that tell the answer are left out."""
LARGEST_ID = 9_999
Search = Callable[[str, Language, int], Sequence[Passage]]
"""(question, language, how many) to the passages found, best first, under the library's own numbers."""


class Framing(Protocol):
    """How the product asks a model; the same words in training and in use."""

    def messages(self, question: str, language: Language, passages: Sequence[Passage]) -> tuple[Message, ...]: ...

    def refusal(self, language: Language, *, with_passages: bool) -> str: ...


@dataclass(frozen=True)
class Framed:
    """An example as a row shows it."""

    example: Example
    """With the ids the row shows, and the refusal as its answer where the row lacks the right chunks."""
    messages: tuple[Message, ...]
    more: Mapping[str, Any]
    """For the metadata: the real id of each shown one, and what the row was made of."""


@dataclass
class Framer:
    """Puts examples into rows."""

    kind: Context
    source: Source
    framing: Framing
    split_of: Mapping[int, Split]
    """Split of each document of the library: no chunk is shown in another split than its own."""
    parts: Mapping[int, Split | None]
    """The same of each chunk of a document that describes several things; None where they are in different splits."""
    seed: int
    search: Search | None = None

    def may_show(self, example: Example, split: Split) -> bool:
        """Whether the chunks of an example hold nothing of another split."""
        return self.kind == "none" or all(self.parts.get(number, split) == split for number in example.gold)

    def frame(self, example: Example, split: Split, passages: int = PASSAGES) -> Framed:
        """The example with its messages. `passages`: how many a RAFT row shows at most."""
        if self.kind == "none":
            return Framed(example, self.framing.messages(example.question, example.language, ()), {})
        rng = random.Random(f"{self.seed}:context:{example.id}")
        gold = list(self.source.passages(example.gold).values())
        lacks = self.kind == "raft" and example.answerable and rng.random() < WITHOUT_GOLD
        shown = [] if lacks else gold
        if self.kind == "raft":
            shown += self._distractors(example, gold, split, max(1, passages - len(shown)))
        rng.shuffle(shown)
        if lacks:
            refusal = self.framing.refusal(example.language, with_passages=True)
            example = replace(
                example, answer=refusal, type="refusal", answers=(), quote="", form=f"{example.form}+without"
            )
        return self._renumbered(example, shown, rng)

    def _distractors(self, example: Example, gold: Sequence[Passage], split: Split, wanted: int) -> list[Passage]:
        """What our search finds for the question and what does not answer it, from documents of the same split."""
        assert self.search is not None
        found: list[int] = []
        for passage in self.search(example.question, example.language, FOUND):
            number = self.source.number(passage.chunk_id)
            same_split = self.parts.get(number, self.split_of.get(passage.document_id)) == split
            if len(found) < wanted and number not in example.gold and same_split and not tells(passage, example, gold):
                found.append(number)
        return list(self.source.passages(found).values())

    def _renumbered(self, example: Example, shown: Sequence[Passage], rng: random.Random) -> Framed:
        ids = dict(zip([p.chunk_id for p in shown], rng.sample(range(1, LARGEST_ID), len(shown)), strict=True))
        answer = re.sub(r"\[chunk_(\d+)\]", lambda match: f"[chunk_{ids[int(match[1])]}]", example.answer)
        passages = [replace(p, chunk_id=ids[p.chunk_id]) for p in shown]
        messages = self.framing.messages(example.question, example.language, passages)
        real = {f"chunk_{said}": f"chunk_{own}" for own, said in ids.items()}
        more = {"context": self.kind, "shown": real, "has_gold": set(example.gold) <= ids.keys()}
        return Framed(replace(example, answer=answer), messages, more)


def tells(passage: Passage, example: Example, gold: Sequence[Passage]) -> bool:
    """Whether a passage may hold the answer too: another chunk of the same document, or one with its values and its name."""
    if any(passage.document_id == own.document_id for own in gold):
        return True
    text = _plain(f"{passage.title}\n{passage.text}")
    named = any(_plain(own.title) in text for own in gold if own.title)
    valued = bool(example.answers) and all(_plain(value) in text for value in example.answers)
    return named and (valued or not example.answers)


def _plain(text: str) -> str:
    return " ".join(fold(clean_markup(text)).split())
