"""French: how many, where, what it is, what it is for, what it costs or measures."""

from __future__ import annotations

import re

from finetune.generate.prose.found import Found, forms
from finetune.generate.prose.french import Clause, single
from finetune.generate.prose.french_words import COUNTED, NO_DEFINITION, PERSONS, THINGS
from finetune.generate.prose.subjects import contract, has_name, standalone
from finetune.generate.titles import elide, page

_COUNTS = frozenset(
    "compte comptait comptent comptaient comporte comportait comportent comprend comprenait emploie employait "
    "emploient accueille accueillait accueillent regroupe regroupait regroupent rassemble rassemblait rassemblent "
    "réunit réunissait possède possédait totalise abrite abritait contient contenait couvre couvrait héberge "
    "hébergeait représente".split()
)
_COUNTED = re.compile(COUNTED)
_STOP = re.compile(
    r"$|[,;.]|\s(?:en|dans|à|au|aux|sur|depuis|et (?=\d|deux|trois|quatre|cinq|dix)|dont|"
    r"par|avec|chez|entre|lors|répartis|réparties)\b"
)
_WHEN = re.compile(r" (?:en (?:\w+ )?\d{4}|au \d{1,2}(?:er)? \w+ \d{4}|fin \d{4}|début \d{4})")
_PLACE = re.compile(
    r"(?:entre|près d[eu']|à|au|aux|en|dans|sur|sous|au (?:nord|sud|est|ouest|centre|cœur|"
    r"bord|pied|large|sein|sud-est|sud-ouest|nord-est|"
    r"nord-ouest|milieu|confluent) d[eu'])\s?[^,;:()]+"
)
_UNIT = r"(?:m|km|cm|mm|mètres|kilomètres|centimètres|hectares|km²|km2|m²|kilomètres carrés|mètres carrés|ha)"
_NUMBER = r"(?:(?:environ|près de|plus de|moins de|jusqu'à) )?\d[\d \u00a0\u202f.,]*"
_MEASURES = {
    "mesure": (re.compile(rf"({_NUMBER}\s?{_UNIT})(?:$|[,;. ])"), "Combien mesure {s} ?"),
    "pèse": (
        re.compile(rf"({_NUMBER}\s?(?:kg|g|t|kilogrammes|grammes|tonnes|kilos))(?:$|[,;. ])"),
        "Combien pèse {s} ?",
    ),
    "coûte": (
        re.compile(rf"({_NUMBER}\s?(?:€|euros|dollars|\$|francs)(?: (?:HT|TTC|par \w+))?)(?:$|[,;. ])"),
        "Combien coûte {s} ?",
    ),
    "dure": (
        re.compile(rf"({_NUMBER}\s?(?:ans|années|mois|semaines|jours|heures|minutes|secondes))(?:$|[,;. ])"),
        "Combien de temps dure {s} ?",
    ),
}
_VALUE = re.compile(r"(?:\d|de \w+(?:er|ir|re|oir)\b|d'\w+(?:er|ir|re|oir)\b|[A-ZÀ-Þ]|le |la |l'|les |« )")
_GENDER = {
    **dict.fromkeys("objectif emblème enjeu effectif éditeur auteur".split(), "Quel"),
    **dict.fromkeys("activité ambition idée adresse origine altitude unité".split(), "Quelle"),
}
_ATTRIBUTES = frozenset(_GENDER) | frozenset(
    "but mission vocation finalité rôle fonction particularité capitale port siège nom "
    "surnom prix coût taux montant budget durée "
    "superficie population langue monnaie devise président présidente directeur "
    "directrice créateur fondateur format licence version "
    "valeur limite taille capacité hauteur longueur largeur profondeur vitesse "
    "température moteur base symbole couleur hymne principe "
    "cible périmètre délai seuil maximum minimum commande fichier dossier répertoire "
    "utilisateur compte mode chef-lieu sommet".split()
)
_PEOPLE = frozenset("président présidente directeur directrice créateur fondateur auteur".split())
_ATTRIBUTE = re.compile(r"(le |la |l['’])([a-zà-ÿœ-]+(?: (?:par défaut|officielle?|principale?))?) (d[eu'].*|des .*)")
_ADVERB = re.compile(
    r"\b(?:également|aussi|ensuite|alors|ainsi|donc|enfin|notamment|désormais|surtout|toutefois|cependant)\b"
)


