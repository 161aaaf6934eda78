"""Citations for an answer that was given without passages: an id is shown only where a search supports the sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from retrieval.citations import support_score
from retrieval.errors import BadQuestion
from retrieval.lexical import analyze
from retrieval.search import Searcher
from retrieval.text import sentence_spans
from retrieval.types import Language, Passage

LOOKED_AT = 3
"""Passages that are compared with a sentence."""
SURE = 0.75
"""Support from which an id is shown: nobody has given the model this passage."""
STATES = 3
"""Different content words from which a sentence states something that a passage could support."""
_MARKUP = re.compile(r"[#|>]|```|\s*(?:[-*+•]|\d+[.)])\s*\Z")


@dataclass
class Supporter:
    """Adds `[chunk_N]` to the sentences of a growing answer."""

    searcher: Searcher
    language: Language
    passages: dict[int, Passage] = field(default_factory=dict)
    """What was found for the sentences that are supported."""
    _held: str = ""
    _in_code: bool = False

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
            passage = self._best(sentence) if self._states(sentence) else None
            yield sentence if passage is None else _cited(sentence, passage.chunk_id)
            end = stop
        yield text[end:]

    def _states(self, sentence: str) -> bool:
        """Whether this is a statement, and not a heading, a row of a table, code, or two words."""
        if sentence.startswith("```"):
            self._in_code = not self._in_code
        if self._in_code or _MARKUP.match(sentence):
            return False
        return len(set(analyze(sentence, self.language))) >= STATES

    def _best(self, sentence: str) -> Passage | None:
        try:
            found = self.searcher.search(sentence, LOOKED_AT, language=self.language).passages
        except BadQuestion:  # far too long for a sentence
            return None
        scored = [(support_score(sentence, p, self.language), -i, p) for i, p in enumerate(found)]
        score, _, best = max(scored, default=(0.0, 0, None))
        if best is None or score < SURE:
            return None
        self.passages[best.chunk_id] = best
        return best


def _cited(sentence: str, chunk_id: int) -> str:
    body = sentence.rstrip(".!?…")
    return f"{body} [chunk_{chunk_id}]{sentence[len(body) :]}"
