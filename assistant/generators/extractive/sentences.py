"""Which sentences answer: a linear score over what a sentence shares with the question and what kind of thing it holds.

The weights are fitted (listwise softmax over the sentences of the five best passages) on questions with known answers by
`benchmarks/fit_sentences.py`, which also reports the figures on the half that was held out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from assistant.generators.base import Knowledge, Request
from assistant.generators.question import Question
from retrieval.facts import clean_markup, facts, is_row, is_rule
from retrieval.lexical import analyze
from retrieval.text import fold, sentences, words
from retrieval.types import Passage

PASSAGES = 5
WEIGHTS = {
    "tokens": 12.28, "passage": 3.73, "covered": 1.51, "around": 1.48, "passage_covered": 4.41, "rare": 0.94,
    "shapes": 0.3, "short": -0.23, "length": -0.92, "number": 1.62, "date": 0.96, "no_date": -0.64,
    "who": 0.73, "why": 0.94, "name": 0.4, "line": -1.0,
}  # fmt: skip

_DATE = re.compile(
    r"\b(?:1\d{3}|20\d{2})\b|\b(?:janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre|january|"
    r"february|march|april|may|june|july|august|september|october|november|december|century|siècle)\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(r"\d|\b(?:deux|trois|quatre|cinq|six|sept|huit|neuf|dix|douze|vingt|trente|cent|mille|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred|thousand|million|milliard|billion)s?\b", re.IGNORECASE)  # fmt: skip
_CAUSE = re.compile(r"\b(?:car|parce|afin|pour|puisque|because|due|since|so that|in order|to)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Sentence:
    """A sentence (or line) of a passage."""

    text: str
    passage: int
    """Rank of its passage, from 0."""
    chunk_id: int
    terms: tuple[str, ...]
    line: bool
    """A `Key : value` line, list item or table row rather than prose."""
    span: tuple[int, int]
    """Where it stands in its passage, in characters; the whole line when markup was taken out of it."""
    under: tuple[str, ...]
    """Terms of what stands over it: its heading, and the header of its table."""


def scope(request: Request, question: Question) -> tuple[Sequence[Passage], Question]:
    """The passages to quote from, and the question as it stands to them.

    Once a document is named, only its passages count, and those of others that name it; its name chooses no sentence.
    """
    titles = {p.title for p in request.passages if p.document_id in request.named}
    if not titles:
        return request.passages[:PASSAGES], question
    about = [p for p in request.passages if p.document_id in request.named or _mentions(p.text, titles)]
    return about[:PASSAGES], question.without(titles)


def _mentions(text: str, titles: set[str]) -> bool:
    """Whether a text names one of these documents, by the whole title."""
    plain = f" {' '.join(words(fold(text)))} "
    return any(f" {' '.join(words(fold(title)))} " in plain for title in titles)


def split(passages: Sequence[Passage], question: Question) -> list[Sentence]:
    """The sentences of the best passages; headings, rules and code fences are left out."""
    found: list[Sentence] = []
    for rank, passage in enumerate(passages):
        for unit in units(passage.text):
            terms, under = (tuple(analyze(text, question.language)) for text in (unit.text, unit.under))
            found.append(Sentence(unit.text, rank, passage.chunk_id, terms, unit.line, unit.span, under))
    return found


class Unit(NamedTuple):
    """What can be quoted of a text: a sentence, a list item, a field or a table row."""

    text: str
    line: bool
    span: tuple[int, int]
    under: str
    """Its heading, and the header row of its table."""


@lru_cache(512)
def units(text: str) -> tuple[Unit, ...]:
    """The quotable units of a text, in order; kept, for many questions find the same passages."""
    made: list[Unit] = []
    lines, start, heading, header = text.split("\n"), 0, "", ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("#"):
            heading = line.strip("# ")
        header = (header or line) if is_row(line) else ""
        under = f"{heading} {header}".strip()
        made += [
            Unit(unit, listed, _span(text, unit, start, line), under) for unit, listed in _quotable(line.strip(), below)
        ]
        start += len(line) + 1
    return tuple(made)


def _quotable(line: str, below: str) -> list[tuple[str, bool]]:
    if not line or line.startswith(("#", "```", "~~~", "<!--")) or is_rule(line):
        return []
    if is_row(line):
        # The header row says what the columns are, never an answer.
        shown = " — ".join(c for c in re.split(r"\s*\|\s*", line.strip("| ")) if c)
        return [] if is_rule(below) else [(shown, True)]
    listed = bool(re.match(r"[-*+•]\s|\d+[.)]\s", line))
    plain = clean_markup(re.sub(r"^(?:[-*+•]|\d+[.)])\s+", "", line))
    keyed = len(plain) < 200 and any(True for _ in facts(plain))
    return [(s, listed or keyed) for s in ([plain] if keyed else sentences(plain))]


def _span(text: str, unit: str, start: int, line: str) -> tuple[int, int]:
    at = text.find(unit, start, start + len(line))
    return (at, at + len(unit)) if at >= 0 else (start, start + len(line))


def score(
    found: Sequence[Sentence], passages: Sequence[Passage], question: Question, knowledge: Knowledge
) -> list[float]:
    """A score for each sentence; only their order matters."""
    return [total(row) for row in features(found, passages, question, knowledge)]


def total(row: Mapping[str, float]) -> float:
    """The score of one sentence's features."""
    return sum(WEIGHTS[name] * value for name, value in row.items())


