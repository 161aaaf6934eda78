"""What makes a French question lean on a text: the question in plain lower case, names in it as `¤`."""

from __future__ import annotations

import re

_TEXT = r"(?:texte|passage|extrait|document|paragraphe|contexte|article|auteur|autrice|tableau|section|page|fiche|enonce|chunk)"
_GENERIC = (
    r"(?:application|appli|logiciel|outil|projet|plateforme|plate-forme|systeme|service|produit|programme|organisme|"
    r"organisation|entreprise|societe|structure|association|solution|dispositif|serveur|base de donnees|bibliotheque|"
    r"framework|site|film|livre|jeu|groupe|equipe|ville|pays|personnage|institution|agence|initiative|etude|loi|homme|femme)"
)
_ADJECTIVE = (
    r"(?: (?:web|internet|officiel|officielle|actuel|actuelle|principal|principale|numerique|en question|lui-meme))?"
)
_DEFINITE = r"\b(?:(?:le|la|du|au|de la|a la) |(?:de |a )?l')"
# What follows says which one is meant.
_WHICH = (
    r"(?!\s*(?:¤|\d|n°|de\b|du\b|d'|des\b|qui\b|que\b|qu'|dont\b|pour\b|permettant\b|nomme|appele|intitule|relatif|relative"
    r"|public\b|civil\b|penal\b))"
)
_POINTS = re.compile(
    # Not `est-ce que`, `ce qui`, `à ce jour`, `c'est`, `ce sont`.
    r"(?<![-\w])(?:ce|cet|cette|ces) (?!jour\b|que\b|qu'|qui\b|dont\b|a quoi\b|sont\b|soit\b|n'|ne\b|fut\b|sera\b|etait\b|etaient\b)"
    r"|\b(?:celui|celle|ceux|celles)-(?:ci|la)\b|\b(?:cela|ceci)\b|(?<!\w)ca (?!sert a quoi)(?!.*¤)"
    r"|\bci-(?:dessus|dessous|apres|avant|joint\w*)\b|\b(?:susmentionne|susvise|susdit|precite)\w*"
    r"|\b(?:plus haut|plus bas|precedemment|la-dedans|la-dessus)\b|(?<!d')\bici\b"
    r"|\bsuivante?s?\s*(?:[?:,.]|$)|\b(?:des|les|aux) \w+ suivante?s\b"
    r"|\b(?:mentionne|evoque|cite|enumere|decrit|fourni)e?s? ?(?:[?.]|$|(?:ici|dans (?:le|la|l')|par le texte))"
)
_OPENS = re.compile(
    r"^(?:et|mais|donc|alors|sinon|ou bien|aussi|en outre|de plus|ensuite|puis(?![- ]je)|car|du coup)\b(?! (?:si|quand)\b.*¤)"
    r"|^(?:\w+ )?(?:lequel|laquelle|lesquels|lesquelles)\b(?!.*¤)"
    r"|\b(?:des|les|ces) (?:deux|trois|quatre)\b(?!.*¤)(?! [a-z]{3})|\bl'une? (?:ou|et) l'autre\b"
    r"|\bquel(?:le)?s? (?:sont |est )?(?:les |l')?autres?\b(?!.*\bque\b)|\bquoi d'autre\b"
)
_TEXTS = re.compile(
    rf"{_DEFINITE}{_TEXT}s?\b{_WHICH}"
    rf"|\b(?:selon|d'apres|dans|parmi) les (?:{_TEXT[3:-1]}|sources?|informations?|elements?|donnees)s?\b(?= *(?:[,?:.]|$|fourni|donne|ci))"
)
_GENERICS = re.compile(rf"{_DEFINITE}{_GENERIC}\b{_ADJECTIVE}(?![-\w]){_WHICH}")

