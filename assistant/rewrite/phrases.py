"""Phrases of a question: runs of words that say something, and the one that the question is about."""

from __future__ import annotations

import re

from assistant.rewrite.words import ADJECTIVES, DETERMINERS, FORM, JOINTS, VERBS, Word, is_form, plain, split
from retrieval.types import Language

_RELATION = re.compile(
    r"^(?:(?:the|les?|la|l'|a|an|une?|des) ?)?(?:\w+ )?(?:\w+ (?:and|or|et|ou) )?(?:differen\w+|meanings?|types?|causes?|names?|"
    r"number|kinds?|parts?|roles?|purpose|definition|importance|advantages?|disadvantages?|benefits?|steps?|shapes?|size|history|"
    r"examples?|list|ways?|process|distance|age|population|cost|price|origins?|title|signification|noms?|nombre|but|avantages?|"
    r"inconvenients?|etapes?|taille|histoire|exemples?|liste|facons?|manieres?|processus|prix|cout|origine|titre|auteur|date|"
    r"annee|licence|license|port|version|categor\w+|rise|fall|end|fin|debut|beginning|capital\w*|objectif)\s+"
    r"(?:of|between|de|du|des|d'|entre|for)\s*"
)
"""The head of "the meaning of X", which is asked about X."""
PHRASE_WORDS = 9
"""Words of a phrase that stands for the matter of a question without names."""


def phrase(text: str, language: Language) -> str:
    """What a question without names is about: its longest run of content words with what joins them."""
    best: list[Word] = []
    weight = 0.0
    for run in runs(text, language):
        matter = sum(not is_form(w, language) for w in run)
        score = min(matter, 4) + (run[0].key in DETERMINERS[language]) / 2
        if matter and score > weight:
            best, weight = run, score
    if not best:
        return ""
    said = text[best[0].start : best[-1].end]
    head = _RELATION.match(plain(said))
    return said[head.end() :] if head and head.end() < len(said) else said


def runs(text: str, language: Language) -> list[list[Word]]:
    """The phrases of a text, each without the form words and verbs around it."""
    found: list[list[Word]] = [[]]
    before: Word | None = None
    for word in split(text):
        ends = word.key in FORM[language] or word.key in VERBS[language] or word.key in ADJECTIVES
        form = ends or _participle(word, found[-1], language)
        broken = before is not None and re.search(r"[^\s'’\"«»“”-]", text[before.end : word.start]) is not None
        if form or broken or len(found[-1]) >= PHRASE_WORDS:
            found.append([])
        if not form:
            found[-1].append(word)
        before = word
    return [r for r in (_trimmed(run, language) for run in found) if r]


def _participle(word: Word, run: list[Word], language: Language) -> bool:
    """The "invented" behind "the cotton gin"."""
    ends = language == "en" and len(word.key) > 4 and word.key.endswith("ed")
    return ends and any(not is_form(w, language) for w in run)


def _trimmed(run: list[Word], language: Language) -> list[Word]:
    """The run without joints at its ends."""
    loose = JOINTS[language]
    while run and run[0].key in loose:
        run = run[1:]
    while run and (run[-1].key in loose or run[-1].key in DETERMINERS[language]):
        run = run[:-1]
    return run