def how_many(clause: Clause) -> list[Found]:
    """`Combien de salariés compte la CNIL ?`"""
    match = _COUNTED.match(clause.rest)
    if clause.verb not in _COUNTS or not match:
        return []
    value, noun = _counted(clause.rest, match)
    after = clause.rest[clause.rest.index(value) + len(value) :]
    if not noun or not _STOP.match(after) or clause.date:
        return []
    dated = _WHEN.match(after)
    moment = dated[0] if dated else ""
    counted, about = elide("de", noun), clause.subject.text
    questions = [
        f"Combien {counted} {clause.verb} {about}{moment} ?",
        f"Combien {counted} {elide('est-ce que', about)} {clause.verb}{moment} ?",
        f"Quel est le nombre {counted} que {clause.verb} {about}{moment} ?",
    ]
    return forms("how-many", "count", value, f"{about} {noun}", questions)


def _counted(text: str, match: re.Match[str]) -> tuple[str, str]:
    """Number with noun, and the noun; a participle before a preposition belongs to what follows."""
    value, noun = match["value"], match["noun"]
    last = noun.rsplit(" ", 1)
    if (
        len(last) == 2
        and re.search(r"(?:[éiu]e?s|its|ites|ants?|antes)$", last[1])
        and not re.match(r"$|[,;.]", text[match.end() :])
    ):
        value, noun = value[: -len(last[1]) - 1], last[0]
    if noun.split()[0] in ("fois", "ans", "plus", "moins", "dans", "autres", "sous", "mois", "jours", "heures", "pour"):
        return value, ""
    return value.strip(), noun


def where(clause: Clause) -> list[Found]:
    """`Où se trouve le siège de la CNIL ?`"""
    rest = clause.rest
    verb = (
        re.match(r"(?:situé|implanté|basé|localisé|installé|né|mort|enterré)e?s? ", rest)
        if clause.verb in ("est", "sont", "était", "étaient")
        else None
    )
    if clause.verb.startswith("se ") and clause.verb != "se ":
        said = clause.verb
    elif verb:
        said, rest = f"{clause.verb} {verb[0].strip()}", rest[verb.end() :]
    else:
        return []
    place = _PLACE.match(rest)
    if clause.date or not place:
        return []
    found = re.split(r"\s(?:et|qui|dont|où|depuis|avec|pour|par|le \d|en \d)\b", place[0].strip())[0]
    if len(found.split()) > 12 or not has_name(found) or not standalone(found, "fr") or re.search(r"\d{4}", found):
        return []
    about = clause.subject.text
    questions = [f"Où {said} {about} ?", f"Où {elide('est-ce que', about)} {said} ?"]
    return forms("where", "where", found, f"{about} {said}", questions)


def definition(clause: Clause) -> list[Found]:
    """`Qu'est-ce que Redis ?`, `Qui est Salvatore Sanfilippo ?`"""
    match = re.match(
        r"(une? (?!des? )|des |la |le |l['’])(?:(?:grande?|petite?|ancien(?:ne)?|célèbre|importante?|jeune|nouvelle|"
        r"nouveau) )?([\w-]+)",
        clause.rest,
    )
    if clause.verb not in ("est", "sont", "était", "étaient") or clause.date or not match:
        return []
    head, about = match[2].lower(), clause.subject.text
    if match[1][0] == "l" and (head not in THINGS or not clause.subject.is_title):
        return []
    if head in NO_DEFINITION or not (clause.subject.is_title or _all_name(about)) or _ADVERB.search(clause.core):
        return []
    value = clause.rest if len(clause.rest.split()) <= 40 else clause.core
    if len(value.split()) < (3 if clause.subject.is_title else 7) or not standalone(clause.core, "fr"):
        return []
    if value != clause.rest and (not clause.whole or not single(value)):
        return []
    return forms("definition", "is", value, about, _who_or_what(about, head, clause.verb))


def _who_or_what(about: str, head: str, verb: str) -> list[str]:
    if head in PERSONS:
        return [f"Qui {verb} {about} ?", "", ""] if not about.startswith(("les ", "le ", "la ")) else []
    capitals = [w for w in about.split() if w[:1].isupper()]
    if len(capitals) > 1 and len(capitals) == len(about.split()) and head not in THINGS:
        return []
    if verb in ("était", "étaient"):
        return [f"Qu'était {about} ?" if verb == "était" and head in THINGS else "", "", ""]
    what = elide("que", about)
    return [f"Qu'est-ce {what} ?", f"C'est quoi, {about} ?", f"Comment définir {about} ?"]


