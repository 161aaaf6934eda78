"""Near misses: questions that sound answerable and are not, whose right answer is the refusal.

A field that documents of its kind have and this one does not state, in any of the words that might name it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache

from finetune.examples import Asked
from finetune.generate.ask import Turn, fact, forms
from finetune.generate.catalogue import Catalogue
from finetune.generate.faq import is_question
from finetune.generate.lexicon import FIRMS, WHEN, WHO, Entry, lexicon
from finetune.generate.nouns import Noun, noun
from finetune.generate.phrase import filled, words
from finetune.generate.usual import FIELDS, usual
from finetune.sources import SourceDocument
from retrieval.text import fold
from retrieval.types import Language

STEM = 5
"""Letters by which two words are of one family: `licence`, `licensed`."""
ALWAYS_TOLD = frozenset("objectif goal fonctionnalité feature avantage advantage".split())
"""What any text about a thing tells in its own words: nothing shows that it does not."""
# Words that say the same as a field without sharing a stem with its name.
_TOLD_BY = {
    "founder": "fond found cree creat lanc launch start",
    "creator": "cree creat concu invent design develop ecrit written author auteur",
    "author": "ecrit wrote writ auteur author cree creat",
    "created": "cree creat fond found depuis since lanc launch date ne born annee year mis mise ouvert open deploy 19 20",
    "release": "version sorti releas publi lanc launch depuis since mis mise deploy",
    "when": "date mis mise depuis since sign effet jour day annee year lanc launch sorti releas publi",
    "birth": "ne nee nait naiss naqui born birth",
    "naissance": "ne nee nait naiss naqui born birth",
    "superficie": "superfic surface km hectare ha acre square area etend carre",
    "spouse": "epou mari marr spouse wife husband femme conjoint",
    "mayor": "maire mayor",
    "version": "version edition revision",
    "price": "prix price cout cost tarif gratuit free eur dollar € $ payant montant budget",
    "amount": "budget montant cout cost € $ million salari employ effectif agents personnes people habit inhab population km super",
    "place": "situe locat siege adresse address rue street ville city basee based paris bureau office region pays country",
    "licence": "licen open source libre free mit gpl apache bsd",
    "duration": "dure heure jour mois semaine hour day month week minute annee year",
    "sponsor": "sponsor financ fund soutien support partenaire partner",
    "who": "affect assign attribu contact responsable equipe team owner gere manage pilot",
    "website": "http www site url lien link",
    "repository": "http github gitlab depot repo code source",
    "port": "port ecoute listen",
    "language": "langage language ecrit written develop code program",
    "technology": "techno framework python java php ruby javascript react stack logiciel",
    "status": "statut status phase etat etape avancement ouvert ferme actif",
    "phase": "statut status phase etat etape avancement",
    "users": "public usager utilisateur user destine cible pour for citoyen",
    "topic": "theme thematique sujet topic",
    "category": "categorie category type genre est un est une is a is an",
    "host": "heberg host serveur server cloud",
    "incubator": "incub",
    "vendor": "edit vendor publi entreprise company societe",
    "company": "entreprise company societe",
    "maintainer": "maint entreti",
}  # fmt: skip


def near_misses(document: SourceDocument, catalogue: Catalogue, refusal: str, rng: random.Random) -> Iterator[Asked]:
    """Questions about fields that neither the document states nor another that mentions it; their answer is `refusal`."""
    if not document.is_whole or is_question(document.title):
        return
    text = f" {' '.join(re.sub(r'[^a-z0-9€$]+', ' ', fold(f'{document.title} {document.text}')).split())} "
    keys = [shown for _, shown in catalogue.lacking(document)]
    rng.shuffle(keys)
    more = list(usual(document) or (FIELDS if catalogue.has_fields(document) else ()))
    rng.shuffle(more)
    asked: set[str] = set()
    for key in [*keys, *more]:
        name = noun(key, document.language)
        if name.word in asked or name.quoted or name.word in ALWAYS_TOLD:
            continue
        stems = _stems(name)
        if not _is_told(stems, text) and not catalogue.is_told_elsewhere(document.title, stems):
            asked.add(name.word)
            yield _asked(document, name, refusal, rng)


@cache
def _entries() -> dict[str, Entry]:
    """The lexicon by its nouns."""
    return {word: entry for entry in lexicon().values() for word in (entry.french, entry.english)}


def _stems(name: Noun) -> set[str]:
    """Beginnings of the words that may say a field, whatever a text calls it."""
    entry = _entries().get(name.word)
    named = f"{entry.french} {entry.english}" if entry else name.word
    own = fold(f"{named} {name.key}").replace("_", " ").replace("'", " ").replace("’", " ").split()
    told = (_TOLD_BY.get(name.concept, ""), *(_TOLD_BY.get(word, "") for word in own))
    return {*(word[:STEM] for word in own if len(word) > 3), *" ".join(told).split()}


def _is_told(stems: set[str], text: str) -> bool:
    return any(f" {stem}" in text if stem.isalnum() else stem in text for stem in stems)


def _asked(document: SourceDocument, name: Noun, refusal: str, rng: random.Random) -> Asked:
    language: Language = document.language
    group = "who" if name.concept in WHO - FIRMS else "when" if name.concept in WHEN else "which"
    ways = forms(Turn("refusal", (group, f"concept.{name.concept}"), ""), language)
    form, question = rng.choice(ways)
    said = filled(question, words(document.title, name, language))
    return Asked(said, refusal, "refusal", f"missing.{form}", (), "", fact(document, "missing", name.word))
