"""The words of a question, and those that carry only its form; no model, no word classes.

Everything is compared on `plain` text: lower case without accents, character for character, so that positions found in
it are positions in the text as typed.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from retrieval.text import fold
from retrieval.types import Language

DETERMINERS: dict[Language, frozenset[str]] = {
    "en": frozenset("the a an this that these those my your our his her its their some any each every".split()),
    "fr": frozenset("le la les l un une des du au aux ce cet cette ces mon ma mes son sa ses notre nos votre vos leur leurs".split()),
}  # fmt: skip
JOINTS: dict[Language, frozenset[str]] = {
    "en": frozenset("of by for in on at to from with and or between vs s".split()),
    "fr": frozenset("de d a en pour par sur dans avec entre et ou contre chez sous".split()),
}
"""Words that may stand inside the phrase a question is about."""
FORM: dict[Language, frozenset[str]] = {
    "en": frozenset(
        "what which who whom whose when where why how is are was were be been being am do does did done has have had can could "
        "will would shall should may might must i you we they he she it me us them him there here not no yes if then than as "
        "so also too just only about into over after before during through while because since until but both all many much "
        "more most less least few other another same such very really actually still now ever never please tell give show "
        "list name explain describe define find let know think want need mean get got go going new one ones own don doesn "
        "didn isn aren wasn weren can't cannot won like ok okay oh up out off t re ve ll m d s that's it's kind sort "
        "happen happens happened did".split()
    ),
    "fr": frozenset(
        "qui que qu quoi dont ou quel quelle quels quelles lequel laquelle lesquels lesquelles comment pourquoi combien quand "
        "est sont etait etaient fut furent sera seront serait etre ete a ont avait avaient aura auront avoir ai as avez avons "
        "eu fait font faire faut peut peuvent peux pouvez pouvoir doit doivent dois devoir il elle ils elles on je j tu nous "
        "vous me m te t se s y en ne n pas plus moins tres aussi encore toujours deja jamais bien alors donc mais or ni car si "
        "comme lui eux moi toi c cela ca ceci ci voici voila sans vers depuis avant apres pendant lors entre tout toute tous "
        "toutes meme memes autre autres quelque quelques dit sert servent trouve trouver donne donner donnez liste lister "
        "cite citez explique expliquer decris savoir sait veut voudrais veux merci oui non y-a-t-il est-ce".split()
    ),
}
_TOKEN = re.compile(r"[^\W_]+(?:[.+#&/-][^\W_]+)*(?:\+\+|#|\+)?")
_CLITIC = re.compile(r"-(?:t-)?(?:il|elle|ils|elles|on|ce|je|tu|nous|vous|le|la|les|moi|y|en)(?:-\w+)*$")
VERBS: dict[Language, frozenset[str]] = {
    "en": frozenset(
        "work works make makes take takes took use uses used live lives play plays sleep eat eats start starts end ends begin "
        "begins offer offers store stores call called look looks come comes came give gives keep keeps run runs become becomes "
        "became die died change changes help helps add delete remove create update install build set put see say says said tell "
        "ask answer cost costs pay paid cause causes include includes mean means buy sell send read write support supports "
        "provide provides allow allows require requires need needs like likes want wants try tried going taken made done gone "
        "been known invented created built located found founded held won lost written spoken grow grows move moves enter "
        "enters leave leaves meet happen appear appears differ compare improve handle protect protects seem seems view affect "
        "affects".split()
    ),
    "fr": frozenset(
        "utilise utilisent porte portent permet permettent coute coutent marche fonctionne fonctionnent incube finance "
        "financent gere gerent heberge sponsorise developpe cree creee ecrit ecrite ecoute date vient viennent devient "
        "appartient concerne existe contient contiennent commence finit signifie represente propose proposent aide aident "
        "soutient dirige fabrique produit vit vivent meurt mort ne nee joue jouent provient proviennent s'adresse".split()
    ),
}
"""Frequent verbs: they end a phrase. A phrase with an unknown verb in it is longer than it should be, no more."""
ADJECTIVES = frozenset("available possible important worth free different same true sure ready".split())


@functools.lru_cache(maxsize=128)
def plain(text: str) -> str:
    """Lower case without accents, of the same length."""
    return "".join(f if len(f := fold(c)) == 1 else " " if c.isspace() else c for c in text.replace("’", "'"))


@dataclass(frozen=True)
class Word:
    """A word with its place in the text; `key` is its plain form."""

    start: int
    end: int
    text: str
    key: str


@functools.lru_cache(maxsize=128)
def split(text: str) -> tuple[Word, ...]:
    """The words of a text; apostrophes separate, hyphens do not, except before a pronoun (`est-il`)."""
    made, low = [], plain(text)
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if tail := _CLITIC.search(low[start:end]):
            end = start + tail.start()
        made.append(Word(start, end, text[start:end], low[start:end]))
    return tuple(made)


def is_form(word: Word, language: Language) -> bool:
    """Whether a word says nothing of the matter."""
    key = word.key
    return key in FORM[language] or key in DETERMINERS[language] or key in JOINTS[language]


def has_verb(text: str, language: Language) -> bool:
    """Whether a frequent verb is in it."""
    return any(w.key in VERBS[language] for w in split(text))


def content(text: str, language: Language) -> list[Word]:
    """Words that say what a text is about; single letters and digits too."""
    return [w for w in split(text) if not is_form(w, language)]


def keys(text: str) -> set[str]:
    """Plain forms of every word of a text."""
    return {w.key for w in split(text)}
