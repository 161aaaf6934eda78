"""List questions: gather every document of the library whose fields say what is asked.

Liste les applications hébergées par SI-RAPP  ->  every sheet with `Hébergeur : SI-RAPP`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.generators.base import Knowledge
from assistant.generators.extractive.concepts import named
from assistant.generators.question import Question
from retrieval.lexical import analyze
from retrieval.text import fold
from retrieval.types import Fact

MOST = 50
"""Items listed; the rest is counted."""


def gather(question: Question, knowledge: Knowledge) -> list[Fact]:
    """One fact for each document that fits, by title; empty when no field says what is asked."""
    keys = knowledge.fact_keys()
    asked = [key for key, _ in keys if _fits(question, key)]
    found = [f for f in knowledge.facts_with_keys(asked) if _says(question, f)]
    if not found:
        # No field was named ("quelles applications utilisent PostgreSQL"): any usual field with that value.
        usual = [key for key, count in keys if count > 1 or named(key)]
        found = [f for f in knowledge.facts_with_keys(usual) if _says(question, f, shortest=2)]
    best: dict[int, Fact] = {}
    for fact in found:
        best.setdefault(fact.document_id, fact)
    return sorted(best.values(), key=lambda f: fold(f.title))


def _fits(question: Question, key: str) -> bool:
    if named(key) & question.concepts.keys():
        return True
    terms = analyze(key.replace("_", " "), question.language)
    return bool(terms) and all(t in question.terms for t in terms)


def _says(question: Question, fact: Fact, shortest: int = 1) -> bool:
    """Whether one of the value's elements, of at least so many letters, is what the question names, word for word."""
    asked = _tokens(question.text)
    key = set(_tokens(fact.key.replace("_", " ")))
    for element in _elements(fact.value):
        own = [t for t in _tokens(element) if t not in key and not t.startswith("licen")]
        if len("".join(own)) >= shortest and _contains(asked, own):
            return True
    return False


def _elements(value: str) -> Iterator[str]:
    """The value, its elements, and each without what follows in brackets, after a version number or a "for"."""
    for part in [value, *re.split(r"\s*(?:[,;/]|\bet\b|\band\b|\bou\b|\bor\b)\s*", value)]:
        yield part
        bare = re.sub(r"\(.*?\)|\b(?:version|v)?\s?\d+(?:\.\d+)*\b.*$", " ", part).strip()
        bare = re.split(r"\s+(?:pour|for)\s", bare)[0]
        if bare and bare != part:
            yield bare
        yield from re.findall(r"\(([^)]+)\)", part)


def _tokens(text: str) -> list[str]:
    return [fold(w) for w in re.findall(r"[^\W_]+(?:\+\+|#)?", text.replace("-", " "))]


def _contains(tokens: list[str], run: list[str]) -> bool:
    """Whether `run` occurs in `tokens` in order and without a gap; plurals and accents do not matter."""
    n = len(run)
    return any(
        all(_alike(a, b) for a, b in zip(tokens[i : i + n], run, strict=True)) for i in range(len(tokens) - n + 1)
    )


def _alike(a: str, b: str) -> bool:
    return a == b or (len(a) > 3 and len(b) > 3 and (a.rstrip("s") == b.rstrip("s")))
