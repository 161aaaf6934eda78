"""Answers from `Key : value` statements: the fact a question names, and the definition a sheet opens with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.generators.base import Knowledge, Request
from assistant.generators.extractive.concepts import named
from assistant.generators.question import Question, names_title
from retrieval.facts import facts, is_row
from retrieval.lexical import analyze
from retrieval.text import fold, sentences, words
from retrieval.types import Fact

DOCUMENTS = 3
"""Documents whose facts are considered."""
ENOUGH = 0.6
"""Match from which a fact is the answer."""


_KIND_OF = re.compile(r"(?:mission|description|resume|summary|presentation|purpose|definition|tagline)$")
# "before Perl", "les anciens noms": the current value of a field is not what is asked.
_ELSEWHERE = re.compile(
    r"\b(?:avant|auparavant|autrefois|a l origine|jusqu\w*|anciens?|anciennement|autres?|sauf|before|previous\w*|former\w*|"
    r"originally|until|other|besides|except|first (?:called|named|programmed|written))\b"
)


@dataclass(frozen=True)
class Match:
    """A fact with how well its key fits the question, 0 to 1."""

    fact: Fact
    score: float


def best_facts(request: Request, question: Question, knowledge: Knowledge) -> list[Match]:
    """The facts that answer, best first; of one document, and of one key unless keys match equally."""
    ranked = [m for m in _matches(request, question, knowledge) if m.score >= ENOUGH]
    if not ranked:
        return []
    top = max(ranked, key=lambda m: m.score)
    return [m for m in ranked if m.fact.document_id == top.fact.document_id and m.score > top.score - 0.02][:3]


def _matches(request: Request, question: Question, knowledge: Knowledge) -> list[Match]:
    order = list(dict.fromkeys(p.document_id for p in request.passages))
    titles = {p.document_id: p.title for p in request.passages}
    named_ids = [i for i in order[:10] if _is_named(request, i, titles[i])]
    # A question that names a document is answered from it, not from its neighbours.
    ids = (sorted(named_ids, key=lambda i: -len(words(titles[i]))) or order)[:DOCUMENTS]
    rank = {document_id: n for n, document_id in enumerate(ids)}
    made = []
    for fact in knowledge.facts_of(ids):
        if _already_said(question, fact.value):
            continue
        score = key_match(question, fact.key, fact.title) * (1 - 0.12 * rank[fact.document_id])
        if not named_ids:
            score *= 0.8
        made.append(Match(fact, score))
    return sorted(made, key=lambda m: (-m.score, rank[m.fact.document_id]))


def _already_said(question: Question, value: str) -> bool:
    """Whether the question itself holds the value: then it asks for something else."""
    asked = {fold(w) for w in words(question.text)}
    said = [fold(w) for w in words(value)]
    return bool(said) and all(w in asked for w in said)


def key_match(question: Question, key: str, title: str) -> float:
    """How well a key is what the question asks for: the product of how much of each the other covers."""
    residue = question.residue(title)
    terms = [
        t for t in analyze(key.replace("_", " "), question.language) if t not in set(analyze(title, question.language))
    ]
    if not residue or not terms:
        return 0.0
    shared = named(key) & question.concepts.keys()
    said = {t for c in shared for w in question.concepts[c] for t in analyze(w, question.language)}
    covered_key = [max(_same(k, r) for r in residue) for k in terms]
    precision = sum(covered_key) / len(covered_key)
    if shared:
        precision = max(precision, 0.85 + 0.15 * precision)
    # The first word asked for ("quelle licence", "which port") weighs double.
    weights = [2.0 if i == 0 else 1.0 for i in range(len(residue))]
    covered = [max([_same(r, k) for k in terms] + [0.9 * (r in said)]) for r in residue]
    recall = sum(w * c for w, c in zip(weights, covered, strict=True)) / sum(weights)
    return (
        precision * recall * (0.5 if _ELSEWHERE.search(fold(question.text)) and not _ELSEWHERE.search(fold(key)) else 1)
    )


def _same(a: str, b: str) -> float:
    """1 for one term, .9 for two of one family (incub-e, incub-ateur), else 0."""
    if a == b:
        return 1.0
    shorter = min(len(a), len(b))
    common = next((i for i in range(shorter) if a[i] != b[i]), shorter)
    return 0.9 if common >= 5 and common >= 0.7 * shorter else 0.0


def _is_named(request: Request, document_id: int, title: str) -> bool:
    return document_id in request.named or names_title(request.question, title)


def definition(request: Request, question: Question, knowledge: Knowledge) -> tuple[int, str] | None:
    """(chunk id, text) of what the named document says it is: its mission field, or the first prose of its beginning."""
    named_one = next((p for p in request.passages[:10] if _is_named(request, p.document_id, p.title)), None)
    if named_one is None or any(t not in _mission_terms(question) for t in question.residue(named_one.title)):
        return None
    opening = knowledge.opening(named_one.document_id) or [(named_one.chunk_id, named_one.text)]
    # Only what a sheet opens with: an "Objectif :" further down is a target, not what the thing is.
    stated = [f for f in knowledge.facts_of([named_one.document_id]) if f.chunk_id == opening[0][0]]
    missions = [(f.chunk_id, f.value) for f in stated if _KIND_OF.match(fold(f.key))]
    prose = [(chunk_id, first_prose(text, request.max_words)) for chunk_id, text in opening]
    return next((found for found in [*missions, *prose] if found[1]), None)


def _mission_terms(question: Question) -> set[str]:
    said = question.concepts.get("mission", set())
    return {t for w in said for t in analyze(w, question.language)}


def first_prose(text: str, max_words: int) -> str:
    """The first paragraph of prose, whole sentences up to `max_words` words."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in paragraph.split("\n")]
        lines = [x for x in lines if x and not x.startswith(("#", "|", "```", "<!--", "- ", "* ")) and not is_row(x)]
        lines = [x for x in lines if not any(True for _ in facts(x))]
        plain = " ".join(lines).strip()
        if len(words(plain)) < 2:
            continue
        chosen: list[str] = []
        for sentence in sentences(plain):
            if chosen and len(" ".join([*chosen, sentence]).split()) > max_words:
                break
            chosen.append(sentence)
            if len(" ".join(chosen).split()) >= 25:
                break
        return " ".join(" ".join(chosen).split()[:max_words])
    return ""
