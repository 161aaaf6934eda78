"""Types of questions as a teacher names them, and as we do."""

from __future__ import annotations

from collections.abc import Mapping

from finetune.examples import Type
from retrieval.text import fold, words

ASKED: tuple[Type, ...] = (
    "which", "who", "when", "where", "how-many", "items", "yes-no", "comparison", "definition", "procedure", "refusal",
)  # fmt: skip
"""Types that one chunk can give; the others need several documents, or headings."""

_OTHER_NAMES: Mapping[Type, str] = {
    "which": "what|quel|quelle|quoi|factual|fact|factuelle|factuel|factoid|attribute|value|entity",
    "who": "qui|person|personne",
    "when": "quand|date|time",
    "where": "ou|location|place|lieu",
    "how-many": "how much|howmany|combien|number|count|quantity|nombre|numeric",
    "items": "item|list|liste|lists|enumeration",
    "yes-no": "oui non|boolean|bool|yesno|true false|vrai faux|closed",
    "comparison": "compare|comparaison|comparative|difference|contrast",
    "definition": "define|description|descriptive|meaning|what is",
    "procedure": "how|how to|howto|comment|procedural|steps|process|methode|explanation|why|pourquoi|cause|reason",
    "refusal": "unanswerable|no answer|near miss|refus|not answerable|sans reponse",
}


def kind_of(said: str) -> Type | None:
    """The type that a teacher means by a word; None for one that nobody knows."""
    return _NAMES.get(_plain(said))


def _plain(said: str) -> str:
    return " ".join(words(fold(said)))


_NAMES = {name: kind for kind in ASKED for name in (_plain(kind), *_OTHER_NAMES[kind].split("|"))}
