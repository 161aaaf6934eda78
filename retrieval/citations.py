"""Citations: found in an answer and normalised to `[chunk_N]` (`citation_stream.py`), checked, scored for support.

The support of a citation is the share of the citing sentence that its chunk contains: numbers weigh 3, names 2, other
words 1 (a wrong figure is worse than another turn of phrase).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retrieval.citation_stream import CitationStream
from retrieval.lexical import analyze
from retrieval.text import sentence_spans
from retrieval.types import Citation, Language, Passage

SUPPORTED = 0.5
"""Support from which a citation counts as supported."""

# White space before a tag is tried once, from its first: a page of blanks would otherwise take its square.
_TAG = re.compile(r"(?<!\s)\s*+\[chunk_\d+\]")
_NUMBER = re.compile(r"\d+(?:[.,  \u202f]\d+)*")


@dataclass(frozen=True)
class Checked:
    """An answer whose every citation exists."""

    text: str
    citations: tuple[Citation, ...]
    unknown: int
    """Cited ids that were not in the context; they are struck from the text."""


def check(text: str, passages: Sequence[Passage], language: Language) -> Checked:
    """Normalise and check the citations of an answer against the passages it was given."""
    known = {p.chunk_id: p for p in passages}
    text, unknown = normalise(text, known)
    support: dict[int, list[float]] = {}
    for sentence, ids in cited_sentences(text):
        for chunk_id in ids:
            support.setdefault(chunk_id, []).append(support_score(sentence, known[chunk_id], language))
    made = [_citation(known[i], min(scores)) for i, scores in support.items()]
    return Checked(text, tuple(made), unknown)


def _citation(passage: Passage, support: float) -> Citation:
    return Citation(passage.chunk_id, passage.document, passage.external_id, support >= SUPPORTED, round(support, 3))


def normalise(text: str, known: Mapping[int, object]) -> tuple[str, int]:
    """The text with one `[chunk_N]` per cited id, unknown ids struck; returns how many were struck."""
    stream = CitationStream(set(known))
    return stream.feed(text) + stream.finish(), stream.struck


def cited_sentences(text: str) -> Iterator[tuple[str, list[int]]]:
    """Each sentence that carries citations, without them; a citation after the full stop belongs to the sentence before."""
    spans = sentence_spans(text)
    previous = ""
    for start, end in spans:
        raw = text[start:end]
        bare = _TAG.sub("", raw).strip(" .")
        ids = list(dict.fromkeys(int(i) for i in re.findall(r"\[chunk_(\d+)\]", raw)))
        if not ids:
            previous = bare
            continue
        leading = re.match(r"(?:\s*\[chunk_\d+\])+", raw)
        if leading and previous:
            before = [int(i) for i in re.findall(r"\[chunk_(\d+)\]", leading[0])]
            yield previous, before
            ids = [i for i in ids if i not in before or re.search(rf"\[chunk_{i}\]", raw[leading.end() :])]
        if bare and ids:
            yield bare, ids
        elif ids and previous and not leading:
            yield previous, ids
        previous = bare or previous


def support_score(sentence: str, passage: Passage, language: Language) -> float:
    """Share (0 to 1) of a sentence's weighted words that the passage, its title or its headings contain."""
    source = "\n".join([passage.title, *passage.headings, passage.text])
    have = set(analyze(source, language))
    numbers = {_number(n) for n in _NUMBER.findall(source)}
    total = found = 0.0
    for term, weight in _weights(sentence, language):
        total += weight
        found += weight if (_number(term) in numbers if term[0].isdigit() else term in have) else 0.0
    return found / total if total else 0.0


def _weights(sentence: str, language: Language) -> Iterator[tuple[str, float]]:
    rest = sentence
    for number in _NUMBER.findall(sentence):
        yield number, 3.0
    rest = _NUMBER.sub(" ", rest)
    names = set(analyze(" ".join(re.findall(r"(?<=[\w,;] )[A-ZÀ-Þ]\w+", rest)), language))
    for term in analyze(rest, language):
        yield term, 2.0 if term in names else 1.0


def _number(text: str) -> str:
    """A number without grouping, with a point: `1 500,50` and `1500.50` are one."""
    plain = re.sub(r"(?<=\d)[  \u202f](?=\d{3}\b)", "", text).replace(",", ".")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
