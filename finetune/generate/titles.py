"""How a document's title stands in a sentence: as it is when it reads as a name, else in quotation marks.

GIDAF               -> GIDAF, de GIDAF, of GIDAF
Acceslibre          -> Acceslibre, d'Acceslibre, of Acceslibre
Le Taxi             -> « Le Taxi », de « Le Taxi », of "Le Taxi"
Gérer les déchets   -> « Gérer les déchets », de « Gérer les déchets »
"""

from __future__ import annotations

import re
from functools import lru_cache

from retrieval.facts import clean_markup
from retrieval.types import Language

LONGEST = 6
"""Words from which on a title is no name."""

_TAG = re.compile(r"<[^<>]{1,300}>")
_DETERMINER = re.compile(
    r"(?:l['’]|d['’]|qu['’])|(?:le|la|les|un|une|des|du|de|au|aux|ce|cet|cette|ces|mon|ma|mes|ton|ta|tes|son|sa|ses|"
    r"notre|nos|votre|vos|leur|leurs|the|a|an|this|these|that|those|my|your|our|their|his|her|its)\s",
    re.IGNORECASE,
)
# A lower-case word within a title makes it a description ("Guerre anglo-zouloue"), unless it only joins names.
_JOINT = frozenset(
    "de du des d la le les l et en à au aux sur of the and for in on at to by von van der den di y & 's".split()
)
_PUNCTUATION = re.compile(r"[,;:!?…|/()\[\]{}<>«»“”\"=*#]|\s[-–—]\s|\.(?:\s|$)")
# Common nouns that need their article: one cannot say "la version de Guide du visiteur".
_COMMON = re.compile(
    r"(?:guide|charte|contrat|procédure|compte|notes?|manuel|politique|rapport|plan|règlement|musée|mairie|ministère|direction|agence|ville|"
    r"commune|région|département|institut|école|université|comité|conseil|fondation|association|centre|maison|banque|bureau|château|lycée|"
    r"collège|hôpital|parc|registre|fichier|observatoire|programme|projet|guerre|bataille|traité|île|mont|lac|palais|glossaire|lexique|liste)s?\s"
    r"(?:de\s|du\s|des\s|d['’])|(?:faq|cr)\s",
    re.IGNORECASE,
)
_VOWELS = frozenset("aeiouàâäéèêëîïôöùûüœæ")
# A vowel that is said as a consonant, or that custom keeps apart: le onze, le oui, le Ouagadougou, le uhlan.
_NO_ELISION = re.compile(r"onz|ou[aeiouïéè]|uhlan|ululement|iod|ya|ye|yi|yo|yu|yé|yè", re.IGNORECASE)
_ELIDED = re.compile(r"ouest|ouïe|ouaille|iod", re.IGNORECASE)
# Common words whose h is mute for sure; a name's h never is.
_MUTE_H = re.compile(
    r"(?:habitant|habitation|hébergement|hébergeur|hectare|hélicoptère|herbe|hériti|heure|histoire|hiver|hommage|homme|"
    r"honneur|honoraire|hôpital|hôpitaux|horaire|horloge|hôte|huile|huître|humain|hypothèse)"
)


def plain(title: str) -> str:
    """A title without markup, on one line; `Super_Bowl_50` reads `Super Bowl 50`."""
    text = " ".join(clean_markup(_TAG.sub("", title)).split())
    return text.replace("_", " ").strip() if " " not in text and text[:1].isupper() else text


def is_name(title: str) -> bool:
    """Whether a title reads as a name within a sentence: short, no article nor need of one, no punctuation, no lower-case words."""
    parts = title.split()
    if not 0 < len(parts) <= LONGEST or _DETERMINER.match(title) or _COMMON.match(title) or _PUNCTUATION.search(title):
        return False
    if not any(c.isalpha() for c in title):
        return False
    return len(parts) == 1 or (not parts[0][0].islower() and all(_capital(part) for part in parts[1:]))


@lru_cache(maxsize=4096)
def named(title: str, language: Language) -> str:
    """A title as it stands in a sentence of that language."""
    text = plain(title)
    if is_name(text):
        return text
    return quoted(text, language)


def quoted(text: str, language: Language) -> str:
    """A phrase in quotation marks; its own become inner ones: `« le mot “x” »`, `"the word 'x'"`."""
    if language == "fr":
        inner = re.sub(r"«\s*|“", "“", re.sub(r"\s*»|”", "”", text))
        return f"« {inner} »"
    return '"' + re.sub(r"[“”\"]|«\s*|\s*»", "'", text) + '"'


@lru_cache(maxsize=4096)
def of(title: str, language: Language) -> str:
    """`de GIDAF`, `d'Acceslibre`, `de « Le Taxi »`; `of GIDAF`."""
    return elide("de", named(title, language)) if language == "fr" else f"of {named(title, language)}"


def to(title: str, language: Language) -> str:
    """`à GIDAF`, `à « Le Taxi »`; `to GIDAF`. A name has no article, so nothing is contracted."""
    return f"{'à' if language == 'fr' else 'to'} {named(title, language)}"


def page(title: str, language: Language) -> str:
    """`d'après la page « GIDAF »`, `according to the page "GIDAF"`: says where an answer stands."""
    said = quoted(plain(title), language)
    return f"d'après la page {said}" if language == "fr" else f"according to the page {said}"


def elide(word: str, phrase: str) -> str:
    """`de`, `que` before a phrase, as French writes it: `d'Acceslibre`, `qu'une API`, `de Onze`, `de H2`."""
    return f"{word[:-1]}'{phrase}" if _begins_with_vowel(phrase) else f"{word} {phrase}"


def _begins_with_vowel(phrase: str) -> bool:
    # A capital read as a letter begins with a vowel sound where the letter is a vowel (d'API); other letters, digits
    # and h are uncertain and keep `de`.
    if phrase[:1].lower() == "y":
        return len(phrase) > 1 and phrase[1].isalpha() and phrase[1].lower() not in "aeiouéèy" and phrase[1].islower()
    if phrase[:1] == "h":
        return _MUTE_H.match(phrase) is not None
    if phrase[:1].lower() not in _VOWELS or not phrase:
        return False
    return bool(_ELIDED.match(phrase)) or not _NO_ELISION.match(phrase)


def _capital(part: str) -> bool:
    """Whether a word within a name begins with a capital or a digit, or only joins: `de`, `d'Union`, but not `d'identité`."""
    joint, apostrophe, rest = part.replace("’", "'").partition("'")
    if apostrophe and rest and joint.lower() in _JOINT:
        return not rest[0].islower()
    return not part[0].islower() or part in _JOINT