def _all_name(about: str) -> bool:
    bare = re.sub(r"^(?:l['’]|le |la |les )", "", about)
    return all(w[:1].isupper() for w in bare.split())


def measure(clause: Clause) -> list[Found]:
    """`Combien mesure la tour Eiffel ?`"""
    known = _MEASURES.get(clause.verb)
    match = known[0].match(clause.rest) if known else None
    if not known or not match or clause.date:
        return []
    return forms(
        "how-many",
        clause.verb.replace("è", "e").replace("û", "u"),
        match[1].strip(),
        clause.subject.text,
        [known[1].format(s=clause.subject.text)],
    )


def attribute(clause: Clause) -> list[Found]:
    """`Quelle est la capitale de l'Albanie ?`"""
    match = _ATTRIBUTE.fullmatch(clause.subject.text)
    if (
        clause.verb != "est"
        or clause.date
        or not match
        or not _VALUE.match(clause.rest)
        or len(clause.rest.split()) > 25
    ):
        return []
    which = {"le ": "Quel", "la ": "Quelle"}.get(match[1], _GENDER.get(match[2], ""))
    value = clause.rest if clause.rest.startswith(("de ", "d'")) else clause.core
    if match[2].split()[0] in _PEOPLE:
        which = "Qui"
    if match[2].split()[0] not in _ATTRIBUTES or re.match(
        r"(?:l[ea]s?) (?:plus|premi|seul|même|meilleur|deuxi|second|moins)", value
    ):
        return []
    if not which or not single(value) or not standalone(value, "fr") or len(value.split()) > 20:
        return []
    return forms(
        "which",
        "attribute",
        value,
        clause.subject.text,
        [f"{which} est {clause.subject.text} ?"],
    )


def called(clause: Clause) -> list[Found]:
    """`Quel est le surnom de Mexico ?`"""
    match = re.match(
        r"(?:aussi |parfois |souvent |également )?surnommée? («\s?[^«»]{2,50}\s?»|\"[^\"]{2,50}\"|“[^“”]{2,50}”)",
        clause.rest,
    )
    if clause.verb not in ("est", "était") or not match:
        return []
    about = clause.subject.text
    feminine = "e" if re.match(r"(?:\w+ )?surnommée", clause.rest) else ""
    questions = [f"Quel est le surnom {contract('de', about)} ?", f"Comment {clause.verb} surnommé{feminine} {about} ?"]
    return forms("which", "nickname", match[1].strip('«»"“” \u00a0\u202f'), about, questions)


def numbers(text: str, title: str) -> list[Found]:
    """Sentences that open with a number or a share: `Combien de personnes travaillent au CERN ?`"""
    body = text.rstrip(".")
    if re.search(r"[,;:()«»]", body) or len(body.split()) > 24 or not single(body) or not standalone(body, "fr"):
        return []
    where = "" if _rest_named(body) else f", {page(title, 'fr')}" if _page_helps(title) else None
    if where is None or _ADVERB.search(body):
        return []
    share = re.match(
        r"((?:Environ |Près de |Plus de |Moins de |Au moins )?\d+(?:,\d+)?\s?%) (d(?:e|es|u|e la|e l'|')\s?.+)", body
    )
    if share:
        questions = [f"Quel pourcentage {share[2]}{where} ?", f"Quelle proportion {share[2]}{where} ?"]
        return forms(
            "how-many",
            "share",
            share[1][0].lower() + share[1][1:] if share[1][0].isalpha() else share[1],
            share[2],
            questions,
        )
    opening = body[0].lower() + body[1:]
    match = _COUNTED.match(opening)
    if not match:
        return []
    value, noun = _counted(opening, match)
    rest = opening[opening.index(value) + len(value) :].strip()
    if not noun or not re.match(r"(?:\w+ent|sont|ont|étaient|avaient|vont|font) ", rest + " "):
        return []
    return forms("how-many", "number", value, f"{noun} {rest}", [f"Combien {elide('de', noun)} {rest}{where} ?"])


def _rest_named(body: str) -> bool:
    return has_name(body.split(" ", 1)[1])


def _page_helps(title: str) -> bool:
    return 0 < len(title) <= 80 and not title.rstrip().endswith("?")
