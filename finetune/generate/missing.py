"""Near misses: questions that sound answerable and are not, whose right answer is the refusal.

A field that other documents have and this one does not state, in any of the words that might name it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache

from finetune.examples import Asked
from finetune.generate.ask import Turn, fact, forms
from finetune.generate.catalogue import Catalogue
from finetune.generate.lexicon import FIRMS, WHEN, WHO, Entry, lexicon
from finetune.generate.nouns import Noun, noun
from finetune.generate.phrase import filled, words
from finetune.sources import SourceDocument
from retrieval.text import fold
from retrieval.types import Language

USUAL = (
    "founder",
    "headquarters",
    "budget",
    "creation date",
    "headcount",
    "price",
    "address",
    "author",
    "sponsor",
    "licence",
    "duration",
)
"""What one might ask of anything, where documents have no fields: keys of the lexicon."""
STEM = 5
"""Letters by which two words are of one family: `licence`, `licensed`."""
# Words that say the same as a field without sharing a stem with its name.
_TOLD_BY = {
    "founder": "fond found cree creat lanc launch start",
    "creator": "cree creat concu invent design develop ecrit written author auteur",
    "author": "ecrit wrote writ auteur author cree creat",
    "created": "cree creat fond found depuis since lanc launch date ne born annee year",
    "release": "version sorti releas publi lanc launch depuis since",
    "price": "prix price cout cost tarif gratuit free eur dollar € $ payant montant budget",
    "amount": "budget montant cout cost € $ million salari employ effectif agents personnes people habit inhab population km super",
    "place": "situe locat siege adresse address rue street ville city basee based paris bureau office region pays country",
    "licence": "licen open source libre free mit gpl apache bsd",
    "duration": "dure heure jour mois semaine hour day month week minute annee year",
    "sponsor": "sponsor financ fund soutien support partenaire partner",
    "who": "contact responsable equipe team owner gere manage pilot",
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
    """Questions about fields the document does not state; their answer is `refusal`."""
    text = f" {' '.join(re.sub(r'[^a-z0-9€$]+', ' ', fold(f'{document.title} {document.text}')).split())} "
    keys = [shown for _, shown in catalogue.lacking(document)]
    rng.shuffle(keys)
    usual = list(USUAL)
    rng.shuffle(usual)
    asked: set[str] = set()
    for key in [*keys, *usual]:
        name = noun(key, document.language)
        if name.word in asked or name.quoted or _is_told(name, text):
            continue
        asked.add(name.word)
        yield _asked(document, name, refusal, rng)


@cache
def _entries() -> dict[str, Entry]:
    """The lexicon by its nouns."""
    return {word: entry for entry in lexicon().values() for word in (entry.french, entry.english)}


def _is_told(name: Noun, text: str) -> bool:
    """Whether the text may say it after all, whatever it calls it."""
    entry = _entries().get(name.word)
    named = f"{entry.french} {entry.english}" if entry else name.word
    stems = {
        word[:STEM] for word in fold(f"{named} {name.key}").replace("_", " ").replace("'", " ").split() if len(word) > 3
    }
    told = {*stems, *_TOLD_BY.get(name.concept, "").split()}
    return any(f" {stem}" in text if stem.isalnum() else stem in text for stem in told)


def _asked(document: SourceDocument, name: Noun, refusal: str, rng: random.Random) -> Asked:
    language: Language = document.language
    group = "who" if name.concept in WHO - FIRMS else "when" if name.concept in WHEN else "which"
    ways = forms(Turn("refusal", (group, f"concept.{name.concept}"), ""), language)
    form, question = rng.choice(ways)
    said = filled(question, words(document.title, name, language))
    return Asked(said, refusal, "refusal", f"missing.{form}", (), "", fact(document, "missing", name.word))
