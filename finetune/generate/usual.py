"""What one might ask of a thing of some kind, where documents have no fields to learn it from.

A company has a founder and a headquarters, a procedure an owner and a version; oxygen has neither, and nobody asks for its price.
"""

from __future__ import annotations

import re

from finetune.sources import SourceDocument
from retrieval.text import fold

_OPENING = 2000
"""Characters in which a text says what its thing is."""
_IS = r"(?:is|was|are|est|etait|sont) (?:the |an? |une? |l |la |le |les |des )(?:\w+ ){0,5}?"
"""`Albi est une petite ville`: the kind is what a thing is said to be, or its title's first word."""
# The title of a text tells it; else the words its opening has for the thing.
_TEXT = re.compile(
    r"(?:procedures?|charte|contrat|compte rendu|guide|reglement|notes?|faq|foire aux questions|glossaire|lexique|politique|manuel|"
    r"convention|bail|plan|rapport|cahier|tutoriel|checklist|notice|minutes)\b|"
    r"(?:\w+ ){0,4}(?:policy|agreement|contract|minutes|meeting|manual|handbook|lease|report|glossary|onboarding|checklist|faq|notes)$"
)
_KINDS = (
    (
        re.compile(
            r"\b(?:logiciel|application|plateforme|outil|site web|service numerique|startup|api|software|platform|tool|web application|"
            r"library|framework|serveur|server|database|programme informatique)\b"
        ),
        ("licence", "price", "budget", "owner", "vendor", "creation date", "version", "project manager"),
    ),
    (
        re.compile(
            r"\b(?:entreprise|societe|association|organisme|organisation|agence|fondation|universite|ecole|musee|parti|club|company|"
            r"organization|foundation|university|school|museum|agency|corporation|party)\b"
        ),
        ("founder", "headquarters", "budget", "creation date", "headcount", "address", "directeur"),
    ),
    (
        re.compile(r"\b(?:ville|commune|village|city|town|municipality)\b"),
        ("population", "superficie", "mayor"),
    ),
    (re.compile(r"\b(?:pays|ile|region|country|island|county)\b"), ("population", "superficie")),
)  # fmt: skip
_LIVED = re.compile(
    r"\b(?:ne|nee|nait|naquit|mort|morte) (?:le|en|a|vers)\b|\b(?:(?:was|is|were) born|born (?:on|in)|died (?:on|in))\b"
)
_NAME = "¤"
_SAID = tuple(re.compile(rf"{_NAME} (?:\w+ ){{0,3}}?{_IS}(?:{kind.pattern})") for kind, _ in _KINDS)
_SAID_LIVED = re.compile(rf"{_NAME} (?:\w+ ){{0,6}}?(?:{_LIVED.pattern})")
_PERSON = ("birth date", "birthplace", "spouse")
_TEXTS = ("author", "owner", "version", "last updated", "project manager", "reviewer")
FIELDS = ("price", "budget", "owner", "creation date", "vendor")
"""Of a thing of unknown kind that has fields of its own: a machine, an order."""


def usual(document: SourceDocument) -> tuple[str, ...]:
    """Keys of the lexicon that one might ask of this document's thing; none where its kind does not show."""
    title = _words(re.sub(r"\(.*?\)|[.!?]", "", document.title))
    if _TEXT.match(title):
        return _TEXTS
    said = f" {_words(document.text[:_OPENING])} "
    # The name is marked, not searched for: a pattern for each document would cost more than everything else here.
    for name in (title, *title.split()[-1:]):
        said = said.replace(f" {name} ", f" {_NAME} ") if len(name) > 3 else said
    for (kind, keys), is_one in zip(_KINDS, _SAID, strict=True):
        if kind.match(title) or is_one.search(said):
            return keys
    return _PERSON if _SAID_LIVED.search(said) else ()


def _words(text: str) -> str:
    """Folded words; what ends a sentence is kept as a word."""
    return " ".join(re.sub(r"[^a-z0-9.]+", " ", re.sub(r"[.!?\n]+", " . ", fold(text)).replace("'", " ")).split())
