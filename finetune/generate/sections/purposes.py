"""What a thing is, or is for, from a field that says so in a few words or from the line under its title."""

from __future__ import annotations

import re
from collections.abc import Iterator

from finetune.examples import Asked
from finetune.generate.prose import french
from finetune.generate.prose.english_words import THINGS as ENGLISH_THINGS
from finetune.generate.prose.french_words import THINGS as FRENCH_THINGS
from finetune.generate.titles import elide, is_name, named, of, plain
from finetune.sources import SourceChunk, SourceDocument
from retrieval.facts import clean_markup
from retrieval.text import fold

FIELDS = frozenset("mission description summary resume objectif purpose abstract accroche baseline".split())
"""Fields, folded, that say what a thing is for."""

_FIRST_LINE = re.compile(r"# .+\n+([^\n#|>*-][^\n]{10,250})(?:\n\n|$)")
_PERSONAL = re.compile(
    r"\b(?:nous|notre|nos|vous|votre|vos|je|j'|j’|mon|ma|mes|we|our|us|you|your|my|I)\b", re.IGNORECASE
)
_UNUSABLE = re.compile(r"[.!?:…] |[?!:…]$|[*_<>|\[\]]|https?:")
_INFINITIVE = re.compile(r"[A-ZÀ-Þ][a-zà-ÿ]{2,}(?:er|ir|re|oir)")
_NOUNS = frozenset(
    "Quartier Atelier Premier Dernier Dossier Fichier Papier Cahier Métier Chantier Courrier Calendrier Avenir Plaisir "
    "Loisir Livre Centre Registre Cadre Titre Entre Contre Votre Notre Autre Outre Lettre Offre Chambre Ministère".split()
)
"""Words that end like an infinitive."""


def purposes(document: SourceDocument) -> Iterator[tuple[SourceChunk, Asked]]:
    """`À quoi sert GIDAF ?`, `Qu'est-ce que GIDAF ?`, with the chunk that has the words."""
    values = [str(v) for k, v in document.metadata.items() if fold(k) in FIELDS and isinstance(v, str)]
    first = _FIRST_LINE.match(document.chunks[0].text) if document.chunks else None
    values += [first[1].strip()] if first else []
    for value in dict.fromkeys(filter(None, values)):
        chunk = next((c for c in document.chunks if value in c.text), None)
        if chunk is not None:
            for asked in _asked(document, value):
                yield chunk, asked


def _asked(document: SourceDocument, value: str) -> Iterator[Asked]:
    text = " ".join(clean_markup(value).split()).rstrip(". ")
    if not is_name(plain(document.title)) or not len(text.split()) >= 3 or len(text) > 250:
        return
    if _PERSONAL.search(text) or _UNUSABLE.search(text):
        return
    first = text.split(" ")[0]
    small = first.lower() + text[len(first) :]
    if document.language == "fr" and _INFINITIVE.fullmatch(first) and first not in _NOUNS:
        yield from _purpose(document, small, value)
    elif _is_thing(document, small):
        yield from _definition(document, small, value)


def _purpose(document: SourceDocument, small: str, value: str) -> Iterator[Asked]:
    name, ofit = named(document.title, "fr"), of(document.title, "fr")
    pairs = (
        (f"À quoi sert {name} ?", f"{name} sert à {small}."),
        (f"Quelle est la mission {ofit} ?", f"{name} a pour mission {elide('de', small)}."),
        (f"Quel est le but {ofit} ?", f"Le but {ofit} est {elide('de', small)}."),
    )
    fact = f"{document.key}: mission"
    for n, (question, answer) in enumerate(pairs, 1):
        yield Asked(question, answer, "definition", f"sections.purpose.{n}", (small,), value, fact)


def _definition(document: SourceDocument, small: str, value: str) -> Iterator[Asked]:
    name, french = named(document.title, document.language), document.language == "fr"
    asks = [f"Qu'est-ce {elide('que', name)} ?", f"Comment définir {name} ?"] if french else [f"What is {name}?"]
    answer = f"{name} {'est' if french else 'is'} {small}."
    for n, question in enumerate(asks, 1):
        yield Asked(question, answer, "definition", f"sections.what.{n}", (small,), value, f"{document.key}: is")


def _is_thing(document: SourceDocument, small: str) -> bool:
    """Whether the words begin with an article and a noun that says what sort of thing it is: no slogan."""
    if document.language == "en":
        match = re.match(r"(?:an?|the) ((?:[a-z-]+ ){0,4}?)([a-z-]+)\b", small)
        return match is not None and any(w in ENGLISH_THINGS for w in f"{match[1]}{match[2]} {small}".split()[:6])
    match = re.match(r"(?:le|la|un|une) ([\w-]+)|l['’]([\w-]+)", small)
    return match is not None and (match[1] or match[2]) in FRENCH_THINGS and french.single(small)
