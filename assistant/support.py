"""Citations for an answer that was given without passages: an id is shown only where a search supports the sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from retrieval.citations import SUPPORTED, support_score
from retrieval.errors import BadQuestion
from retrieval.search import Searcher
from retrieval.text import sentence_spans
from retrieval.types import Language, Passage

LOOKED_AT = 3
"""Passages that are compared with a sentence."""


@dataclass
class Supporter:
    """Adds `[chunk_N]` to the sentences of a growing answer."""

    searcher: Searcher
    language: Language
    passages: dict[int, Passage] = field(default_factory=dict)
    """What was found for the sentences that are supported."""
    _held: str = ""

    def feed(self, text: str) -> str:
        """The sentences that are complete now, with what supports them."""
        self._held += text
        spans = sentence_spans(self._held)
        if len(spans) < 2:
            return ""
        complete, self._held = self._held[: spans[-1][0]], self._held[spans[-1][0] :]
        return "".join(self._supported(complete))

    def finish(self) -> str:
        """The last sentence."""
        rest, self._held = self._held, ""
        return "".join(self._supported(rest))

    def _supported(self, text: str) -> Iterator[str]:
        end = 0
        for start, stop in sentence_spans(text):
            sentence = text[start:stop]
            yield text[end:start]
            passage = self._best(sentence)
            yield sentence if passage is None else _cited(sentence, passage.chunk_id)
            end = stop
        yield text[end:]

    def _best(self, sentence: str) -> Passage | None:
        try:
            found = self.searcher.search(sentence, LOOKED_AT, language=self.language).passages
        except BadQuestion:  # far too long for a sentence
            return None
        scored = [(support_score(sentence, p, self.language), -i, p) for i, p in enumerate(found)]
        score, _, best = max(scored, default=(0.0, 0, None))
        if best is None or score < SUPPORTED:
            return None
        self.passages[best.chunk_id] = best
        return best


def _cited(sentence: str, chunk_id: int) -> str:
    body = sentence.rstrip(".!?…")
    return f"{body} [chunk_{chunk_id}]{sentence[len(body) :]}"
