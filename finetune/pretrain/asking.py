"""Questions about made-up chunks, with their answers: those of `finetune.generate`, in the same turns of phrase."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from finetune.examples import Asked
from finetune.generate.ask import about_field, about_records, name_of, shown, yes_or_no
from finetune.generate.cite import cited
from finetune.generate.fields import Field
from finetune.generate.nouns import Noun, noun, spoken
from finetune.generate.phrase import ANSWERS, QUESTIONS, enumerated, filled, second, words
from finetune.generate.values import day
from finetune.pretrain.prompts import REFUSALS
from finetune.pretrain.prose import definition, mission, section
from finetune.pretrain.sheets import Part, key
from finetune.sources import SourceChunk, SourceDocument
from retrieval.types import Language

LANGUAGES: tuple[Language, Language] = ("fr", "en")


@dataclass(frozen=True)
class Pair:
    """A question with its answer as a row shows them."""

    question: str
    answer: str
    values: tuple[str, ...] = ()
    """What the answer copies; empty for a refusal."""
    gold: tuple[int, ...] = ()
    """Places of the chunks it cites."""
    quote: str = ""
    """The words of the cited chunk that state the values, where they are of one chunk."""
    names: tuple[str, ...] = ()
    """What the field is called, in the chunk and in the answer."""


def stated(rng: random.Random, title: str, language: Language, name: str, values: Sequence[str]) -> str:
    """A field as a sentence of prose."""
    known = noun(name, language)
    plural = len(values) > 1 and bool(known.plural)
    turns = ANSWERS[language]["quoted" if known.quoted else "known"]
    return filled(
        rng.choice(turns[:2]), {**words(title, known, language, plural=plural), "v": enumerated(list(values), language)}
    )


def pairs(rng: random.Random, parts: Sequence[Part], ids: Sequence[int], count: int) -> list[Pair]:
    """Questions about the chunks shown under these ids, no two with one answer; refusals among them."""
    found: dict[tuple[str, ...], Pair] = {}
    for _ in range(count * 3):
        if len(found) >= count:
            break
        kind = rng.choices((_known, _refused, _compared, _closed), (80, 20, 4 if len(parts) > 1 else 0, 7))[0]
        pair = kind(rng, parts, ids)
        if pair is not None and (pair.gold or sum(not p.gold for p in found.values()) < max(1, count // 4)):
            found.setdefault((*pair.values, str(pair.gold)) if pair.gold else (pair.question,), pair)
    return list(found.values())


def _known(rng: random.Random, parts: Sequence[Part], ids: Sequence[int]) -> Pair | None:
    """What one chunk states."""
    at = rng.randrange(len(parts))
    part = parts[at]
    if part.said and rng.random() < (0.25 if part.fields else 1):
        return _pair(rng.choice(part.said), at, ids)
    if not part.fields:
        return None
    field = rng.choice(part.fields)
    if field.shape == "records":
        asked = next(iter(_shuffled(rng, about_records(part.document, field, rng))), None)
    else:
        asked = _about(rng, part.document, field)
    return _pair(asked, at, ids, field) if asked else None


class _Steady(random.Random):
    """Chooses the first four times out of five: of the turns that an answer can have, one is enough to learn."""

    def choice(self, seq: Any) -> Any:
        return seq[0] if self.random() < 0.8 else super().choice(seq)


def _about(rng: random.Random, document: SourceDocument, field: Field) -> Asked | None:
    """The field asked about as our generator asks, or as people type."""
    asked = next(about_field(document, field, _Steady(rng.random())), None)
    name = name_of(field, document.language)
    if asked is None or name.quoted or field.shape == "bool" or rng.random() > 0.25:
        return asked
    forms = _TYPED[document.language]
    said = words(document.title, name, document.language)
    return replace(asked, question=filled(rng.choice(forms), said))


_TYPED = {
    "fr": (
        "C'est quoi {le} {of} ?", "Donne-moi {le} {of}.", "{Le} {of} ?", "{T}, {le} ?", "Dis-moi {quel} {le} {of}.",
        "On m'a demandé {le} {of}.", "{Quel} actuellement {le} {of} ?", "As-tu {le} {of} ?", "{np} {T}",
        "Que vaut {le} {of} ?", "Trouve {le} {of}.", "Pour {T}, donne {le}.",
    ),
    "en": (
        "What's the {np} of {T}?", "Tell me the {np} of {T}.", "{T}: {np}?", "{np} of {T}", "Find the {np} of {T}.",
        "Give the {np} of {T}, please.", "I need the {np} of {T}.", "Which {np} does {T} have?", "{T} {np}",
    ),
}  # fmt: skip
"""What people type, beside the turns of `finetune.generate`."""


def _closed(rng: random.Random, parts: Sequence[Part], ids: Sequence[int]) -> Pair | None:
    """Whether a field has a value."""
    at = rng.randrange(len(parts))
    if not parts[at].fields:
        return None
    field = rng.choice(parts[at].fields)
    wrong = [v for part in parts for f in part.fields if f is not field and f.shape == field.shape for v in f.values]
    asked = next(yes_or_no(parts[at].document, field, wrong, rng), None)
    return _pair(asked, at, ids, field) if asked else None


def _pair(asked: Asked, at: int, ids: Sequence[int], field: Field | None = None) -> Pair:
    names: tuple[str, ...] = ()
    if field is not None:
        known = [noun(field.key, language) for language in LANGUAGES]
        names = (field.key, spoken(field.key), *(name for n in known for name in (n.plural, n.word) if name))
    return Pair(asked.question, cited(asked.answer, ids[at]), asked.answers, (at,), asked.quote, names)


def _shuffled(rng: random.Random, asked: Iterable[Asked]) -> list[Asked]:
    found = list(asked)
    rng.shuffle(found)
    return found


def _compared(rng: random.Random, parts: Sequence[Part], ids: Sequence[int]) -> Pair | None:
    """One field of two documents, each sentence with its chunk; the second chunk states it too, or else there is no answer."""
    i, j = rng.sample(range(len(parts)), 2)
    one, other = parts[i], parts[j]
    if one.document is other.document or not one.fields:
        return None
    field = rng.choice(one.fields)
    twin = next((f for f in other.fields if f.folded == field.folded), None)
    language = one.document.language
    name = name_of(field, language)
    if name.quoted or field.shape in ("records", "bool") or other.document.language != language:
        return None
    said = words(one.document.title, name, language) | second(other.document.title, language)
    question = filled(rng.choice(QUESTIONS[language]["differ"]), said)
    if twin is None:
        lacks = all(field.folded != f.folded for p in parts if p.document is other.document for f in p.fields)
        return Pair(question, REFUSALS[language]) if lacks and rng.random() < 0.1 else None
    filling = {**said, "v": day(shown(field, language), language), "w": day(shown(twin, language), language)}
    first = cited(filled(rng.choice(ANSWERS[language]["differ"]), filling), ids[i])
    last = cited(filled(rng.choice(ANSWERS[language]["other"]), filling), ids[j])
    return Pair(question, f"{first} {last}", (*field.values, *twin.values), (i, j))


# refusals ------------------------------------------------------------------------------------------------------------


def _refused(rng: random.Random, parts: Sequence[Part], ids: Sequence[int]) -> Pair | None:
    """A field that another document has, one that none has, or a document that is not there."""
    part = rng.choice(parts)
    language = part.document.language
    if rng.random() < 0.15:
        return _not_told(rng, parts, part)
    if rng.random() < 0.4:
        from finetune.pretrain.values import title

        absent = SourceDocument(1, "absent", title(rng, language), language, ())
        fields = [f for p in parts for f in p.fields if f.shape not in ("records", "bool")]
        document, field = absent, rng.choice(fields) if fields and rng.random() < 0.7 else _any(rng, language)
    else:
        others = [
            f for p in parts if p.document is not part.document for f in p.fields if f.shape not in ("records", "bool")
        ]
        document, field = part.document, rng.choice(others) if others and rng.random() < 0.7 else _any(rng, language)
    if _is_told(document, field, parts):
        return None
    asked = _about(rng, document, field)
    return Pair(asked.question, REFUSALS[language]) if asked else None


def _is_told(document: SourceDocument, field: Field, parts: Sequence[Part]) -> bool:
    language = document.language
    name = _named(noun(field.key, language))
    own = [f for p in parts if p.document is document for f in p.fields]
    same = any(p.document is not document and p.document.title == document.title for p in parts)
    return same or any(f.folded == field.folded or _named(noun(f.key, language)) & name for f in own)


def _named(known: Noun) -> set[str]:
    """What a field is called, or is about: who asks for the website is not told by the link."""
    return {known.word, known.plural, known.concept} - {"", "which", "when", "who", "place", "amount", "duration"}


def _any(rng: random.Random, language: Language) -> Field:
    from finetune.pretrain.values import ANY

    return Field(key(rng, language), (rng.choice(ANY)(rng, language),), "text", SourceChunk(0, ""), "")


def _not_told(rng: random.Random, parts: Sequence[Part], part: Part) -> Pair | None:
    """What a thing is or is for, or what stands under a heading, where no chunk says so."""
    document = part.document
    if any(p.said for p in parts if p.document is document):
        return None
    told = rng.choice((mission, definition, section))(rng, document.title, document.language)[1]
    return Pair(rng.choice(told).question, REFUSALS[document.language])
