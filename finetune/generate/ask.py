"""Questions about one field of one document: which, who, when, where, how many, lists, yes or no."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.examples import Asked, Type
from finetune.generate.fields import Cell, Field
from finetune.generate.lexicon import FIRMS, WHEN, WHO
from finetune.generate.nouns import Noun, noun
from finetune.generate.phrase import ANSWERS, QUESTIONS, VERBS, capital, enumerated, filled, words
from finetune.generate.prose.subjects import told_by
from finetune.generate.titles import is_name, named, of
from finetune.generate.values import day, is_date, is_plain
from finetune.sources import SourceDocument
from retrieval.text import fold
from retrieval.types import Language

LONGEST_CLOSED = 60
"""Characters of a value that a yes-or-no question repeats."""
_DATED = re.compile(r"\b(?:date|annee|year|quand|when|depuis|since|jour|day)\b")


@dataclass(frozen=True)
class Turn:
    """Which turns of phrase ask for a field, and what type of question they make."""

    type: Type
    groups: tuple[str, ...]
    answers: str
    plural: bool = False


def name_of(field: Field, language: Language) -> Noun:
    """What a field is called; in quotation marks when its value is more a remark than the value of a noun."""
    is_address = re.match(r"https?:|www\.|[\w-]+(?:\.[\w-]+)+(?:/|$)", field.value)
    counts = field.shape == "number" and noun(field.key, language).concept == "users"
    key = "site web" if field.folded == "site" and is_address else "number of users" if counts else field.key
    found = noun(key, language)
    remark = any(len(value.split()) > 4 or (value[0].islower() and " " in value) for value in field.values)
    return Noun(field.key, "") if remark and not found.concept else found


def turn(field: Field, name: Noun) -> Turn:
    """How a field is asked about, by its name and its values."""
    concept = (f"concept.{name.concept}",)
    if field.shape == "bool":
        return Turn("yes-no", ("bool",), f"bool-{field.value.lower()}")
    if field.shape in ("list", "records"):
        many = bool(name.plural) and len(field.values) > 1
        if field.shape == "list" or many:
            return Turn(
                "items", ("items", *concept) if many else ("items-quoted",), "known" if many else "quoted", many
            )
    if _is_when(field, name):
        return Turn(
            "when", ("when-quoted",) if name.quoted else ("when", *concept), "quoted" if name.quoted else "known"
        )
    if name.quoted:
        return (
            Turn("how-many", ("number-quoted",), "quoted") if _counts(field) else Turn("which", ("quoted",), "quoted")
        )
    plural = _is_plural(field, name)
    if name.concept in WHO:
        return Turn("who", (*(("which",) if name.concept in FIRMS else ("who",)), *concept), "known", plural)
    if name.concept in ("amount", "price", "duration"):
        return Turn("how-many", ("amount" if name.concept != "duration" else "which", *concept), "known", plural)
    return Turn("where" if name.concept == "place" else "which", ("which", *concept), "known", plural)


def _is_when(field: Field, name: Noun) -> bool:
    if name.concept in WHEN:
        return is_date(field.value)
    # A year alone is as often a port, a count or a code; a date with its month is a date.
    return field.shape == "date" and (not field.value.isdigit() or bool(_DATED.search(field.folded)))


def _counts(field: Field) -> bool:
    return field.shape == "number" and field.value[0] != "0"


def _is_plural(field: Field, name: Noun) -> bool:
    """Whether the document itself writes the field's name in the plural: `Bases de données : MySQL, MariaDB`."""
    many = name.plural and ("," in field.value or " et " in field.value or " and " in field.value)
    first = field.folded.partition(" ")[0]
    return bool(many) and first.endswith(("s", "x")) and fold(name.word).partition(" ")[0] != first


def forms(turned: Turn, language: Language) -> list[tuple[str, str]]:
    """(form id, form) of every way to ask."""
    known = QUESTIONS[language]
    return [(f"{group}.{i}", form) for group in turned.groups for i, form in enumerate(known.get(group, ()))]


def about_field(document: SourceDocument, field: Field, rng: random.Random) -> Iterator[Asked]:
    """The field asked about in every way there is, in an order of the random generator."""
    language = document.language
    name = name_of(field, language)
    turned = turn(field, name)
    said = words(document.title, name, language, plural=turned.plural)
    v = shown(field, language)
    values = {**said, "v": v if name.quoted else day(v, language), "quote": field.quote.lstrip("-*+• ")}
    ways = forms(turned, language)
    rng.shuffle(ways)
    answers = ANSWERS[language][turned.answers]
    if not name.quoted and fold(name.word)[:4] not in field.folded:
        answers = ANSWERS[language]["translated"]  # the noun is ours: the field's own name says which is meant
    elif name.concept == "place" and language == "fr":
        answers = ANSWERS[language]["place"]  # "est Australie" lacks the article that the value does not have
    for form, question in ways:
        answer = filled(rng.choice(answers), values)
        yield Asked(
            filled(question, values),
            answer,
            turned.type,
            f"field.{form}",
            field.values,
            field.quote,
            fact(document, field.folded),
        )


def shown(field: Field, language: Language) -> str:
    """The value as it stands in a sentence."""
    return enumerated([value.rstrip(".") for value in field.values], language)


def fact(document: SourceDocument, *parts: str) -> str:
    """Identity of what is asked of a document."""
    return "|".join((document.key, *parts))


