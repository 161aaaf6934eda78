"""What a dataset is made of: kinds of questions, languages, refusals, lengths, openings, documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from finetune.formats import digests
from finetune.formats.row import Row
from retrieval.text import fold, words

_OPENING = 2
"""Words of a question that say how it is put: "quelle est", "who created"."""
_TOP = 10


@dataclass(frozen=True)
class Spread:
    """Numbers by their quartiles."""

    least: int = 0
    low: int = 0
    median: int = 0
    high: int = 0
    most: int = 0


@dataclass(frozen=True)
class Stats:
    """What the rows of a dataset have in common."""

    rows: int
    types: Mapping[str, int]
    languages: Mapping[str, int]
    answerable: int
    """Rows whose answer is no refusal."""
    question_words: Spread
    answer_words: Spread
    row_tokens: Spread
    tokens: int
    openings: Mapping[str, int]
    """The commonest first words of questions."""
    distinct_openings: int
    forms: int
    """Distinct forms of questions, where rows name theirs."""
    documents: int
    """Distinct documents, where rows name theirs."""
    answer_histogram: Mapping[int, int]
    """Rows by the words of their answer."""
    token_histogram: Mapping[int, int]


@dataclass
class Counts:
    """Rows counted one at a time."""

    count: Callable[[str], int]
    rows: int = 0
    answerable: int = 0
    types: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    questions: Counter[int] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    openings: Counter[str] = field(default_factory=Counter)
    forms: set[str] = field(default_factory=set)
    documents: set[int] = field(default_factory=set)

    def add(self, row: Row) -> None:
        self.rows += 1
        self.answerable += row.answerable
        self.types[str(row.metadata.get("type") or row.kind)] += 1
        self.languages[row.language] += 1
        self.answers[len(row.answer.split())] += 1
        self.tokens[sum(map(self.count, row.texts()))] += 1
        if row.question:
            self.questions[len(row.question.split())] += 1
            self.openings[" ".join(words(fold(row.question))[:_OPENING])] += 1
        if form := row.metadata.get("form"):
            self.forms.add(str(form))
        self.documents.update(digests.digest([name]) for name in row.documents)

    def stats(self) -> Stats:
        return Stats(
            rows=self.rows,
            types=_ranked(self.types),
            languages=_ranked(self.languages),
            answerable=self.answerable,
            question_words=spread(self.questions),
            answer_words=spread(self.answers),
            row_tokens=spread(self.tokens),
            tokens=sum(size * count for size, count in self.tokens.items()),
            openings=dict(list(_ranked(self.openings).items())[:_TOP]),
            distinct_openings=len(self.openings),
            forms=len(self.forms),
            documents=len(self.documents),
            answer_histogram=dict(sorted(self.answers.items())),
            token_histogram=dict(sorted(self.tokens.items())),
        )


def statistics(rows: Iterable[Row], count: Callable[[str], int]) -> Stats:
    """Count rows; `count` gives the tokens of a message's text."""
    counts = Counts(count)
    for row in rows:
        counts.add(row)
    return counts.stats()


def spread(histogram: Mapping[int, int]) -> Spread:
    """Quartiles of numbers given by how often each occurs; the nearest that occurs, from below."""
    total = sum(histogram.values())
    if not total:
        return Spread()
    ranks, seen = [(total - 1) * quarter // 4 for quarter in range(5)], 0
    found: list[int] = []
    for value, times in sorted(histogram.items()):
        seen += times
        while len(found) < len(ranks) and ranks[len(found)] < seen:
            found.append(value)
    return Spread(*found)


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """The commonest first, equals by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
