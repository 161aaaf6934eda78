"""French: what something permits, offers, aims at, rests on, and who made what."""

from __future__ import annotations

import re

from finetune.generate.prose.found import Found, forms
from finetune.generate.prose.french import Clause, single
from finetune.generate.prose.french_when import agent, masculine
from finetune.generate.prose.french_words import AGENCY, NO_AGENT
from finetune.generate.prose.subjects import contract, has_name, standalone
from finetune.generate.titles import elide

_ADVERB = re.compile(
    r"\b(?:également|aussi|ensuite|alors|ainsi|donc|enfin|notamment|désormais|surtout|toutefois|cependant|encore|"
    r"finalement|initialement|seulement|même|déjà|actuellement|aujourd'hui|maintenant)\b"
)
_AIMS = {
    "objectif": "Quel est l'objectif", "but": "Quel est le but", "mission": "Quelle est la mission",
    "vocation": "Quelle est la vocation", "ambition": "Quelle est l'ambition",
}  # fmt: skip
_OFFERS = frozenset("propose proposent offre offrent fournit fournissent garantit".split())
_THING = re.compile(r"(?:une?|des|de|d'|le|la|les|l'|aux?|\d+|deux|trois|quatre|cinq|plusieurs)\b|l['’]|d['’]")


def permits(clause: Clause) -> list[Found]:
    """`Que permet GIDAF ?`, `À quoi sert GIDAF ?`"""
    about, rest = clause.subject.text, clause.rest
    if (
        clause.verb not in ("permet", "permettent")
        or not _plain(clause)
        or not re.match(rf"{_THING.pattern}|à\b", rest)
    ):
        return []
    doing = rest.startswith(("de ", "d'", "d’"))
    questions = [
        f"À quoi {'sert' if clause.verb == 'permet' else 'servent'} {about} ?" if doing else "",
        f"Que {clause.verb} {about} ?",
        f"Qu'est-ce {elide('que', about)} {clause.verb} de faire ?" if doing else "",
    ]
    return forms("definition", "permits", rest, about, questions)


def aims(clause: Clause) -> list[Found]:
    """`Quel est l'objectif de GIDAF ?`"""
    about, rest = clause.subject.text, clause.rest
    if not _plain(clause):
        return []
    aim = (
        re.match(r"pour (objectif|but|mission|vocation|ambition) (?:de |d['’])", rest)
        if clause.verb in ("a", "ont")
        else None
    )
    if aim is None and not (clause.verb in ("vise", "visent") and re.match(r"à \w+(?:er|ir|re|oir)\b", rest)):
        return []
    value = rest[aim.end() :] if aim else rest[2:]
    asked = _AIMS[aim[1] if aim else "objectif"]
    return forms("definition", "aim", value, about, [f"{asked} {contract('de', about)} ?"])


def offers(clause: Clause) -> list[Found]:
    """`Que propose GIDAF ?`"""
    if (
        clause.verb not in _OFFERS
        or not _plain(clause)
        or not _THING.match(clause.rest)
        or len(clause.rest.split()) < 3
    ):
        return []
    about = clause.subject.text
    questions = [f"{elide('Que', clause.verb)} {about} ?", f"Qu'est-ce {elide('que', about)} {clause.verb} ?"]
    return forms("definition", clause.verb, clause.rest, about, questions)


def rests(clause: Clause) -> list[Found]:
    """`Sur quoi repose GIDAF ?`, `À qui s'adresse GIDAF ?`"""
    about, rest = clause.subject.text, clause.rest
    if not _plain(clause) or len(rest.split()) > 30:
        return []
    verb = clause.verb.replace("’", "'")
    if verb in ("repose", "reposent", "s'appuie") and rest.startswith("sur "):
        return forms(
            "which",
            "rests",
            rest[4:],
            about,
            [f"Sur quoi {verb} {about} ?", f"Sur quoi {elide('est-ce que', about)} {verb} ?"],
        )
    if verb == "s'adresse" and re.match(r"(?:à|aux?) ", rest):
        return forms(
            "who",
            "addresses",
            rest,
            about,
            [f"À qui s'adresse {about} ?", f"À qui {elide('est-ce que', about)} s'adresse ?"],
        )
    return []


def made(clause: Clause, original: str) -> list[Found]:
    """`Qui a développé la Géoplateforme ?` where a name `a développé la Géoplateforme`."""
    match = re.match(r"(\w+) ((?:le|la|les) |l['’]|(?=[A-ZÀ-Þ]))", clause.rest)
    if clause.verb not in ("a", "ont") or not match or match[1] not in AGENCY or masculine(match[1]) != match[1]:
        return []
    thing = agent(clause.rest[match.end(1) + 1 :])
    maker = original.split(f" {clause.verb} ")[0]
    head = clause.subject.text.split()[1 if clause.subject.text.startswith(("le ", "la ", "les ")) else 0]
    if not thing or clause.date or clause.subject.page or clause.verb == "ont" or head.lower() in NO_AGENT:
        return []
    after = clause.rest[match.end(1) + 1 + len(thing) :]
    if (
        after.startswith((",", " et ", " ("))
        or re.search(r"\d", thing)
        or not has_name(thing)
        or _ADVERB.search(clause.core)
        or "(" in maker
    ):
        return []
    return forms("who", "made", maker, f"{thing} {match[1]}", [f"Qui a {match[1]} {thing} ?"])


def _plain(clause: Clause) -> bool:
    core = clause.core
    return clause.date is None and standalone(core, "fr") and single(core) and not _ADVERB.search(core)
