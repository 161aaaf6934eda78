"""Made-up prose: what a thing is, what it is for, sections of a few sentences or a list; each with its question and answer."""

from __future__ import annotations

import random

from finetune.examples import Asked
from finetune.generate.phrase import elide
from finetune.generate.titles import named, of, quoted
from finetune.pretrain import values, words
from retrieval.types import Language

_THINGS = {
    "fr": "un outil|un service|une application|un logiciel|un serveur|une plateforme|un projet|un site|un guide|une base de données".split(
        "|"
    ),
    "en": "a tool|a service|an application|a program|a server|a platform|a project|a site|a library|a database".split(
        "|"
    ),
}
_HEADINGS = {
    "fr": "Contexte|Solution|Le problème|Objectifs|Exploitation|Mise en service|Historique|Calendrier|Équipe|Limites|Usages"
    "|Résultats|Origine|Budget|Suites".split("|"),
    "en": "Background|Solution|The problem|Goals|Operations|Set-up|History|Calendar|Team|Limits|Uses|Results|Origin|Budget"
    "|Next steps".split("|"),
}  # fmt: skip


def mission(rng: random.Random, title: str, language: Language) -> tuple[str, list[Asked]]:
    """A line that says what it is for, and the questions about it."""
    purpose = values.purpose(rng, language)
    key = rng.choice(("mission", "mission", "objectif", "but") if language == "fr" else ("mission", "purpose", "aim"))
    name, whose = named(title, language), of(title, language)
    if language == "fr":
        pairs = [
            (f"À quoi sert {name} ?", f"{name} sert à {purpose}."),
            (f"Quelle est la mission {whose} ?", f"{name} a pour mission {elide('de', purpose)}."),
            (f"Quel est le but {whose} ?", f"Le but {whose} est {elide('de', purpose)}."),
        ]
    else:
        pairs = [
            (f"What is {name} for?", f"{name} is meant to {purpose}."),
            (f"What is the purpose {whose}?", f"The purpose {whose} is to {purpose}."),
        ]
    line = f"{key} : {words.capital(purpose)}"
    return line, [_asked(*rng.choice(pairs), purpose, line)]


def definition(rng: random.Random, title: str, language: Language) -> tuple[str, list[Asked]]:
    """A sentence that says what it is, and the question about it."""
    thing, purpose = rng.choice(_THINGS[language]), values.purpose(rng, language)
    name = named(title, language)
    if language == "fr":
        what = f"{thing} {rng.choice(('qui permet de', 'qui sert à', 'pour', 'destiné à'))} {purpose}"
        what = (
            what.replace("de a", "d'a")
            .replace("de e", "d'e")
            .replace("de i", "d'i")
            .replace("de o", "d'o")
            .replace("de u", "d'u")
        )
        asks = (f"Qu'est-ce {elide('que', name)} ?", f"Comment définir {name} ?", f"C'est quoi, {name} ?")
    else:
        what = f"{thing} {rng.choice(('that helps to', 'used to', 'made to', 'to'))} {purpose}"
        asks = (f"What is {name}?", f"How is {name} defined?", f"What kind of thing is {name}?")
    is_ = "est" if language == "fr" else "is"
    line = f"{title} {is_} {what}."
    return line, [_asked(rng.choice(asks), f"{name} {is_} {what}.", what, line)]


def section(rng: random.Random, title: str, language: Language, most: int = 4) -> tuple[str, tuple[Asked, ...]]:
    """A heading with sentences, `most` of them, or a list below it; and the question what stands there."""
    heading = rng.choice(_HEADINGS[language]) if rng.random() < 0.5 else words.capital(values.term(rng, language))
    if rng.random() < 0.3:
        return _list(rng, title, language, heading)
    sentences = [sentence(rng, language) for _ in range(rng.randint(1, most))]
    name, whose, under = named(title, language), of(title, language), quoted(heading, language)
    asks = (
        (
            f"Que dit la documentation {whose} au sujet de {under} ?",
            f"Que peut-on lire dans la documentation {whose} sous {under} ?",
            f"Que dit la page {name} sous {under} ?",
        )
        if language == "fr"
        else (
            f"What does the documentation {whose} say under {under}?",
            f"What can one read under {under} in the documentation {whose}?",
        )
    )
    text = f"{rng.choice(('## ', '## ', '### '))}{heading}\n\n{' '.join(sentences)}"
    return text, (_asked(rng.choice(asks), sentences[0], sentences[0], sentences[0]),)


def _list(rng: random.Random, title: str, language: Language, heading: str) -> tuple[str, tuple[Asked, ...]]:
    items = list(
        dict.fromkeys(
            rng.choice((values.purpose, values.remark, values.term))(rng, language) for _ in range(rng.randint(2, 4))
        )
    )
    whose, under, sign = of(title, language), quoted(heading, language), rng.choice("-*")
    if language == "fr":
        ask, say = (
            f"Quels points la documentation {whose} énumère-t-elle sous {under} ?",
            f"Sous {under}, la documentation {whose} liste :",
        )
    else:
        ask, say = (
            f"What points does the documentation {whose} list under {under}?",
            f"Under {under}, the documentation {whose} lists:",
        )
    text = f"## {heading}\n\n" + "\n".join(f"{sign} {item}" for item in items)
    return text, (_asked(ask, "\n".join([say, *(f"- {item}" for item in items)]), items[0], items[0]),)


def sentence(rng: random.Random, language: Language) -> str:
    """One sentence of prose, with names, numbers and dates."""
    n, p = words.noun(rng, language), words.people(rng, language)
    who, date, amount = values.proper(rng, language), values.day(rng, language), values.number(rng, language)
    purpose, other = values.purpose(rng, language), values.purpose(rng, language)
    if language == "fr":
        forms = (
            f"Les {n} permettent aux {p} {elide('de', purpose)}.", f"Depuis {date}, {who} aide les {p} à {purpose}.",
            f"En {rng.randint(1980, 2030)}, {amount} {p} ont pu {purpose} et {other}.", f"{who} regroupe les {n} et les transmet aux {p}.",
            f"Il reste à {purpose}.", f"Le plus souvent, les {p} doivent {purpose} avant de pouvoir {other}.",
            f"On compte {amount} {n} à {who}.", f"Pour {purpose}, il faut {other}.", f"Les {p} manquent de {n}, ce qui empêche de {other}.",
        )  # fmt: skip
    else:
        forms = (
            f"The {n} allow {p} to {purpose}.", f"Since {date}, {who} has helped {p} to {purpose}.",
            f"In {rng.randint(1980, 2030)}, {amount} {p} could {purpose} and {other}.", f"{who} gathers the {n} and sends them to the {p}.",
            f"What is left is to {purpose}.", f"Most of the {p} must {purpose} before they can {other}.",
            f"There are {amount} {n} in {who}.", f"To {purpose}, one has to {other}.", f"The {p} lack {n}, so that they cannot {other}.",
        )  # fmt: skip
    return words.capital(rng.choice(forms))


def _asked(question: str, answer: str, value: str, quote: str) -> Asked:
    return Asked(question, answer, "definition", "pretrain", (value,), quote)
