"""Nouns that the things in documents have, and nouns of the world at large that nothing in a conversation owns."""

from __future__ import annotations

import re

from assistant.generators.extractive.concepts import asked as concepts_asked
from assistant.rewrite.words import VERBS, Word, is_form, plain, split
from retrieval.types import Language

_FIELDS = frozenset(
    "version licence license licences licenses port ports prix price cost cout tarif auteur author auteurs authors "
    "password configuration config sauvegarde sauvegardes backup backups avantages benefits advantages inconvenients "
    "disadvantages drawbacks limits limites limitations installation prerequis requirements taille size duree duration "
    "delai delais deadline frequence frequency procedure etapes steps fonctionnalites features alternatives probleme "
    "problem problems problemes risques risks risk risque documentation docs equipe team contact responsable owner command "
    "commande options option dependances dependencies statut status state etat but objectif purpose goal mission role "
    "rules regles conditions montant amount defaut default histoire history origine origin usage usages users utilisateurs "
    "support security securite performance format formats langage language protocole protocol editeur vendor phase url "
    "incubateur sponsor sponsors site website address adresse email mail telephone phone budget salaire salary framework "
    "stack technologies techno technos tools outils symptoms symptomes causes consequences effects ingredients exceptions "
    "resultats results criteres criteria schedule horaires calendrier sanctions penalties fees frais quota remboursement".split()
)
"""Short questions about these ask of what is talked about: "Quelle version ?", "What are the benefits?"."""
_GENERAL = frozenset(
    "weather meteo temps time heure election elections president capitale capital coupe cup match weekend jour day today "
    "tomorrow demain aujourd'hui hier yesterday news actualites actu movie film joke blague life vie sens meaning world monde "
    "war guerre sun soleil moon lune earth terre essence petrol toilet toilettes bathroom recette recipe pope pape king roi "
    "queen reine minister ministre government gouvernement football foot chat cat dog chien".split()
)
_ASKED = re.compile(
    r"\b(?=(?:(?:the|les?|la|quels?|quelles?|what|which|how many|how much|combien de) |(?:l|combien d)')"
    r"(?P<noun>[a-z-]+(?: [a-z-]+){0,2}?) ?(?:par defaut|by default|actuelle?s?|exactement|exactly|alors|then)?\s*[?.!]*$)"
)
_WHEN = re.compile(
    r"\b(?:annee|mois|semaine|an) (?:derniere?|prochaine?|passee?)\b|what(?:'s| is) the date\b|"
    r"\b(?:last|next|this) (?:year|month|week|time)\b"
)


def is_general(text: str) -> bool:
    """Whether a text speaks of the weather, an election, last year …: of no topic's own."""
    return any(w.key in _GENERAL for w in split(text)) or _WHEN.search(plain(text)) is not None


def is_field(text: str, language: Language) -> bool:
    """Whether the matter of a text ends or begins with a noun that things in documents have."""
    matter: list[Word] = [w for w in split(text) if not is_form(w, language)]
    said = bool(matter) and not {matter[0].key, matter[-1].key}.isdisjoint(_FIELDS)
    return (said or bool(concepts_asked(text))) and not is_general(text)


def lone_field(text: str, language: Language) -> str:
    """The noun that a short question asks for and nothing defines: "version" in "Quelle version ?"; else empty."""
    for match in _ASKED.finditer(plain(text)):
        before, inner = split(text[: match.start()]), split(match["noun"])
        whole = all(not is_form(w, language) and w.key not in VERBS[language] for w in inner)
        if whole and all(is_form(w, language) for w in before) and is_field(inner[-1].text, language):
            return match["noun"]
    return ""
