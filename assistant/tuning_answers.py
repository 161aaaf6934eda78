"""Where the answer of a case stands, for cases that say what is right and not where: the one document that states it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eval.types import Case
    from retrieval.library import Library
    from retrieval.types import Language

LEAST = 4
"""Letters and digits of an answer that is looked for: "4" and "oui" stand in any document."""


def stating(cases: Sequence[Case], library: Library) -> dict[str, int]:
    """The live document of each case, by the id of the case, where one and only one states a right answer word for word."""
    wanted = {case.id: needles for case in cases if (needles := _needles(case))}
    found: dict[str, set[int]] = defaultdict(set)
    for language in {case.language for case in cases if case.id in wanted}:
        some = {case.id: wanted[case.id] for case in cases if case.id in wanted and case.language == language}
        _find(some, library, language, found)
    return {case: next(iter(documents)) for case, documents in found.items() if len(documents) == 1}


def _needles(case: Case) -> list[str]:
    """Right answers as they stand in a text that was normalised; none for a list, which no one place need hold."""
    from eval.metrics.gold import values
    from eval.metrics.text import normalise

    said = [normalise(value, case.language) for value in values(case)] if not case.every else []
    return [f" {' '.join(tokens)} " for tokens in said if sum(map(len, tokens)) >= LEAST]


def _find(wanted: Mapping[str, list[str]], library: Library, language: Language, found: dict[str, set[int]]) -> None:
    from eval.metrics.text import normalise

    sql = "SELECT document_id, headings, text FROM chunks WHERE deleted_at IS NULL"
    for document, headings, text in library.iterate(sql, ()):
        plain = f" {' '.join(normalise(f'{headings} {text}', language))} "
        for case, needles in wanted.items():
            if any(needle in plain for needle in needles):
                found[case].add(document)
