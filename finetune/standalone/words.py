"""Words that say too little of what a question is about, and how definitions are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from retrieval.lexical import analyze
from retrieval.types import Language

NAME = "¤"
"""Stands for a name in a marked question."""

NOT_NAMES = frozenset(
    "api apis url urls uri pdf html http https json xml csv id ids ip sms faq ok ceo sql ram cpu".split()
)
"""Written in capitals, and yet the name of nothing in particular."""

DEFINITION: Mapping[Language, re.Pattern[str]] = {
    "fr": re.compile(
        r"^(?:qu'est[- ]ce qu(?:'un|'une|e (?:le|la|les|l'))|c'est quoi (?:un|une|le|la|l')|que signifie\b|definis|definissez"
        r"|qu'appelle-t-on|qu'entend-on par|que designe)"
    ),
    "en": re.compile(
        r"^(?:what (?:is|are|'s) (?!the\b|his|her|its|their)|what's (?!the\b)|define\b|what does .+ (?:mean|stand for)\b)"
    ),
}
"""A word that is asked about needs no name beside it: `Qu'est-ce qu'une API ?`"""

_FRENCH = """
port licence auteur date version editeur langage responsable adresse url site nom titre statut type categorie prix cout
duree contact email mail telephone objectif but role fonction fonctionnalite description utilisateur utilisatrice hebergeur
incubateur fichier configuration defaut creation lancement sortie premiere dernier principal officiel developpement
developpeur createur fondateur fondatrice createur createurs mainteneur proprietaire directeur directrice president chef
application appli logiciel outil projet plateforme systeme service produit programme organisme organisation entreprise
societe structure association solution dispositif serveur base bibliotheque module composant chose element personne
personnage point information texte document passage extrait
utiliser utilise utilisee utilises creer cree creee faire fait developper developpe developpee heberger heberge hebergee
publier publie ecrire ecrit ecrite sortir sorti lancer lance lancee fonder fonde fondee ecouter ecoute servir sert
appeler appelle trouver trouve situer situe proposer propose permettre permet fonctionner fonctionne marcher marche
concerner concerne avoir falloir faut pouvoir peut devoir doit gerer gere contenir contient installer installe
nombre nombres total annee jour mois lieu endroit raison cause sujet theme exemple liste partie moyen maniere facon
quel quelle quels quelles comment combien pourquoi quand ou qui que quoi lequel laquelle lesquels lesquelles est sont etait
ca c cela ceci ici
"""
_ENGLISH = """
port licence license author date version editor language owner maintainer address url site website name title status type
category price cost duration contact email phone goal purpose aim role function feature description user host hosting
file configuration default creation launch release first last main official development developer creator founder director
president head chief application app software tool project platform system service product program organisation
organization company structure association solution server database library module component thing item element person
people character point information text document passage excerpt article
use used using create created make made develop developed host hosted publish published write written release released
launch launched found founded listen serve call called find located offer provide allow work works concern have can must
manage contain install run runs happen happened mean do does did
number total year day month place location reason cause subject topic theme example list part way
what which who whom whose when where why how many much long old
"""


def _terms(words: str, language: Language) -> frozenset[str]:
    return frozenset(analyze(words, language))


VAGUE: Mapping[Language, frozenset[str]] = {"fr": _terms(_FRENCH, "fr"), "en": _terms(_ENGLISH, "en")}
"""Index terms that do not say what a question is about, however many of them it has."""
