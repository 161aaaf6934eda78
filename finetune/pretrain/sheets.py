"""Made-up documents: a title, fields as lines, bullets, tables or sentences, and sections of short prose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from finetune.examples import Asked
from finetune.generate.fields import Field, Shape
from finetune.generate.keys import folded
from finetune.generate.lexicon import Entry, lexicon
from finetune.generate.nouns import noun
from finetune.pretrain import values, words
from finetune.pretrain.prose import definition, mission, section
from finetune.sources import SourceChunk, SourceDocument
from retrieval.types import Language


@dataclass(frozen=True)
class Size:
    """How long made-up documents are at one stage of the curriculum."""

    fields: tuple[int, int]
    """At least and at most."""
    prose: float
    """Share of chunks that are a section of prose, or have one."""
    split: float = 0.25
    """Share of documents that are cut in two chunks."""
    long: float = 0.2
    """Share of fields that hold a list, records or a phrase."""
    sentences: int = 4
    """At most, in a section of prose."""


@dataclass(frozen=True)
class Part:
    """One chunk of a made-up document, with what it states."""

    document: SourceDocument
    chunk: SourceChunk
    fields: tuple[Field, ...]
    said: tuple[Asked, ...]
    """What its prose states, each with its question and answer."""


def made(rng: random.Random, language: Language, size: Size) -> list[Part]:
    """The chunks of one document."""
    title = values.title(rng, language)
    folder = rng.choice(("", "docs/", "fiches/", "notes/", "catalogue/", "data/", f"{words.invented(rng)}/"))
    path = f"{folder}{values.slug(title) or 'page'}.{rng.choice(('md', 'md', 'md', 'txt', 'pdf'))}"
    cut = 2 if rng.random() < size.split else 1
    entries = _entries(rng, language, rng.randint(*size.fields), size.long)
    shares = [entries[: len(entries) // 2], entries[len(entries) // 2 :]] if cut == 2 else [entries]
    bare = SourceDocument(1, path, title, language, ())
    parts = [_part(rng, bare, i, share, size) for i, share in enumerate(shares) if share or i == 0]
    if rng.random() < size.prose:
        text, said = section(rng, title, language, size.sentences)
        parts.append(Part(bare, SourceChunk(len(parts), text), (), said))
    whole = SourceDocument(1, path, title, language, tuple(part.chunk for part in parts))
    return [Part(whole, part.chunk, part.fields, part.said) for part in parts]


def _part(rng: random.Random, document: SourceDocument, at: int, entries: Sequence[_Entry], size: Size) -> Part:
    style = rng.choices((_plain, _bullets, _table, _sentences), (6, 2, 1, 1.5))[0]
    lines = style(rng, document.title, document.language, entries)
    before, said = _opening(rng, document) if at == 0 else ([], [])
    after = ""
    if rng.random() < size.prose / 2:
        after, more = section(rng, document.title, document.language, size.sentences)
        said = [*said, *more]
    text = "\n".join(before) + ("\n\n" if before and style is not _plain else "\n" if before else "") + "\n".join(lines)
    chunk = SourceChunk(at, f"{text}\n\n{after}".strip() if after else text.strip())
    named = zip(entries, lines[-len(entries) :] if entries else [], strict=True)
    return Part(document, chunk, tuple(e.field(chunk, line) for e, line in named), tuple(said))


def _opening(rng: random.Random, document: SourceDocument) -> tuple[list[str], list[Asked]]:
    """The lines before the fields: the title, what it is, what it is for."""
    title, language = document.title, document.language
    lines = rng.choice(([], [f"title : {title}"], [f"title : {title}"], [f"# {title}"], [f"name : {title}"], [title]))
    if (draw := rng.random()) < 0.3:
        line, said = mission(rng, title, language)
    elif draw < 0.5:
        line, said = definition(rng, title, language)
    else:
        return lines, []
    return [*lines, line], list(said)


# fields --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    key: str
    values: tuple[str, ...]
    shape: Shape
    shown: str
    records: tuple[dict[str, str], ...] = ()

    def field(self, chunk: SourceChunk, line: str) -> Field:
        return Field(self.key, self.values, self.shape, chunk, line.strip(), self.records)


@cache
def _known() -> tuple[tuple[str, Entry], ...]:
    return tuple(sorted(lexicon().items()))


def key(rng: random.Random, language: Language) -> str:
    """A field's name as a document writes it: one of the lexicon, or any other."""
    draw = rng.random()
    if draw < 0.66:
        told, entry = rng.choice(_known())
        word = entry.french if language == "fr" else entry.english
        plural = entry.french_plural if language == "fr" else entry.english_plural
        shown = rng.choices((word, told.replace(" ", "_"), plural), (5, 3, 1))[0]
        return words.capital(shown) if rng.random() < 0.25 else shown
    if draw < 0.82:
        shown = rng.choice(words.listed(f"keys {language}"))
        return words.capital(shown) if rng.random() < 0.6 else shown
    return (
        rng.choice(words.listed("keys code"))
        if draw < 0.92
        else f"{words.invented(rng)}{rng.choice(('', '_' + words.invented(rng)))}"
    )


