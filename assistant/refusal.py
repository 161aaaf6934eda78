"""Whether the documents hold an answer: a calibrated chance, decided before anything is generated.

A logistic model over what the search and the passages show. Its weights are fitted on questions that the demo catalogue
answers and questions that it cannot, by `benchmarks/calibrate.py`, which reports precision and recall of the refusals.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

from assistant.generators.base import Knowledge, Request
from assistant.generators.extractive import keyed, listing, sentences
from assistant.generators.question import Question, read
from retrieval.citations import normalise
from retrieval.text import fold, words
from retrieval.types import Language, Passage

CALIBRATION = Path(__file__).with_name("calibration.json")
NEVER_SEEN = "\x00"
"""A term of no document: its rarity is that of an unknown word."""
NEAREST = 3
"""Passages of which one has to answer to the whole question."""
DOUBTFUL_FACT = 0.6
"""Match of a field under which it says nothing for an answer: unanswerable questions reach it too."""

_REFUSAL: dict[Language, str] = {
    "fr": "Je ne trouve pas la réponse dans les documents. Les plus proches : {nearest}.",
    "en": "I can't find the answer in the documents. The nearest are: {nearest}.",
}
_EMPTY: dict[Language, str] = {
    "fr": "Je ne trouve rien à ce sujet dans les documents.",
    "en": "I find nothing about this in the documents.",
}


@cache
def calibration() -> dict[str, float]:
    """Weights by feature name, `bias`, and by language the chance under which to refuse, `threshold_fr` and `_en`."""
    weights: dict[str, float] = json.loads(CALIBRATION.read_text())
    return weights


def confidence(request: Request, knowledge: Knowledge) -> float:
    """Chance (0 to 1) that the passages hold the answer."""
    if not request.passages:
        return 0.0
    weights = calibration()
    z = weights["bias"] + sum(weights[name] * value for name, value in signals(request, knowledge).items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


def signals(request: Request, knowledge: Knowledge) -> dict[str, float]:
    """The named inputs of the model, about 0 to 1 each."""
    question = read(request.question, request.language)
    passages, about = sentences.scope(request, question)
    found = sentences.split(passages, about)
    rows = sentences.features(found, passages, about, knowledge)
    top = max(range(len(rows)), key=lambda i: sentences.total(rows[i]), default=0)
    cosines = sorted((p.dense for p in request.passages), reverse=True)
    aligned = knowledge.align(request.question, [p.text for p in passages])
    read_best = max((a.best() for a in aligned[:NEAREST]), key=lambda best: float(best.mean()))
    return {
        "tokens": float(read_best.mean()),
        "weakest": float(read_best.min()),
        "sentence": max((float(aligned[s.passage].best(*s.span).mean()) for s in found), default=0.0),
        "gap": cosines[0] - cosines[min(4, len(cosines) - 1)],
        "around": rows[top]["around"] if rows else 0.0,
        "covered": max((row["passage_covered"] for row in rows), default=0.0),
        "unknown": unknown(question, knowledge),
        "names": _names_found(question.names, request.passages),
        "fact": _fact(request, question, knowledge),
        "listed": float(question.kind == "list" and bool(listing.gather(question, knowledge))),
    }


def _fact(request: Request, question: Question, knowledge: Knowledge) -> float:
    """How surely a field answers: 0 for none or a doubtful one, 1 for a definition or a key named in full."""
    if question.kind == "definition" and keyed.definition(request, question, knowledge):
        return 1.0
    best = max((m.score for m in keyed.best_facts(request, question, knowledge)), default=0.0)
    return max(0.0, best - DOUBTFUL_FACT) / (1 - DOUBTFUL_FACT)


def unknown(question: Question, knowledge: Knowledge) -> float:
    """Share (0 to 1) of the question's content words that the whole library does not know."""
    rarest = max((knowledge.rarity(NEVER_SEEN, question.language), 1e-9))
    return sum(knowledge.rarity(t, question.language) >= rarest for t in question.terms) / max(1, len(question.terms))


def _names_found(names: frozenset[str], passages: tuple[Passage, ...]) -> float:
    """Share of the question's names and codes that the best passage holds with its title."""
    if not names:
        return 1.0
    best = 0.0
    for passage in passages[:3]:
        have = {fold(w) for w in words(" ".join([passage.title, *passage.headings, passage.text]))}
        best = max(best, len(names & have) / len(names))
    return best


def refusal(passages: tuple[Passage, ...], language: Language) -> str:
    """The refusal, naming the three nearest documents."""
    nearest = {p.document_id: p for p in reversed(passages)}
    ordered = [p for p in passages if nearest.get(p.document_id) is p][:3]
    if not ordered:
        return _EMPTY[language]
    return _REFUSAL[language].format(
        # A title cites nothing, whatever it says.
        nearest=" ; ".join(f"{normalise(p.title or p.document, {})[0]} [chunk_{p.chunk_id}]" for p in ordered)
    )
