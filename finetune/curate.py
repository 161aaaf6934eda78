"""What an example must pass before it is taken; whatever does not is counted by its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from finetune.drops import Drops
from finetune.examples import Example
from finetune.near import shingles
from finetune.sources import Source
from finetune.standalone.question import standalone
from retrieval.citations import SUPPORTED, cited_sentences, support_score
from retrieval.embed import Embedder, Vectors
from retrieval.facts import clean_markup
from retrieval.text import fold, words
from retrieval.types import Language, Passage

SAME_WORDS = 0.9
"""Jaccard similarity of question and answer from which one example repeats another."""
SAME_MEANING = 0.97
"""Cosine of two questions about the same chunks from which one repeats the other."""
SHARED_WORDS = 0.3
"""Jaccard similarity of their words under which two questions are not embedded: of 98 pairs at .93 or more the least was .3,
of those at .97 it was .5."""
_QUOTE = re.compile(r"«\s*([^«»]{20,}?)\s*»|“([^“”]{20,}?)”|\"([^\"]{20,}?)\"")


@dataclass
class Curator:
    """Checks examples one after the other, and remembers those it has passed. One curator for all splits of a dataset."""

    source: Source
    embedder: Embedder
    drops: Drops
    languages: frozenset[Language]
    reserved: Callable[[str], bool] = lambda question: False
    """Whether a question belongs to tests that are kept elsewhere."""
    _asked: set[str] = field(default_factory=set)
    _written: set[str] = field(default_factory=set)
    _near: Any = None
    _vectors: dict[str, Vectors] = field(default_factory=dict)
    _questions: dict[tuple[int, ...], list[tuple[str, frozenset[str]]]] = field(default_factory=dict)
    """Those taken so far with their words, by the chunks they ask about."""

    def passes(self, example: Example) -> bool:
        """Whether an example is good and new; if so it is remembered."""
        # What an augmented one is a paraphrase of has passed everything else.
        is_paraphrase = example.method == "augmented"
        reason = self._copies(example) if is_paraphrase else self._fault(example) or self._repeats(example)
        if reason:
            self.drops.add(reason, f"{example.question} → {example.answer}")
        return not reason

    def _fault(self, example: Example) -> str:
        """What is wrong with it; empty when nothing is."""
        if example.language not in self.languages:
            return "in another language"
        if self.reserved(example.question):
            return "it asks what a regression test asks"
        if not example.question.strip() or not example.answer.strip():
            return "empty"
        passages = self.source.passages(example.gold)
        if not standalone(example.question, example.language, [p.title for p in passages.values() if p.title]):
            return "not standalone"
        if not example.answerable:
            return ""
        if len(passages) != len(example.gold):
            return "its chunk does not exist"
        return unsupported(example, passages)

    def _copies(self, example: Example) -> str:
        """Whether a paraphrase is the question itself, or another's: its typos and lost accents are the point of it."""
        if example.question in self._written:
            return "the same question as another"
        self._written.add(example.question)
        self._asked.add(_folded(example.question))
        return ""

    def _repeats(self, example: Example) -> str:
        question = _folded(example.question)
        if question in self._asked:
            return "the same question as another"
        if self._is_near(example):
            return "a near-duplicate of another (MinHash)"
        if self._means_the_same(example):
            return "a near-duplicate of another (embedding)"
        self._asked.add(question)
        self._written.add(example.question)
        self._remember(example)
        return ""

    def _means_the_same(self, example: Example) -> bool:
        known = self._questions.setdefault(example.gold, [])
        own = frozenset(words(fold(example.question)))
        for other, said in known:
            # One at a time: the int8 model's vectors depend a little on what else is in a batch.
            shares = len(own & said) >= SHARED_WORDS * len(own | said)
            if shares and float(self._vector(other) @ self._vector(example.question)) >= SAME_MEANING:
                return True
        known.append((example.question, own))
        return False

    def _vector(self, question: str) -> Vectors:
        if question not in self._vectors:
            self._vectors[question] = self.embedder.embed([question])[0]
        return self._vectors[question]

    def _is_near(self, example: Example) -> bool:
        if self._near is None:
            from datasketch import MinHashLSH

            self._near = MinHashLSH(threshold=SAME_WORDS, num_perm=128)
        self._signature = _signature(f"{example.question}\n{example.answer}")
        return bool(self._near.query(self._signature))

    def _remember(self, example: Example) -> None:
        self._near.insert(example.id, self._signature, check_duplication=False)


def _folded(question: str) -> str:
    return " ".join(words(fold(question)))


def _signature(text: str) -> Any:
    from datasketch import MinHash

    made = MinHash(num_perm=128, seed=1, scheme="affine32")
    made.update_batch(shingles(text))
    return made


def unsupported(example: Example, passages: Mapping[int, Passage]) -> str:
    """Why the answer cannot be known from its chunks; empty when it can."""
    texts = {n: _plain("\n".join([p.title, *p.headings, p.text])) for n, p in passages.items()}
    everything = "\n".join(texts.values())
    if any(_plain(value) not in everything for value in example.answers):
        return "its chunk does not hold the answer"
    # What the question quotes is taken up, not taken from the chunk: "Non, la fiche n'indique pas « … »".
    asked = _plain(example.question)
    if any(_plain(quote) not in everything and _plain(quote) not in asked for quote in quotes(example.answer)):
        return "a quote is not in its chunk"
    if example.quote and _plain(example.quote) not in everything:
        return "a quote is not in its chunk"
    cited = list(cited_sentences(example.answer))
    if not cited:
        return "no citation"
    for sentence, ids in cited:
        known = [passages[i] for i in ids if i in passages]
        if len(known) < len(ids):
            return "it cites another chunk than its own"
        if known and max(support_score(sentence, p, example.language) for p in known) < SUPPORTED:
            return "its chunk does not support the answer"
    return ""


def quotes(answer: str) -> list[str]:
    """What the answer sets in quotation marks, where it is long enough to be a quotation and not a name."""
    return [next(filter(None, match)) for match in _QUOTE.findall(answer)]


def _plain(text: str) -> str:
    """For comparing word for word: case, white space, typographic signs and markup aside."""
    return " ".join(clean_markup(text).replace("’", "'").replace("_", " ").casefold().split())