def yes_or_no(document: SourceDocument, field: Field, wrong: Sequence[str], rng: random.Random) -> Iterator[Asked]:
    """Whether the field has a value: its own, or one of another document (`wrong`)."""
    if field.shape in ("bool", "records") or len(field.value) > LONGEST_CLOSED or "://" in field.value:
        return
    language = document.language
    name = name_of(field, language)
    many = field.shape == "list"
    usable = not name.quoted and (not many or bool(name.plural)) and name.concept != "config"
    kind = ("among" if many else "yes-no") + ("" if usable else "-quoted")
    said = words(document.title, name, language, plural=many)
    ways = [(f"{kind}.{i}", form) for i, form in enumerate(QUESTIONS[language][kind])]
    rng.shuffle(ways)
    other = [value for value in wrong if not _overlaps(value, field)]
    for form, question in ways[:2]:
        value = rng.choice(other) if other and rng.random() < 0.5 else rng.choice(field.values)
        if question.startswith("{v}") and day(value, language)[0].islower():
            continue  # a sentence may not begin so, and the value may not be changed
        answer = _verdict(value in field.values, many=many, usable=usable, value=value)
        v, w = shown(field, language), value.rstrip(".")
        v, w = (day(v, language), day(w, language)) if usable else (v, w)
        text = filled(rng.choice(ANSWERS[language][answer]), {**said, "v": v, "w": w})
        asked = filled(question, {**said, "v": w})
        yield Asked(
            asked, text, "yes-no", f"field.{form}", field.values, field.quote, fact(document, field.folded, fold(value))
        )


def _verdict(right: bool, *, many: bool, usable: bool, value: str) -> str:
    """Which answers there are to a yes-or-no question."""
    if not right and usable and not many and re.match(r"(?:non|not|no)\b", value, re.IGNORECASE):
        return "no-plain"  # "et non non conforme"
    return f"{'yes' if right else 'no'}{'-among' if many else ''}{'' if usable else '-quoted'}"


def _overlaps(value: str, field: Field) -> bool:
    """Whether saying that the field is not this value would be wrong, or half wrong."""
    said = fold(value)
    return any(said in fold(own) or fold(own) in said for own in field.values)


def about_records(document: SourceDocument, field: Field, rng: random.Random) -> Iterator[Asked]:
    """When each of a list of records begins, ends or takes place."""
    language = document.language
    name = name_of(field, language)
    if name.quoted or not name.concept:
        return
    said = words(document.title, name, language)
    for i, record in enumerate(field.records):
        for key, verb in VERBS[language].items():
            if is_date(record.get(key, "")) and record[key] in field.quote:
                yield _record(document, field, i, {**said, "verb": verb}, record[key], rng)


def _record(
    document: SourceDocument, field: Field, i: int, said: Mapping[str, str], day: str, rng: random.Random
) -> Asked:
    language = document.language
    form = rng.randrange(len(QUESTIONS[language]["record"]))
    values = {**said, "name": field.values[i], "v": day, "One": capital(said["one"]), "verbs": _third(said["verb"])}
    answer = filled(rng.choice(ANSWERS[language]["record"]), values)
    question = filled(QUESTIONS[language]["record"][form], values)
    return Asked(
        question,
        answer,
        "when",
        f"field.record.{form}",
        (day,),
        field.quote,
        fact(document, field.folded, field.values[i], said["verb"]),
    )


def _third(verb: str) -> str:
    """An English verb in the third person."""
    head, _, rest = verb.partition(" ")
    return f"{head}s {rest}".strip()


def _is_code(row: str) -> bool:
    """Whether a row's name is one that is known elsewhere too: `CT-2023-011`, `SIRPA`, and not `Majeure` or `Taxi`."""
    return is_name(row) and (any(c.isdigit() for c in row) or row.isupper()) and any(c.isalpha() for c in row)


def _about_row(document: SourceDocument, cell: Cell, name: Noun, rng: random.Random) -> Asked:
    """A row asked about as the thing that it is: `Quel est le fournisseur de CT-2023-011, d'après la page « Contrats » ?`"""
    language = document.language
    form = rng.randrange(2)
    values = {**words(cell.row, name, language), "v": day(cell.value.rstrip("."), language)}
    asked = filled(QUESTIONS[language]["which"][form], values).rstrip("? \u00a0\u202f")
    question = f"{asked}{told_by(document.title, language)}{' ?' if language == 'fr' else '?'}"
    answer = filled(ANSWERS[language]["known"][form], values)
    asks = fact(document, fold(cell.row), fold(cell.column))
    return Asked(question, answer, "which", f"table.row.{form}", (cell.value,), cell.quote, asks)


def about_cell(document: SourceDocument, cell: Cell, rng: random.Random) -> Asked:
    """What a table's column holds for one of its rows."""
    language = document.language
    name = noun(cell.column, language)
    if not name.quoted and _is_code(cell.row) and is_plain(cell.value):
        return _about_row(document, cell, name, rng)
    form = rng.randrange(len(QUESTIONS[language]["cell"]))
    values = {
        "T": named(document.title, language),
        "of": of(document.title, language),
        "row": cell.row,
        "column": cell.column,
        "v": cell.value.rstrip("."),
    }
    answer = filled(rng.choice(ANSWERS[language]["cell"]), values)
    question = filled(QUESTIONS[language]["cell"][form], values)
    return Asked(
        question,
        answer,
        "which",
        f"table.cell.{form}",
        (cell.value,),
        cell.quote,
        fact(document, fold(cell.row), fold(cell.column)),
    )
