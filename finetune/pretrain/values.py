"""Values of every shape, made up: names, organisations, dates, versions, ports, addresses, money, codes, remarks."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from finetune.pretrain import words
from retrieval.types import Language

Maker = Callable[[random.Random, Language], str]


def title(rng: random.Random, language: Language) -> str:
    """The name of what a document is about."""
    return rng.choices((_coined, _camel, _acronym, _several, _described, _joined), (5, 2, 2, 3, 3, 1))[0](rng, language)


def _coined(rng: random.Random, language: Language) -> str:
    return words.capital(words.invented(rng, rng.choice((2, 2, 3))))


def _camel(rng: random.Random, language: Language) -> str:
    return _coined(rng, language) + words.capital(words.some(rng, language).split("-")[0])


def _acronym(rng: random.Random, language: Language) -> str:
    return words.letters(rng, rng.randint(3, 6)) + rng.choice(
        ("", "", f" {rng.randint(1, 99)}", f"-{rng.randint(1, 9)}")
    )


def _several(rng: random.Random, language: Language) -> str:
    parts = [words.capital(words.some(rng, language)) for _ in range(rng.randint(2, 3))]
    return " ".join(parts)


def _described(rng: random.Random, language: Language) -> str:
    """A title that is a phrase: `Suivre les dossiers agricoles`, `Mes aides`."""
    a, b = words.noun(rng, language), words.noun(rng, language)
    forms: tuple[str, ...]
    if language == "fr":
        forms = (
            f"{words.capital(words.verb(rng, 'fr'))} les {a}", f"Mes {a}", f"{words.capital(a)} et {b}", f"Les {a} des {b}",
            f"{words.capital(a)} des {words.people(rng, 'fr')}", f"{words.capital(a)} ({words.letters(rng, 4)})",
            f"{words.capital(a)} : {b}", f"Nos {a} {words.adjective(rng, 'fr')}",
        )  # fmt: skip
    else:
        forms = (
            f"{words.capital(words.verb(rng, 'en'))} the {a}", f"My {a}", f"{words.capital(a)} and {b}", f"The {a} of {b}",
            f"{words.capital(a)} for {words.people(rng, 'en')}", f"{words.capital(a)} ({words.letters(rng, 4)})",
            f"{words.capital(words.adjective(rng, 'en'))} {b}",
        )  # fmt: skip
    return rng.choice(forms)


def _joined(rng: random.Random, language: Language) -> str:
    sign = rng.choice(("-", "'", ".", "_", " & "))
    return f"{_coined(rng, language)}{sign}{words.some(rng, language)}"


def person(rng: random.Random, language: Language) -> str:
    first, last = (_coined(rng, language) for _ in range(2))
    return rng.choice(
        (
            f"{first} {last}",
            f"{first} {last}",
            f"{first}-{_coined(rng, language)} {last}",
            f"{first.lower()}.{last.lower()}",
        )
    )


def organisation(rng: random.Random, language: Language) -> str:
    name = rng.choice((_coined, _acronym, _several))(rng, language)
    end = rng.choice(("", "", " SA", " Labs", " Foundation", " Group", " SARL", " & Co"))
    return rng.choice((f"{name}{end}", f"{name}{end}", name.lower().replace(" ", "-"), f"/organisations/{slug(name)}"))


def slug(text: str) -> str:
    """A title as it stands in a path: `mes-aides`."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def day(rng: random.Random, language: Language) -> str:
    year, month, date = rng.randint(1960, 2031), rng.randint(1, 12), rng.randint(1, 28)
    name = words.listed(f"months {language}")[month - 1]
    written = f"{date} {name} {year}" if language == "fr" or rng.random() < 0.7 else f"{name} {date}, {year}"
    return rng.choice(
        (
            f"{year}-{month:02}-{date:02}",
            f"{year}-{month:02}-{date:02}",
            written,
            f"{name} {year}",
            f"{date:02}/{month:02}/{year}",
        )
    )


def year(rng: random.Random, language: Language) -> str:
    return str(rng.randint(1950, 2031)) if rng.random() < 0.6 else day(rng, language)


def version(rng: random.Random, language: Language) -> str:
    parts = ".".join(str(rng.randint(0, 40)) for _ in range(rng.randint(2, 3)))
    return rng.choice((parts, parts, f"v{parts}", f"{parts}-rc{rng.randint(1, 9)}", f"{parts} LTS"))


def port(rng: random.Random, language: Language) -> str:
    return rng.choice((str(rng.randint(20, 999)), str(rng.randint(1000, 65535)), f"{rng.randint(1000, 9999)}/tcp"))


def number(rng: random.Random, language: Language) -> str:
    size = rng.randint(1, 6)
    plain = rng.randint(10 ** (size - 1), 10**size - 1)
    shown = f"{plain:,}".replace(",", " " if language == "fr" else ",") if rng.random() < 0.5 else str(plain)
    half = f"{rng.randint(0, 99)}{',' if language == 'fr' else '.'}{rng.randint(0, 99)}"
    return rng.choice((shown, shown, half))


def quantity(rng: random.Random, language: Language) -> str:
    return f"{number(rng, language)} {rng.choice(words.listed('units'))}"


