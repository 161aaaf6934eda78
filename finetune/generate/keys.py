"""Which keys of `Key : value` lines are fields that a person asks about, and how keys are compared."""

from __future__ import annotations

import re

from retrieval.facts import facts
from retrieval.text import fold

TECHNICAL = frozenset(
    """title titre name nom id uuid slug layout robots permalink aliases alias weight draft template language lang key hash sha256
    position document source page pages chunk content text image images icon logo""".split()
) | {"redirect from", "document id", "chunk id"}
"""Keys that say something of the file and nothing a person asks."""
_ABOUT = re.compile(r"^(?:mission|description|resume|summary|presentation|purpose|definition|tagline|objet|abstract)$")
# Lines of a how-to and parts of an argument look like fields: "Étape 1 : …", "Exemple : …", "Note: …".
_NO_FIELD = re.compile(
    r"^(?:(?:etape|step|phase|hypothese|figure|tableau|table) ?\d+|etape|step|hypothese|exemple|example|ex|nb|note|remarque|attention|"
    r"warning|important|avant|apres|simple|utile|utilise|utilisable|a noter|a savoir|bon a savoir|rappel|conseil|astuce|info|"
    r"en savoir plus|please note|tip|aujourd hui|today|question|q|r|reponse|answer|a|p s|ps|conclusions?|"
    r"resultats?|consequences?|figure|tableau|table|photo|credits?|copyright|voir aussi|see also|et|ou|and|or|but|mais)$"
)
# "Deux rythmes sont proposés : …" is a sentence that goes on, "There is no master: …" another.
_CLAUSE = re.compile(
    r"\b(?:est|sont|ont|etait|sera|peut|peuvent|doit|faut|permet\w*|il|elle|on|nous|vous|is|are|was|were|has|have|can|must|will|it|we|you|there)\b"
)


def folded(key: str) -> str:
    """A key as it is compared between documents: `Date_de création` is `date de creation`."""
    return " ".join(re.sub(r"[^\w]+", " ", fold(key)).replace("_", " ").split())


def is_field(key: str) -> bool:
    """Whether a folded key is a field that a person may ask about."""
    if not key or key in TECHNICAL or key.isdigit():
        return False
    return not (_ABOUT.match(key) or _NO_FIELD.match(key) or _CLAUSE.search(key))


def keys_of(text: str) -> frozenset[str]:
    """The fields that a text states, folded."""
    return frozenset(key for key in (folded(key) for key, value in facts(text) if value) if is_field(key))
