"""What a question asks: its kind, its content words, and what is left when the document's name is taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from assistant.generators.extractive.concepts import asked
from retrieval.lexical import analyze
from retrieval.text import fold, words
from retrieval.types import Language

Kind = Literal["list", "definition", "number", "date", "who", "where", "why", "other"]

_LIST = re.compile(
    r"^(?:(?:parmi|dans|among|in) .{1,60}? )?(?:liste[rz]?\b|listez|donne[rz]?(?: moi)? la liste|cite[rz]?\b|enumere|quelles? sont (?:toutes )?les (?:applications|"
    r"logiciels|projets|produits|services|outils|fiches|documents|startups|sites)|list\b|name (?:all|the)\b|enumerate|which of the "
    r"(?:applications|tools|products|projects|services)|(?:give|show) me (?:all|the list)|what are (?:all )?the (?:applications|tools|projects|products|services)\b|"
    r"(?:quels|quelles|which|what) (?:\w+ )?(?:applications|software|logiciels|projets|produits|services|outils|fiches|startups|tools|projects|products|apps|"
    r"systems|sheets)\b(?! (?:does|do|utilise\b|a |has |offers?\b|is )))"
)
_COUNT = re.compile(
    r"^(?:combien (?:d |de )|how many )(?:applications|logiciels|projets|produits|services|outils|fiches|startups|tools|projects|products|apps|systems)\b"
)
_DEFINITION = re.compile(
    r"^(?:et )?(?:qu ?est ce que?|qu est ce qu|c est quoi|cest quoi|a quoi (?:sert|servent|ca sert)|que fait|que permet|decris|presente|definis|definition d|"
    r"what(?: is|s| are| was) (?!the\b(?! purpose| goal| point| role| aim| mission))|what does .{1,60} (?:do|mean)$|what(?: is|s) the (?:purpose|goal|role|aim|mission|point) of|define|describe|explain what|"
    r"quel(?:le)? est (?:le but|le role|l objectif|l objet|la mission|la finalite|l utilite) d|(?:en )?quoi consiste|tell me about)"
)  # fmt: skip
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("number", re.compile(
        r"\b(?:combien|how (?:many|much|long|old|far|often|large|big|high|tall|fast)|quel(?:le)? (?:est (?:le |la |l ))?(?:nombre|pourcentage|montant|age|proportion|part|somme|"
        r"superficie|distance|hauteur|taille|duree|population)|what (?:is the )?(?:percentage|number|percent|size|length|population|distance|amount))\b")),
    ("date", re.compile(
        r"\b(?:quand|when|what (?:year|date|day|month|decade|century)|(?:which|what) (?:year|century|decade)|(?:quelle?s?) (?:annees?|dates?|epoque|periode|siecle|jour|mois)|depuis quand)\b")),
    ("who", re.compile(r"\b(?:qui|who|whom|whose|par qui|de qui|which (?:person|company|people))\b")),
    ("where", re.compile(r"\b(?:ou (?:se|est|sont|a|ont|fut|peut|trouve|les|le|la|l)|d ou|where|(?:quel|quelle) (?:pays|ville|region|endroit|lieu)|(?:what|which) (?:city|country|state|place|region))\b")),
    ("why", re.compile(r"\b(?:pourquoi|why|pour quelles? raisons?|quelle est la (?:cause|raison)|for what reason|how come)\b")),
)  # fmt: skip

NICKNAME = 4
"""Letters from which a word of a title can stand for it."""
SHORT_TITLE = 3
"""Words of a title that is a name."""

# Words that carry the form of a question, not its matter.
_FORM = frozenset(
    """
    est sont etait etaient quel quelle quels quelles comment combien pourquoi qui que quoi ou quand fait faire ce
    cela ca ete avoir a ont quelqu y t il elle on en sert servent utilise utilisent utiliser trouve trouver
    trouvent porte portent permet appelle nomme situe existe peut peux dit liste lister listez donne cite
    application applications logiciel logiciels outil outils fiche fiches what which who whom whose when where how
    why did do does is are was were be been many much name call called get use uses used using find tell give list
    show there one ones app apps software tool tools sheet sheets s default defaut project projects projet projets
    services product products
    """.split()
)


def names_title(question: str, title: str) -> bool:
    """Whether the question contains the whole of a title's main part (before a comma, colon, dash or bracket)."""
    asked = " ".join(words(fold(question)))
    for part in (title, re.split(r"\s*(?:[,:(–—|]|\s-\s)\s*", title)[0]):
        plain = " ".join(words(fold(part)))
        if len(plain) > 1 and f" {plain} " in f" {asked} ":
            return True
    return False


def nicknames(question: str, title: str) -> set[str]:
    """Words of a short title that the question holds: `kafka` for "Apache Kafka". A long title has no nickname."""
    own = {fold(w) for w in words(title) if len(w) >= NICKNAME}
    return own & {fold(w) for w in words(question)} if len(words(title)) <= SHORT_TITLE else set()


@dataclass(frozen=True)
class Question:
    """An analysed question; `terms` are index terms without those that only carry its form."""

    text: str
    language: Language
    kind: Kind
    counting: bool
    terms: tuple[str, ...]
    names: frozenset[str]
    """Folded capitalised words and codes after the first word."""
    concepts: dict[str, set[str]]
    aligned: str
    """What passages are compared with, token by token: the text, or what `without` leaves of it."""

    def without(self, titles: Iterable[str]) -> Question:
        """The question without the words of these titles: once a document is named, its name chooses no sentence."""
        own = {t for title in titles for t in analyze(title, self.language)}
        terms = tuple(t for t in self.terms if t not in own)
        rest = " ".join(w for w in self.text.split() if set(analyze(w, self.language)).intersection(terms))
        return replace(self, terms=terms, aligned=rest) if terms else self

    def residue(self, title: str) -> tuple[str, ...]:
        """Terms that are not part of this title."""
        own = set(analyze(title, self.language))
        return tuple(t for t in self.terms if t not in own)


def read(text: str, language: Language) -> Question:
    """Analyse a question."""
    plain = " ".join(re.sub(r"[^\w]+", " ", fold(text)).split())
    raw = words(text)
    form = {t for w in raw if fold(w) in _FORM for t in analyze(w, language)}
    every = list(dict.fromkeys(analyze(text, language)))
    terms = tuple(t for t in every if t not in form and t not in _FORM) or tuple(every)
    names = frozenset(fold(w) for w in raw[1:] if w[0].isupper() or any(c.isdigit() for c in w))
    counting = bool(_COUNT.match(plain))
    kind = _kind(plain, counting)
    return Question(text, language, kind, counting, terms, names, _concepts(text, kind), text)


def _concepts(text: str, kind: Kind) -> dict[str, set[str]]:
    found = asked(text)
    if kind == "date" and "creator" in found:
        # "Quand X a-t-il été créé ?" asks for a year, not for a person.
        found["release"] = found.get("release", set()) | found.pop("creator")
    return found


def _kind(plain: str, counting: bool) -> Kind:
    if counting or _LIST.match(plain):
        return "list"
    for kind, pattern in _KINDS:
        if kind in ("number", "date") and pattern.search(plain):
            return kind
    if _DEFINITION.match(plain):
        return "definition"
    return next((kind for kind, pattern in _KINDS if pattern.search(plain)), "other")
