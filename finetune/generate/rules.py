"""Questions and answers by rules, from what a document states: fields, tables, sentences, sections, and what it lacks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.examples import Asked, Example, Split
from finetune.generate.across import Across, comparisons, lists
from finetune.generate.ask import about_cell, about_field, about_records, yes_or_no
from finetune.generate.catalogue import Catalogue
from finetune.generate.cite import cited
from finetune.generate.fields import Field, fields, table_cells
from finetune.generate.glossary import about_term, is_glossary
from finetune.generate.missing import near_misses
from finetune.generate.prose.questions import prose
from finetune.generate.sections.questions import sections
from finetune.generate.titles import page
from finetune.sources import SourceChunk, SourceDocument
from retrieval.types import Language

WRONG = 3
"""Values of other documents that a yes-or-no question may try."""
MISSES = 3
"""Near misses of one document."""
Item = tuple[Asked | Across, SourceChunk | None]
"""What is asked, and the chunk to cite; None where the answer cites already."""
Stream = Iterator[Item]


@dataclass
class Rules:
    """Makes the examples of one document after the other."""

    catalogue: Catalogue
    refusals: Mapping[Language, str]
    seed: int

    def examples(self, document: SourceDocument, split: Split, rounds: int) -> Iterator[tuple[int, Example]]:
        """Examples with their round: everything is asked once in round 0, then again in other words.

        Within a round the order is the seed's.
        """
        rng = random.Random(f"{self.seed}:{document.key}")
        for number, made in enumerate(self._rounds(document, split, rng, rounds)):
            rng.shuffle(made)
            for asked, chunk in made:
                yield number, self._example(document, asked, chunk)

    def _rounds(self, document: SourceDocument, split: Split, rng: random.Random, rounds: int) -> Iterator[list[Item]]:
        streams = list(self._streams(document, split, rng))
        for _ in range(rounds):
            drawn = [next(stream, None) for stream in streams]
            if made := [item for item in drawn if item is not None]:
                yield made

    def _streams(self, document: SourceDocument, split: Split, rng: random.Random) -> Iterator[Stream]:
        """One stream for each thing that can be asked, its variants in order."""
        if not document.has_name:
            yield from _by_fact(_told(document), rng)
            return
        alone = self.catalogue.namesakes(document) == 1
        for field in fields(document):
            if is_glossary(document):
                yield _with(field.chunk, about_term(document, field))
            elif alone or not self.catalogue.is_ambiguous(document, field):
                yield from self._field_streams(document, field, split, rng)
        if not alone:
            return  # what follows is asked by the document's name alone
        yield from (_with(cell.chunk, [about_cell(document, cell, rng)]) for cell in table_cells(document))
        yield from _by_fact([(asked, chunk) for chunk, asked in sections(document)], rng)
        yield from _by_fact([(asked, chunk) for chunk in document.chunks for asked in prose(document, chunk)], rng)
        if refusal := self.refusals.get(document.language):
            misses = itertools.islice(near_misses(document, self.catalogue, refusal, rng), MISSES)
            yield from (_with(document.chunks[0], [asked]) for asked in misses)

    def _field_streams(
        self, document: SourceDocument, field: Field, split: Split, rng: random.Random
    ) -> Iterator[Stream]:
        if field.shape != "records" or len(field.values) > 1:
            yield _with(field.chunk, about_field(document, field, rng))
        yield _with(field.chunk, about_records(document, field, rng))
        yield _with(field.chunk, self._yes_or_no(document, field, split, rng))
        yield _with(None, comparisons(document, field, self.catalogue, split, rng))
        yield _with(None, lists(document, field, self.catalogue, split, rng))

    def _yes_or_no(self, document: SourceDocument, field: Field, split: Split, rng: random.Random) -> Iterator[Asked]:
        wrong = self.catalogue.others(document, split, field.folded, rng, WRONG, unlike=field.value)
        yield from yes_or_no(document, field, [stated.value for stated in wrong], rng)

    def _example(self, document: SourceDocument, asked: Asked | Across, chunk: SourceChunk | None) -> Example:
        if isinstance(asked, Across):
            keys = tuple(dict.fromkeys(self.catalogue.key(i) for i in asked.documents))
            return Example(
                asked.question, asked.answer, asked.type, document.language, tuple(dict.fromkeys(asked.chunks)), keys,
                "rule-based", asked.form, asked.answers, "", asked.fact,
            )  # fmt: skip
        assert chunk is not None
        answer = asked.answer if asked.type == "refusal" else cited(asked.answer, chunk.number)
        return Example(
            asked.question, answer, asked.type, document.language, (chunk.number,), (document.key,),
            "rule-based", asked.form, asked.answers, asked.quote, asked.fact,
        )  # fmt: skip


def _told(document: SourceDocument) -> list[tuple[Asked, SourceChunk]]:
    """What the sentences of a document without a name answer, where the question does not need the name."""
    place = page(document.title, document.language)
    found = ((asked, chunk) for chunk in document.chunks for asked in prose(document, chunk))
    return [(asked, chunk) for asked, chunk in found if place not in asked.question]


def _with(chunk: SourceChunk | None, found: Iterable[Asked | Across]) -> Stream:
    return ((asked, chunk) for asked in found)


def _by_fact(found: Sequence[tuple[Asked, SourceChunk]], rng: random.Random) -> Iterator[Stream]:
    """A stream for each fact, with the ways to ask for it in an order of the random generator."""
    ways: dict[str, list[tuple[Asked, SourceChunk]]] = {}
    for asked, chunk in found:
        ways.setdefault(asked.fact, []).append((asked, chunk))
    for variants in ways.values():
        rng.shuffle(variants)
        yield iter(variants)