def _entries(rng: random.Random, language: Language, count: int, long: float) -> list[_Entry]:
    """Fields of which no two have one name, nor are called alike."""
    found: list[_Entry] = []
    taken: set[str] = set()
    while len(found) < count:
        name = key(rng, language)
        known = noun(name, language)
        alike = {folded(name), known.word or folded(name), known.plural or folded(name)}
        if not alike & taken:
            taken |= alike
            found.append(_entry(rng, language, name, known.concept, long))
    return found


def _entry(rng: random.Random, language: Language, name: str, concept: str, long: float) -> _Entry:
    draw = rng.random()
    if concept == "phase" and draw < 0.5:
        return _records(rng, language, name)
    if draw < 0.03:
        value = rng.choice(("true", "false"))
        return _Entry(name, (value,), "bool", value)
    makers = values.BY_CONCEPT.get(concept, values.ANY) if rng.random() < 0.8 else values.ANY
    make = rng.choice(makers)
    if draw < 0.03 + long * 0.6:
        many = tuple(dict.fromkeys(make(rng, language).replace(",", "") for _ in range(rng.randint(2, 5))))
        return _Entry(name, many, "list" if len(many) > 1 else "text", ", ".join(many))
    value = make(rng, language)
    if draw > 1 - long * 0.3:
        value = f"{value} ({rng.choice((values.term, values.proper, values.number))(rng, language)})"
    is_number = make in (values.port, values.number, values.quantity, values.money) and value[0].isdigit()
    shape: Shape = "date" if make in (values.day, values.year) else "number" if is_number else "text"
    return _Entry(name, (value,), shape, value)


def _records(rng: random.Random, language: Language, name: str) -> _Entry:
    names = tuple(dict.fromkeys(values.term(rng, language) for _ in range(rng.randint(1, 4))))
    records = tuple(
        {"name": n, "start": f"{rng.randint(1990, 2031)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"}
        for n in names
    )
    shown = " ; ".join(f"name {r['name']}, start {r['start']}" for r in records)
    return _Entry(name, names, "records", shown, records)


# how fields are written ----------------------------------------------------------------------------------------------


def _plain(rng: random.Random, title: str, language: Language, entries: Sequence[_Entry]) -> list[str]:
    colon = rng.choice((" : ", " : ", " : ", ": "))
    return [f"{e.key}{colon}{e.shown}" for e in entries]


def _bullets(rng: random.Random, title: str, language: Language, entries: Sequence[_Entry]) -> list[str]:
    sign, colon = rng.choice("*-"), " : " if language == "fr" and rng.random() < 0.8 else ": "
    bold = "**" if rng.random() < 0.4 else ""
    return [f"{sign} {bold}{words.capital(e.key)}{bold}{colon}{e.shown}" for e in entries]


def _table(rng: random.Random, title: str, language: Language, entries: Sequence[_Entry]) -> list[str]:
    head = rng.choice(
        ("| Champ | Valeur |", "| Rubrique | Contenu |", "| | |")
        if language == "fr"
        else ("| Field | Value |", "| Item | Value |", "| | |")
    )
    return [head, "|---|---|", *(f"| {e.key} | {e.shown} |" for e in entries)]


def _sentences(rng: random.Random, title: str, language: Language, entries: Sequence[_Entry]) -> list[str]:
    from finetune.pretrain.asking import stated

    return [stated(rng, title, language, e.key, e.values) for e in entries]