_EASE = (
    r"(?:possible|impossible|necessaire|obligatoire|recommande|conseille|deconseille|interdit|permis|autorise|prevu|vrai|faux|"
    r"preferable|utile|important|facile|difficile|question|temps|legal|illegal|indispensable|envisageable|normal|suffisant|exact|"
    r"souhaitable|prudent|courant|essentiel|urgent|judicieux|pertinent|demande|prevue|trop tard|risque|dangereux|frequent|rare)"
)
# `il` that stands for nothing: il y a, faut-il, est-il possible de.
_NOBODY = re.compile(
    r"\b(?:s'agit|s'agissait|existe|faut|fallait|faudra|faudrait|suffit|convient|reste|manque|arrive|se passe|se produit|se peut|"
    r"y a|y avait|y aura|vaut|importe|en va)-(?:t-)?il\b"
    rf"|\b(?:est|etait|sera|serait|devient|parait|semble)(?:-t)?-il (?:\w+ )?{_EASE}\b"
    r"|\bs'il (?:y a|faut|s'agit)\b"
    rf"|\b(?:qu')?il (?:n')?(?:y a|y avait|y aura|faut|faudra|suffit|convient|existe|s'agit|vaut|reste|se peut|est (?:\w+ )?{_EASE})\b"
    r"|\bquelle heure est-il\b"
)
_ARTICLED = r"(?:\b(?:une?|le|la|les|des|du|au|aux|chaque|toute?|plusieurs|certaine?s|quelques|mon|ma|mes|notre|nos|votre|vos) |\bl')[\w-]+"
# A noun does not own what is said of it: `le port qu'il utilise`, `la date de sa création`.
_OWNED = re.compile(
    rf"{_ARTICLED}(?: [\w-]+)? ?"
    r"(?:\bqu'|\bque|dont|\bou|duquel|auquel|(?:dans|sur|avec|pour|par|a|de) (?:le|la|les)?quel(?:le)?s?|\bde|\bd')\s*$"
)
_PRONOUN = re.compile(r"(?<![\w])(?:il|elle|ils|elles|lui|eux)\b(?!-meme)")
_OWN = re.compile(r"(?<![\w-])(?:son|sa|ses|leur|leurs)\b")
_ASKED = re.compile(r"^(?:\w+ )?quel(?:le)?s? (?!est\b|sont\b|etait\b|etaient\b|fut\b|sera\b|seront\b)\w+")
_ANYBODY = re.compile(
    r"(?:\bon\b|-on\b|\b\w{2,}(?:er|ir|oir)\b|\b(?:mettre|prendre|faire|rendre|lire|ecrire|connaitre|suivre|vendre)\b)"
)
_NOUNS = (
    r"(?:\w*(?<!publ)(?<!modif)(?<!verif)(?<!cop)(?<!stud)(?<!tif)(?<!cr)ier|avenir|plaisir|loisir|souvenir|pouvoir|devoir|savoir|"
    r"miroir|trottoir|espoir|soir|tiroir|danger|passager|etranger|loyer|foyer|cancer|desir|cluster|docker|router|container|"
    r"broker|leader|manager|master|serveur)"
)
_OBJECT = re.compile(
    r"^(?:mais )?(?:qui|quand|depuis quand) (?:l'|(?:le|la|les|lui|leur) )(?!¤)(?![a-z0-9¤«»' -]+-t?-?(?:il|elle|on|ils|elles)\b)[a-z]"
    rf"|\b(?:comment|pourquoi|ou|quand|-on|-il|-je|puis-je) (?:l'|(?:le|la|les|lui|leur) )"
    rf"(?!{_NOUNS}\b)\w+(?:er|ir|oir|ettre|rendre|aire)\b"
    r"(?=\s*(?:[?,.]|$|sur\b|dans\b|avec\b|a\b|au\b|aux\b|en\b|sans\b|via\b|pour\b|depuis\b))"
    r"|\bl'(?:a|ont|avait|avaient|aura|aurait)\b"
    r"|(?<![-\w])y (?!a\b|avait\b|aura\b|compris\b)[a-z]|\b(?:qui|qu'|comment|combien|d'|s'|peut-on|faut-il) ?y (?:a|ont) (?!-)[a-z]"
    r"|\b(?:qui|qu'|combien|d'ou|pourquoi|quand) ?en (?:est|sont|a|ont|etait|etaient|fait|font|sera)\b"
    r"|\bcombien en\b"
    r"|\b(?:comment|ou|peut-on|faut-il|doit-on|pourquoi) en \w+(?:er|ir|oir)\b"
)


def leans(marked: str) -> bool:
    """Whether the question leans on a text that is not there."""
    if any(pattern.search(marked) for pattern in (_POINTS, _OPENS, _TEXTS)):
        return True
    return _points_back(_NOBODY.sub("", marked)) or ("¤" not in marked and bool(_GENERICS.search(marked)))


def _points_back(text: str) -> bool:
    """Whether a pronoun or possessive has nothing before it to stand for."""
    if any(not re.search("[¤,]", text[: match.start()]) for match in _OBJECT.finditer(text)):
        return True
    if any(not _stands(text[: match.start()]) for match in _PRONOUN.finditer(text)):
        return True
    owned = (text[: match.start()] for match in _OWN.finditer(text))
    return any(not (_stands(before) or _ASKED.search(before) or _ANYBODY.search(before)) for before in owned)


def _stands(before: str) -> bool:
    """Whether something is named that a pronoun after it can stand for."""
    return "¤" in before or re.search(_ARTICLED, _OWNED.sub("", before)) is not None
