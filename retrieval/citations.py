"""Citations: found in an answer, normalised to `[chunk_N]`, checked against the context, scored for support.

    [chunk 383]  [Chunk_383]  【383】  (chunk_383)  [Source: chunk_383]      -> [chunk_383]
    [Sources: chunk_383, chunk_385]                                         -> [chunk_383] [chunk_385]
    an id that was not in the context                                       -> struck, and counted

The support of a citation is the share of the citing sentence that its chunk contains: numbers weigh 3, names 2, other
words 1 (a wrong figure is worse than another turn of phrase).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retrieval.lexical import analyze
from retrieval.text import sentence_spans
from retrieval.types import Citation, Language, Passage

SUPPORTED = 0.5
"""Support from which a citation counts as supported."""

_ID = r"(?:chunk|passage|source)?[\s_#:-]{0,2}(\d++)"
_LIST = rf"(?:(?:sources?|chunks?|voir|see|cf\.?)\s{{0,2}}:?\s{{0,2}})?{_ID}(?:\s{{0,2}}(?:[,;]|et|and|&)\s{{0,2}}{_ID}){{0,20}}"
# Square and lenticular brackets hold citations with or without the word; round ones only with it, or every year would be one.
_BRACKET = re.compile(
    rf"[\[【]\s{{0,2}}{_LIST}(?:†[^\]】]{{0,40}})?\s{{0,2}}[\]】]|\(\s{{0,2}}(?=[^()\n]{{0,40}}chunk){_LIST}\s{{0,2}}\)",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_LONGEST = 18
"""Digits of the largest id there can be."""
_PASSES = 4
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
    total = 0
    for _ in range(_PASSES):
        done, struck = _pass(text, known)
        total += struck
        if done == text:
            return done, total
        text = done
    # Striking one id can complete another around it (`[[chunk_9]chunk_10]`). Deeper nests are noise: no bracket, no citation.
    return re.sub(r"[\[\]【】()]", "", text).rstrip(), total


def _pass(text: str, known: Mapping[int, object]) -> tuple[str, int]:
    struck = 0

    def rewrite(match: re.Match[str]) -> str:
        nonlocal struck
        ids = [int(d) if len(d) <= _LONGEST else -1 for d in _DIGITS.findall(match[0].split("†")[0])]
        # A bare [2019] is a citation only if such a chunk was given; otherwise it is the author's own bracket.
        if "chunk" not in match[0].lower() and match[0][0] == "[" and not any(i in known for i in ids):
            return match[0]
        kept = [i for i in dict.fromkeys(ids) if i in known]
        struck += len(set(ids)) - len(kept)
        return " ".join(f"[chunk_{i}]" for i in kept)

    done = _BRACKET.sub(rewrite, text)
    if struck:
        done = re.sub(r"[ \t]+([.,;!?])", r"\1", re.sub(r"[ \t]{2,}", " ", done))
    return done.rstrip(), struck


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
