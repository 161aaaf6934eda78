"""Questions over several documents: comparisons of two, and lists of those that share a value."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from finetune.examples import Type
from finetune.generate.ask import fact, name_of
from finetune.generate.catalogue import Catalogue, Stated
from finetune.generate.fields import Field
from finetune.generate.nouns import Noun
from finetune.generate.phrase import ANSWERS, QUESTIONS, count_word, enumerated, filled, second, words
from finetune.generate.titles import named, of
from finetune.generate.values import day, iso, number
from finetune.sources import SourceDocument
from retrieval.text import fold
from retrieval.types import Language

LONGEST = 60
"""Characters of a value that is compared or shared, and of a title that stands in a list."""
NAMED = 4
"""Documents that a question with a closed choice names."""


@dataclass(frozen=True)
class Across:
    """A question over several documents; its answer cites already, as each part rests on another chunk."""

    question: str
    answer: str
    type: Type
    form: str
    answers: tuple[str, ...]
    chunks: tuple[int, ...]
    documents: tuple[int, ...]
    fact: str


def comparisons(
    document: SourceDocument, field: Field, catalogue: Catalogue, split: str, rng: random.Random
) -> Iterator[Across]:
    """The field of this document against that of another one: the same or not, and which is more."""
    if not _comparable(field) or names_itself(document, field.value):
        return
    for other in catalogue.others(document, split, field.folded, rng, 1):
        if len(other.value) <= LONGEST and _is_distinct(field.value, other.value):
            yield _same(document, field, other, rng)
            yield from _ordered(document, field, other, rng)


def names_itself(document: SourceDocument, value: str) -> bool:
    """Whether a value repeats the thing's name, `Nom complet : Gestion intégrée GIDAF`: another's cannot be the same."""
    return fold(document.title) in fold(value)


def _comparable(field: Field) -> bool:
    return field.shape in ("text", "number", "date") and len(field.value) <= LONGEST and "://" not in field.value


def _is_distinct(one: str, other: str) -> bool:
    """Whether two values are the same, or clearly not: `PHP` and `PHP 8` are neither."""
    a, b = fold(one), fold(other)
    return a == b or (a not in b and b not in a)


def _same(document: SourceDocument, field: Field, other: Stated, rng: random.Random) -> Across:
    language = document.language
    name = name_of(field, language)
    tail = "-quoted" if name.quoted else ""
    same = fold(field.value) == fold(other.value)
    kinds = ["same", "same"] if same else ["same", "differ"]
    kind = rng.choice(kinds) + tail
    form = rng.randrange(len(QUESTIONS[language][kind]))
    values = _values(document, field, other, name)
    question = filled(QUESTIONS[language][kind][form], values)
    lead = "same-yes" if same else "differ" if kind.startswith("differ") else "same-no"
    answer = _two(field, other, values, language, (f"{lead}{tail}", f"{'other-same' if same else 'other'}{tail}"), rng)
    return _made(document, field, other, question, answer, f"compare.{kind}.{form}")


def _ordered(document: SourceDocument, field: Field, other: Stated, rng: random.Random) -> Iterator[Across]:
    """Which of two is more, or earlier: only for bare numbers and whole dates of a field with a name of its own."""
    language = document.language
    name = name_of(field, language)
    days, counts = (iso(field.value), iso(other.value)), (number(field.value), number(other.value))
    kind = "older" if all(days) else "more" if name.concept == "amount" and None not in counts else ""
    mine, theirs = days if kind == "older" else counts
    if not kind or name.quoted or mine == theirs or mine is None or theirs is None:
        return
    wins = mine < theirs if kind == "older" else mine > theirs  # type: ignore[operator]
    values = _values(document, field, other, name)
    form = rng.randrange(len(QUESTIONS[language][kind]))
    said = _two(field, other, values, language, ("differ", "other"), rng)
    winner = values["T"] if wins else values["U"]
    answer = f"{said} C'est donc {winner}." if language == "fr" else f"{said} So it is {winner}."
    yield _made(
        document, field, other, filled(QUESTIONS[language][kind][form], values), answer, f"compare.{kind}.{form}"
    )


def _values(document: SourceDocument, field: Field, other: Stated, name: Noun) -> dict[str, str]:
    language = document.language
    said = {**words(document.title, name, language), **second(other.title, language)}
    v, w = field.value.rstrip("."), other.value.rstrip(".")
    return {**said, "v": v, "w": w} if name.quoted else {**said, "v": day(v, language), "w": day(w, language)}


def _two(
    field: Field, other: Stated, values: dict[str, str], language: Language, groups: tuple[str, str], rng: random.Random
) -> str:
    """A sentence on each of two documents, with its citation."""
    mine, theirs = (filled(rng.choice(ANSWERS[language][group]), values) for group in groups)
    return f"{mine} [chunk_{field.chunk.number}]. {theirs} [chunk_{other.chunk}]."


def _made(document: SourceDocument, field: Field, other: Stated, question: str, answer: str, form: str) -> Across:
    chunks, both = (field.chunk.number, other.chunk), (document.id, other.document)
    asked = fact(document, field.folded, "compare", str(other.document))
    values = tuple(dict.fromkeys((field.value, other.value)))
    return Across(question, answer, "comparison", form, values, chunks, both, asked)


def lists(
    document: SourceDocument, field: Field, catalogue: Catalogue, split: str, rng: random.Random
) -> Iterator[Across]:
    """Which documents share a value: all of them, asked from the first; or those among a few that are named."""
    if field.shape not in ("text", "list", "number", "date") or len(document.title) > LONGEST or "://" in field.value:
        return
    short = [value for value in field.values if len(value) <= LONGEST and not names_itself(document, value)]
    for value in short:
        sharing = catalogue.sharing(document, field.folded, value)
        known = {stated.document for stated, _ in sharing}
        if catalogue.elsewhere(document, field.folded, value) - known:
            continue  # the list would not be whole
        if len(sharing) > 1 and all(place == split for _, place in sharing) and sharing[0][0].document == document.id:
            yield _open(document, field, value, [stated for stated, _ in sharing], rng)
    for value in rng.sample(short, min(len(short), 1)):
        unlike = catalogue.others(document, split, field.folded, rng, NAMED, unlike=value)
        yield from _closed(document, field, value, unlike, catalogue, split, rng)


def _open(document: SourceDocument, field: Field, value: str, found: Sequence[Stated], rng: random.Random) -> Across:
    language = document.language
    name = name_of(field, language)
    kind = "list-quoted" if name.quoted else "list"
    form = rng.randrange(len(QUESTIONS[language][kind]))
    cited = enumerated([f"{named(s.title, language)} [chunk_{s.chunk}]" for s in found], language)
    values = {
        **words(document.title, name, language),
        "v": value.rstrip("."),
        "cited": cited,
        "count": count_word(len(found), language),
    }
    question = filled(QUESTIONS[language][kind][form], values)
    answer = filled(rng.choice(ANSWERS[language][kind]), values)
    return _listed(document, field, value, found, question, answer, f"{kind}.{form}")


def _closed(
    document: SourceDocument,
    field: Field,
    value: str,
    others: Sequence[Stated],
    catalogue: Catalogue,
    split: str,
    rng: random.Random,
) -> Iterator[Across]:
    """Named documents, of which some have the value: a choice that needs no document outside it."""
    language = document.language
    name = name_of(field, language)
    mine = Stated(document.id, document.title, value, field.chunk.number)
    same = [
        s
        for s, place in catalogue.sharing(document, field.folded, value)
        if place == split and s.document != document.id
    ]
    right = [mine, *rng.sample(same, min(len(same), rng.randrange(2)))]
    taken = {s.document for s, _ in catalogue.sharing(document, field.folded, value)} | {document.id}
    taken |= catalogue.elsewhere(document, field.folded, value)
    wrong = [s for s in others if s.document not in taken and _is_distinct(value, s.value) and len(s.title) <= LONGEST][
        : NAMED - len(right)
    ]
    if len(wrong) < 2 or (not same and _is_everywhere(catalogue, document, field, value)):
        return
    choice = [*right, *wrong]
    rng.shuffle(choice)
    kind = "list-closed-quoted" if name.quoted else "list-closed"
    form = rng.randrange(len(QUESTIONS[language][kind]))
    titles = enumerated([named(s.title, language) for s in choice], language)
    of_titles = enumerated([of(s.title, language) for s in choice], language)
    values = {**words(document.title, name, language), "v": value.rstrip("."), "names": titles, "ofs": of_titles}
    question = filled(QUESTIONS[language][kind][form], values)
    yield _listed(document, field, value, right, question, _who_has(document, right, values, name), f"{kind}.{form}")


def _is_everywhere(catalogue: Catalogue, document: SourceDocument, field: Field, value: str) -> bool:
    """Whether too many documents share the value to know them all: then one cannot say who has not got it."""
    return not catalogue.sharing(document, field.folded, value)


def _who_has(document: SourceDocument, right: Sequence[Stated], values: dict[str, str], name: Noun) -> str:
    language = document.language
    tail = "-quoted" if name.quoted else ""
    if len(right) == 1:
        return f"{filled(ANSWERS[language][f'list-one{tail}'][0], values)} [chunk_{right[0].chunk}]."
    cited = enumerated([f"{named(s.title, language)} [chunk_{s.chunk}]" for s in right], language)
    return filled(
        ANSWERS[language][f"list{tail}"][0], {**values, "cited": cited, "count": count_word(len(right), language)}
    )


def _listed(
    document: SourceDocument, field: Field, value: str, found: Sequence[Stated], question: str, answer: str, form: str
) -> Across:
    chunks = tuple(dict.fromkeys(s.chunk for s in found))
    documents = tuple(s.document for s in found)
    asked = fact(document, field.folded, "list", fold(value), form.split(".")[0])
    return Across(question, answer, "list", form, (value,), chunks, documents, asked)