def features(
    found: Sequence[Sentence], passages: Sequence[Passage], question: Question, knowledge: Knowledge
) -> list[dict[str, float]]:
    """The named features of each sentence."""
    weight = {t: knowledge.rarity(t, question.language) for t in question.terms}
    share = _share(weight)
    local = _share(_local_rarity(found, question))
    kept = [w for w in words(question.text) if len(w) > 3 and set(analyze(w, question.language)) & set(question.terms)]
    shapes = set().union(*map(_shapes, kept), set())
    asked = {fold(w) for w in words(question.text)}
    per_passage = [_passage_terms(p, found, rank, question) for rank, p in enumerate(passages)]
    rows = []
    for i, sentence in enumerate(found):
        own, passage = set(sentence.terms), passages[sentence.passage]
        titled = own.union(per_passage[sentence.passage][0], sentence.under)
        near = own.union(
            *(found[j].terms for j in (i - 1, i + 1) if 0 <= j < len(found) and found[j].passage == sentence.passage)
        )
        row = {
            "passage": passage.score,
            "covered": share(titled),
            "around": share(near),
            "passage_covered": share(per_passage[sentence.passage][1]),
            "rare": local(own),
            "shapes": _overlap(shapes, sentence.text),
        }
        rows.append(row | _form(sentence, question, asked))
    aligned = knowledge.align(question.aligned, [p.text for p in passages])
    for row, sentence in zip(rows, found, strict=True):
        row["tokens"] = float(aligned[sentence.passage].best(*sentence.span).mean())
    return rows


def _form(sentence: Sentence, question: Question, asked: set[str]) -> dict[str, float]:
    """Features of what a sentence holds, whatever words it shares."""
    raw = words(sentence.text)
    new = [w for w in raw if fold(w) not in asked]
    fresh = " ".join(new)
    names = sum(w[0].isupper() for w in new[1:])
    dated = bool(_DATE.search(fresh))
    return {
        "short": float(len(raw) < 6 and not sentence.line),
        "length": math.log1p(len(raw)) / 4,
        "number": float(question.kind == "number" and bool(_QUANTITY.search(fresh))),
        "date": float(question.kind == "date" and dated),
        "no_date": float(question.kind == "date" and not dated),
        "who": min(names, 5) / 5 * (question.kind == "who"),
        "why": float(question.kind == "why" and bool(_CAUSE.search(sentence.text))),
        "name": float(question.kind in ("who", "where", "other") and names > 0),
        "line": float(sentence.line),
    }


def _share(weight: dict[str, float]) -> Callable[[set[str]], float]:
    total = sum(weight.values()) or 1.0
    return lambda terms: sum(w for t, w in weight.items() if t in terms) / total


def _local_rarity(found: Sequence[Sentence], question: Question) -> dict[str, float]:
    """Rarity among these sentences: a word they all share cannot choose between them."""
    count = len(found)
    return {t: math.log((count + 1) / (sum(t in s.terms for s in found) + 0.5)) for t in question.terms}


def _passage_terms(
    passage: Passage, found: Sequence[Sentence], rank: int, question: Question
) -> tuple[set[str], set[str]]:
    """Terms of a passage's title and headings, and of all of it."""
    title = set(analyze(" ".join([passage.title, *passage.headings]), question.language))
    return title, title.union(*((*s.terms, *s.under) for s in found if s.passage == rank))


def _shapes(word: str) -> set[str]:
    plain = fold(word)
    return {plain[i : i + 4] for i in range(max(1, len(plain) - 3))}


def _overlap(shapes: set[str], text: str) -> float:
    """Share of the question's four-letter runs that a text holds: catches what stems miss."""
    return len(shapes & _all_shapes(text)) / max(1, len(shapes))


@lru_cache(1024)
def _all_shapes(text: str) -> frozenset[str]:
    return frozenset().union(*(_shapes(w) for w in words(text) if len(w) > 3))
