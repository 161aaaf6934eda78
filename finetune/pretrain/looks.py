"""Where the model should look: from which token of a row to which earlier one, as the material knows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.pretrain.asking import Pair
from finetune.pretrain.curriculum import Row

VALUE_LOOK, ID_LOOK, HOME_ID, HOME_TITLE, ABOUT, KEY, WHETHER = range(7)
"""VALUE_LOOK: from before a value of an answer to where it stands. ID_LOOK: from before an id to where the value stands that
it proves. HOME_ID, HOME_TITLE: from there to the id and the title of its chunk. ABOUT: from before what is copied to the
name in the question. KEY: from a value, in a chunk or before it is said, to the end of its key. WHETHER: from before an
answer to where the value stands, or to the very beginning where none does."""


@dataclass(frozen=True)
class Point:
    """One look, in tokens of a row."""

    look: int
    at: int
    found: int


@dataclass(frozen=True)
class Shown:
    """A message, where its tokens lie in it, and the place of its first in the row."""

    text: str
    offsets: Sequence[tuple[int, int]]
    first: int

    def token(self, character: int) -> int:
        """Place in the row of the token with a character of the message."""
        return self.first + next(i for i, (_, end) in enumerate(self.offsets) if end > character)


@dataclass(frozen=True)
class Turn:
    """A question and its answer, with the message that holds the documents and what begins at which tokens of the answer."""

    documents: Shown
    question: Shown
    answer: Shown
    pair: Pair
    firsts: Mapping[int, str]


def points(made: Row, turn: Turn) -> Iterator[Point]:
    """The looks of one turn. None where the answer cites two chunks."""
    pair, before = turn.pair, turn.answer.first - 1
    if not pair.gold:
        yield Point(WHETHER, before, 0)
    if not pair.quote or len(pair.gold) != 1:
        return
    part, documents = made.parts[pair.gold[0]], turn.documents
    head = documents.text.find(f'<document id="chunk_{made.ids[pair.gold[0]]}"')
    quote = documents.text.find(pair.quote, documents.text.find(part.chunk.text, head))
    if head < 0 or quote < 0:
        return
    homes = sorted({documents.token(quote + at) for v in pair.values if (at := _value_at(pair.quote, v)) >= 0})
    yield from _at_home(turn, homes, head, quote)
    asked = turn.question.text.rfind(part.document.title)
    name = turn.question.token(asked) if asked >= 0 else -1
    yield from (Point(WHETHER, before, home) for home in homes[:1])
    yield from _before_the_answer(turn, name)
    yield from _within_the_answer(turn, quote, name, part.document.title)


def _at_home(turn: Turn, homes: Sequence[int], head: int, quote: int) -> Iterator[Point]:
    """From where the values stand."""
    text, token = turn.documents.text, turn.documents.token
    key = _end_of(turn.pair.quote, turn.pair.names)
    for home in homes:
        yield Point(HOME_ID, home, token(head + len('<document id="chunk_')))
        yield Point(HOME_TITLE, home, token(text.index('title="', head) + len('title="')))
        if key >= 0 and token(quote + key) < home:
            yield Point(KEY, home, token(quote + key))


def _before_the_answer(turn: Turn, name: int) -> Iterator[Point]:
    """From the token before the answer to what the question names."""
    before, question = turn.answer.first - 1, turn.question
    if name >= 0:
        yield Point(ABOUT, before, name)
    begins = question.text.rfind("Question")
    key = _end_of(question.text[begins:], turn.pair.names)
    if key >= 0:
        yield Point(KEY, before, question.token(begins + key))


def _within_the_answer(turn: Turn, quote: int, name: int, title: str) -> Iterator[Point]:
    """From the token before each name, value and id of the answer."""
    pair, said = turn.pair, _end_of(turn.answer.text, turn.pair.names)
    for token, words in turn.firsts.items():
        if name >= 0:
            yield Point(ABOUT, token - 1, name)
        if words == title:
            continue
        value = _value_at(pair.quote, words if words in pair.values else pair.values[0])
        if value >= 0:
            look = VALUE_LOOK if words in pair.values else ID_LOOK
            yield Point(look, token - 1, turn.documents.token(quote + value))
        if said >= 0 and turn.answer.token(said) < token:
            yield Point(KEY, token - 1, turn.answer.token(said))


def _end_of(text: str, names: Sequence[str]) -> int:
    """The last character of the first of the names that stands in a text; -1 where none does."""
    plain = text.lower()
    return next((at + len(name) - 1 for name in names if (at := plain.find(name.lower())) >= 0), -1)


def _value_at(quote: str, value: str) -> int:
    """Where a value stands in the line that states it: after the key, where there is one."""
    after = quote.lower().find(value.lower(), quote.find(":") + 1)
    return after if after >= 0 else quote.lower().find(value.lower())
