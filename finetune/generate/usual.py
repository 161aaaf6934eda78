"""What one might ask of a thing of some kind, where documents have no fields to learn it from.

A company has a founder and a headquarters, a procedure an owner and a version; oxygen has neither, and nobody asks for its price.
"""

from __future__ import annotations

import re

from finetune.sources import SourceDocument
from retrieval.text import fold

_OPENING = 500
"""Characters that say of what kind a thing is."""
# The title of a text tells it; else the words its opening has for the thing.
_TEXT = re.compile(
    r"\b(?:procedures?|charte|contrat|compte rendu|guide|reglement|note|notes|faq|foire aux questions|glossaire|lexique|politique|manuel|"
    r"convention|bail|plan|rapport|cahier|tutoriel|checklist|notice|policy|agreement|contract|minutes|meeting|manual|handbook|lease|"
    r"report|glossary|onboarding|checklist|release notes)\b"
)
_KINDS = (
    (
        re.compile(r"\b(?:ne|nee|nait|naquit|mort|morte) (?:le|en|a|vers)\b|\b(?:was born|born (?:on|in)|died (?:on|in))\b"),
        ("birth date", "birthplace", "spouse"),
    ),
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
        re.compile(r"\b(?:ville|commune|pays|ile|fleuve|region|village|city|town|country|river|island|capital|municipality|county)\b"),
        ("population", "superficie", "mayor"),
    ),
)  # fmt: skip
_TEXTS = ("author", "owner", "version", "last updated", "project manager", "reviewer")
FIELDS = ("price", "budget", "owner", "creation date", "vendor")
"""Of a thing of unknown kind that has fields of its own: a machine, an order."""


def usual(document: SourceDocument) -> tuple[str, ...]:
    """Keys of the lexicon that one might ask of this document's thing; none where its kind does not show."""
    if _TEXT.search(_words(document.title)):
        return _TEXTS
    said = f"{_words(document.title)} {_words(document.text[:_OPENING])}"
    return next((keys for kind, keys in _KINDS if kind.search(said)), FIELDS if document.metadata else ())


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", fold(text)).split())
