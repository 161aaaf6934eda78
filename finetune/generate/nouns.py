"""How a field is named in a sentence: `la licence`, `the license`, or `« usertypes »` when it is no word one can decline.

A French noun needs its gender. The lexicon has the common fields; for others the ending of the first word tells, where it
seldom lies (-tion, -té, -ment, -age…). A field with neither stands in quotation marks, which is never wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from finetune.generate.lexicon import Gender, lexicon
from retrieval.facts import clean_markup
from retrieval.text import fold
from retrieval.types import Language

LONGEST = 5
"""Words from which on a field's name is a sentence of its own and stands in quotation marks."""

_FEMININE = re.compile(r"(?:[st]ion|té|ure|ance|ence|ette|ique|esse|ude|ise|ade|aille)$")
_MASCULINE = re.compile(r"(?:ment|age|isme|oir|ier|eau|iste|teur|ème|al|il|in|on|at|et|ut)$")
# Words with a tell-tale ending of the other gender; and `image`, `plage` and their like.
_EXCEPT = re.compile(
    r"(?:image|page|plage|cage|nage|rage|côté|comité|traité|été|pâté|arrêté|député|musée|silence|mercure|murmure|graphique|"
    r"historique|diagnostique|périphérique|moustique|fin|main|fois|dimension|version|interaction|aviation|dent|forêt|clef|"
    r"leçon|façon|rançon|boisson|chanson|maison|saison|raison|liaison|prison|livraison|comparaison|combinaison|terminaison|nuit|"
    r"mort|part|plupart|cour|tour|fleur|valeur|couleur|longueur|hauteur|largeur|profondeur|peur|erreur|faveur|chaleur|vue|eau|peau)$"
)
_FEMININE_EXCEPTIONS = frozenset(
    "image page plage cage nage rage main fin fois dent forêt leçon façon rançon boisson chanson maison saison raison liaison "
    "prison livraison comparaison combinaison terminaison nuit mort part cour tour fleur valeur couleur longueur hauteur "
    "largeur profondeur peur erreur faveur chaleur vue eau peau dimension version interaction aviation".split()
)
_HEADS: dict[str, Gender] = {
    **dict.fromkeys("nombre numéro nom titre niveau taux code mode lot objet axe public délai lieu secteur domaine pays".split(), "m"),
    **dict.fromkeys("date zone liste équipe adresse base ville personne langue taille forme".split(), "f"),
}  # fmt: skip
"""Words that head many fields and whose ending does not tell."""
_PARTICIPLE = re.compile(r"(?:é|i|u|is|it)e?s?$")
_AFTER_PARTICIPLE = frozenset("à au aux par pour en le depuis dans sur".split())
_FRENCH_WORDS = frozenset("de du des d la le les l en à au aux par pour sur sous avec et".split())


@dataclass(frozen=True)
class Noun:
    """A field's name as it stands in sentences of one language."""

    key: str
    """As the document writes it."""
    word: str
    """`licence`, `programming language`; empty for a field that is quoted."""
    plural: str = ""
    gender: Gender = ""
    concept: str = ""
    """`licence`, `host`, `when`…; empty for what the lexicon does not know."""

    @property
    def quoted(self) -> bool:
        return not self.word


@lru_cache(maxsize=4096)
def noun(key: str, language: Language) -> Noun:
    """The name of a field in a language."""
    shown = spoken(key)
    entry = lexicon().get(fold(shown).replace("'", " ").replace("’", " ").replace("-", " "))
    if entry and language == "fr":
        return Noun(key, entry.french, entry.french_plural, entry.gender, entry.concept)
    if entry:
        return Noun(key, entry.english, entry.english_plural, "", entry.concept)
    if language == "fr":
        gender = gender_of(shown)
        return Noun(key, shown, "", gender) if gender else Noun(key, "")
    return Noun(key, shown) if _is_english(shown) else Noun(key, "")


@lru_cache(maxsize=4096)
def spoken(key: str) -> str:
    """A key as words: `accessibility_status` and `accessibilityStatus` are `accessibility status`."""
    text = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", clean_markup(key)) if " " not in key else clean_markup(key)
    text = " ".join(re.sub(r"[_\s]+", " ", text).split())
    first, _, rest = text.partition(" ")
    return text if _is_code(first) else f"{first[:1].lower()}{first[1:]}{' ' if rest else ''}{rest}"


def gender_of(phrase: str) -> Gender:
    """Gender of a French noun phrase by the ending of its first word; empty when that does not tell, or it is plural."""
    head, *rest = phrase.split()[:LONGEST] or [""]
    if len(phrase.split()) > LONGEST or not re.fullmatch(r"[a-zà-ÿ'’-]+", head) or not _reads_french(head, rest):
        return ""
    if head in _HEADS:
        return _HEADS[head]
    if _EXCEPT.search(head):
        return "f" if head in _FEMININE_EXCEPTIONS else ""
    if _FEMININE.search(head):
        return "f"
    return "m" if _MASCULINE.search(head) else ""


def _reads_french(head: str, rest: list[str]) -> bool:
    """Whether the rest is a complement in French: `date de mise en service`, `montant total`; not `affecté à`, `validé par`."""
    if rest and (rest[-1] in _FRENCH_WORDS or (_PARTICIPLE.search(head) and rest[0] in _AFTER_PARTICIPLE)):
        return False
    if any(not re.fullmatch(r"[a-zà-ÿ'’-]+", word) for word in rest) or len(head) < 4:
        return False
    accented = any(c in "éèêàçùîôû" for c in f"{head}{''.join(rest)}")
    return accented or (bool(rest) and rest[0].split("'")[0].split("’")[0] in _FRENCH_WORDS)


def _is_english(phrase: str) -> bool:
    """Whether an unknown key can follow `the`: a few plain lower-case words or codes, no verb form at its start."""
    words = phrase.split()
    plain = all(re.fullmatch(r"[a-z][a-z-]*|[A-Z0-9]{2,8}", word) for word in words)
    told = re.match(
        r"(?:is|are|has|have|can|uses?|there|no|not|for|with|in|on|at|to|by|how|what|when|if|it|we|you)\b", phrase
    )
    joined = any(
        word in ("by", "over", "with", "for", "to", "in", "on", "at", "from", "before", "after", "under")
        for word in words
    )
    ends = joined or (words and re.search(r"(?:ed|ing|ly|s)$", words[-1]))
    return bool(words) and len(words) <= 3 and plain and not told and not ends


def _is_code(word: str) -> bool:
    return len(word) > 1 and (word.isupper() or any(c.isdigit() for c in word) or any(c.isupper() for c in word[1:]))