def money(rng: random.Random, language: Language) -> str:
    return rng.choice(
        (
            f"{number(rng, language)} €",
            f"{number(rng, language)} euros",
            f"${number(rng, 'en')}",
            f"{number(rng, language)} k€",
        )
    )


def duration(rng: random.Random, language: Language) -> str:
    units = (
        ("jours", "mois", "ans", "semaines", "heures")
        if language == "fr"
        else ("days", "months", "years", "weeks", "hours")
    )
    return f"{rng.randint(2, 90)} {rng.choice(units)}"


def host(rng: random.Random, language: Language) -> str:
    end = rng.choice("fr com org net io eu dev gouv.fr example".split())
    return f"{rng.choice(('', '', 'www.', 'app.', 'docs.'))}{slug(words.some(rng, language))}.{end}"


def url(rng: random.Random, language: Language) -> str:
    tail = "".join(f"/{slug(words.some(rng, language))}" for _ in range(rng.randint(0, 2)))
    return f"https://{host(rng, language)}{tail}"


def email(rng: random.Random, language: Language) -> str:
    return f"{rng.choice((words.invented(rng), 'contact', words.noun(rng, language)))}@{host(rng, language)}"


def file(rng: random.Random, language: Language) -> str:
    end = rng.choice("conf yml json ini toml xml cfg env properties log".split())
    folder = rng.choice(("", "/etc/", "/var/lib/", "config/", "/opt/", "~/."))
    return f"{folder}{words.invented(rng)}{rng.choice(('/', '-', '_'))}{words.some(rng, language)}.{end}"


def code(rng: random.Random, language: Language) -> str:
    a, b = words.letters(rng, rng.randint(2, 4)), words.digits(rng, rng.randint(2, 5))
    return rng.choice(
        (f"{a}-{b}", f"{a}{b}", f"{a}-{b}-{words.letters(rng, 1)}", f"{words.digits(rng, 2)}{a}{b}", b + a.lower())
    )


def term(rng: random.Random, language: Language) -> str:
    """A word or two in lower case, a category or a status."""
    return rng.choice((
        words.some(rng, language), words.invented(rng), f"{words.noun(rng, language)} {words.adjective(rng, language)}",
        f"{words.invented(rng)} {words.some(rng, language)}", f"{words.some(rng, language)}-{words.some(rng, language)}",
    ))  # fmt: skip


def proper(rng: random.Random, language: Language) -> str:
    """A word or two with capitals: a technology, a place."""
    return rng.choice((_coined, _camel, _acronym, _several))(rng, language)


def purpose(rng: random.Random, language: Language) -> str:
    """What something is for, from its verb on: `suivre les dossiers des agents`."""
    verb, noun, other = words.verb(rng, language), words.noun(rng, language), words.noun(rng, language)
    people, adjective, second = words.people(rng, language), words.adjective(rng, language), words.verb(rng, language)
    a, b = proper(rng, language), proper(rng, language)
    if language == "fr":
        end = rng.choice((
            "", f" pour les {people}", f" des {people}", f" grâce aux {other}", f" dans les {other}", f" et {second} les {other}",
            f", de {a} à {b}",
        ))  # fmt: skip
        return f"{verb} {rng.choice(('les', 'des'))} {noun}{rng.choice(('', f' {adjective}'))}{end}"
    end = rng.choice((
        "", f" for {people}", f" of the {people}", f" with {other}", f" in the {other}", f" and {second} the {other}",
        f" from {a} to {b}",
    ))  # fmt: skip
    return f"{verb} {rng.choice(('the', 'their', 'all'))} {rng.choice(('', f'{adjective} '))}{noun}{end}"


def remark(rng: random.Random, language: Language) -> str:
    """A value that is a phrase of several words."""
    made = rng.choice((purpose, purpose, term))(rng, language)
    return words.capital(made) if rng.random() < 0.5 else made


def licence(rng: random.Random, language: Language) -> str:
    return (
        rng.choice(words.listed("licences"))
        if rng.random() < 0.6
        else f"{words.letters(rng, 3)} {rng.randint(1, 5)}.{rng.randint(0, 9)}"
    )


ANY: tuple[Maker, ...] = (
    person, organisation, day, version, port, number, quantity, money, url, email, file, code, term, proper, remark, duration,
)  # fmt: skip
BY_CONCEPT: Mapping[str, tuple[Maker, ...]] = {
    "licence": (licence,), "port": (port,), "language": (proper, term), "technology": (proper, term), "framework": (proper,),
    "vendor": (organisation, person), "company": (organisation,), "creator": (person, organisation), "author": (person,),
    "founder": (person,), "maintainer": (person, organisation), "host": (organisation, proper), "hosting": (proper, term),
    "incubator": (organisation, proper), "sponsor": (organisation,), "who": (person, organisation), "firm": (organisation,),
    "release": (year,), "created": (year,), "when": (day,), "status": (term,), "phase": (term,), "category": (term, remark),
    "website": (url, host), "repository": (url,), "place": (proper,), "database": (proper,), "config": (file,),
    "platform": (proper, term), "price": (money,), "amount": (money, number, quantity), "duration": (duration,), "users": (term,),
    "topic": (term, proper),
}  # fmt: skip
"""What a field of each concept of the lexicon usually holds."""
