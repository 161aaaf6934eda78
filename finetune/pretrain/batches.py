"""Rows as tokens, with what each token is, and batches of rows of about one length."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.pretrain.asking import Pair
from finetune.pretrain.curriculum import Row, drill, row, stage
from finetune.pretrain.tokenizer import BEGIN, END

GIVEN, SHOWN, SAID, VALUE, ID, REFUSAL, VALUE_FIRST, ID_FIRST, NAME, NAME_FIRST, OPENING = range(11)
"""What a token is: the system message and the roles, a document or question, an answer, in it a copied value, the digits
of an id, the name of what it is about, or a refusal. The first token of what is copied is the hard one, and that of the
answer: it says whether there is one."""
_CITED = re.compile(r"\[chunk_(\d+)\]")
FIRST = {VALUE: VALUE_FIRST, ID: ID_FIRST, NAME: NAME_FIRST}


VALUE_LOOK, ID_LOOK, HOME_ID, HOME_TITLE, ABOUT, KEY, WHETHER = range(7)
"""Looks that heads are shown: from before a value to where it stands; from before an id to where the value stands that it
proves; from there to the id and to the title of its chunk; from before a value, an id or
a name to what the question is about; from a value,
in a chunk or before it is said, to the end of its key; from before an answer to where the value stands, or to the very
beginning where none does."""


@dataclass(frozen=True)
class Point:
    """Where a head should look: from one token of a row to an earlier one."""

    look: int
    at: int
    found: int


@dataclass(frozen=True)
class Encoded:
    """The tokens of a row and what each is."""

    ids: list[int]
    kinds: list[int]
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Coder:
    """Turns rows into tokens, as the chat template writes them."""

    tokenizer: Any

    def encoded(self, made: Row) -> Encoded:
        begin, end = (self.tokenizer.convert_tokens_to_ids(token) for token in (BEGIN, END))
        ids: list[int] = []
        kinds: list[int] = []
        points: list[Point] = []
        said = iter(made.pairs)
        shown: Shown | None = None
        question: Shown | None = None
        for message in made.messages:
            ids += [begin, *self._plain(f"{message.role}\n")]
            kinds += [GIVEN] * (len(ids) - len(kinds))
            body = self._encode(message.content)
            if message.role == "assistant":
                pair = next(said)
                kind, firsts = _kinds(
                    message.content, body.offsets, pair, [made.parts[at].document.title for at in pair.gold]
                )
                if shown is not None and question is not None:
                    points += _points(
                        shown, question, Shown(message.content, body.offsets, len(ids)), made, pair,
                        {len(ids) + i: w for i, w in firsts.items()},
                    )  # fmt: skip
            else:
                question = Shown(message.content, body.offsets, len(ids))
                shown = shown or (question if message.role == "user" else None)
                kind = [GIVEN if message.role == "system" else SHOWN] * len(body.ids)
            ids += [*body.ids, end, *self._plain("\n")]
            kinds += [*kind, SAID if message.role == "assistant" else GIVEN, GIVEN]
        return Encoded(ids, kinds, tuple(points))

    def drilled(self, lines: Sequence[tuple[str, str]], again: Sequence[tuple[str, str]]) -> Encoded:
        """Keys and values, then the same again, of which the values are learnt."""
        ids: list[int] = []
        kinds: list[int] = []
        for repeated, (name, value) in [*((False, line) for line in lines), *((True, line) for line in again)]:
            asked, answer = self._plain(name), self._plain(f"{value}\n")
            ids += [*asked, *answer]
            kinds += [SHOWN] * len(asked)
            kinds += [VALUE_FIRST, *[VALUE] * (len(answer) - 1)] if repeated else [SHOWN] * len(answer)
        return Encoded(ids, kinds)

    def _plain(self, text: str) -> list[int]:
        return list(self._encode(text).ids)

    def _encode(self, text: str) -> Any:
        return self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)


def _kinds(
    text: str, offsets: Sequence[tuple[int, int]], pair: Pair, titles: Sequence[str]
) -> tuple[list[int], dict[int, str]]:
    """What each token of an answer is; and by the first token of each name, value and id, what it begins."""
    kinds = [OPENING, *[SAID if pair.gold else REFUSAL] * (len(offsets) - 1)]
    marks = [(NAME, at, title) for title in titles if (at := text.find(title)) >= 0]
    marks += [(VALUE, at, v) for v in pair.values if (at := text.find(v)) >= 0]
    marks += [(ID, match.start(1), match[1]) for match in _CITED.finditer(text)]
    firsts: dict[int, str] = {}
    for kind, first, words in marks:
        within = [i for i, (b, e) in enumerate(offsets) if b < first + len(words) and e > first and b >= first - 1]
        for i in within:
            kinds[i] = FIRST[kind] if i == within[0] else kind
        firsts |= dict.fromkeys(within[:1], words)
    return kinds, {i: words for i, words in firsts.items() if kinds[i] in FIRST.values()}


@dataclass(frozen=True)
class Shown:
    """The message with the documents, where its tokens lie in it, and the place of its first in the row."""

    text: str
    offsets: Sequence[tuple[int, int]]
    first: int

    def token(self, character: int) -> int:
        """Place in the row of the token with a character of the message."""
        return self.first + next(i for i, (_, end) in enumerate(self.offsets) if end > character)


def _points(
    shown: Shown, question: Shown, answer: Shown, made: Row, pair: Pair, firsts: Mapping[int, str]
) -> Iterator[Point]:
    """The looks of one answer; `firsts`: what begins at which tokens of it. None where it cites two chunks."""
    if not pair.gold:
        yield Point(WHETHER, answer.first - 1, 0)
    if not pair.quote or len(pair.gold) != 1:
        return
    part, number = made.parts[pair.gold[0]], made.ids[pair.gold[0]]
    head = shown.text.find(f'<document id="chunk_{number}"')
    quote = shown.text.find(pair.quote, shown.text.find(part.chunk.text, head))
    if head < 0 or quote < 0:
        return
    homes = {shown.token(quote + at) for v in pair.values if (at := _value_at(pair.quote, v)) >= 0}
    for home in homes:
        yield Point(HOME_ID, home, shown.token(head + len('<document id="chunk_')))
        yield Point(HOME_TITLE, home, shown.token(shown.text.index('title="', head) + len('title="')))
    key = _end_of(pair.quote, pair.names)
    if key >= 0:
        yield from (Point(KEY, home, found) for home in homes if (found := shown.token(quote + key)) < home)
    asked, said = question.text.rfind(part.document.title), _end_of(answer.text, pair.names)
    for home in sorted(homes)[:1]:
        yield Point(WHETHER, answer.first - 1, home)
        yield from [Point(ABOUT, answer.first - 1, question.token(asked))] if asked >= 0 else []
        wanted = _end_of(question.text[question.text.rfind("Question") :], pair.names)
        if wanted >= 0:
            yield Point(KEY, answer.first - 1, question.token(question.text.rfind("Question") + wanted))
    for token, words in firsts.items():
        if words == part.document.title:
            yield from [Point(ABOUT, token - 1, question.token(asked))] if asked >= 0 else []
            continue
        value = _value_at(pair.quote, words if words in pair.values else pair.values[0])
        if value >= 0:
            yield Point(VALUE_LOOK if words in pair.values else ID_LOOK, token - 1, shown.token(quote + value))
        if asked >= 0:
            yield Point(ABOUT, token - 1, question.token(asked))
        if said >= 0 and (found := answer.token(said)) < token:
            yield Point(KEY, token - 1, found)


def _end_of(text: str, names: Sequence[str]) -> int:
    """The last character of the first of the names that stands in a text; -1 where none does."""
    plain = text.lower()
    return next((at + len(name) - 1 for name in names if (at := plain.find(name.lower())) >= 0), -1)


def _value_at(quote: str, value: str) -> int:
    """Where a value stands in the line that states it: after the key, where there is one."""
    after = quote.lower().find(value.lower(), quote.find(":") + 1)
    return after if after >= 0 else quote.lower().find(value.lower())


def buffer(coder: Coder, seed: int, number: int, progress: float, tokens: int, count: int) -> list[list[Encoded]]:
    """The batches that `count` rows make, each of at most `tokens` with its padding; the same for the same numbers."""
    rng = random.Random(f"{seed}:{number}")
    at = stage(progress)
    rows: list[Encoded] = []
    while len(rows) < count:
        drilled = rng.random() < at.drills
        made = coder.drilled(*drill(rng, rng.choice(("fr", "en")))) if drilled else coder.encoded(row(rng, at))
        if len(made.ids) <= at.longest:
            rows.append(made)
    rows.sort(key=lambda encoded: len(encoded.ids))
    batches: list[list[Encoded]] = [[]]
    for encoded in rows:
        if batches[-1] and padded(len(encoded.ids)) * (len(batches[-1]) + 1) > tokens:
            batches.append([])
        batches[-1].append(encoded)
    if len(batches[-1]) * padded(len(batches[-1][-1].ids)) < tokens / 2 and len(batches) > 1:
        batches.pop()  # a batch of a few rows would weigh as much as a whole one
    rng.shuffle(batches)
    return batches


def padded(length: int) -> int:
    return -(-length // 32) * 32


def tensors(batch: Sequence[Encoded], pad: int) -> tuple[Any, Any, Any]:
    """Tokens and kinds of a batch, (rows, length) each; padding is at the end and given. Points, (n, 4): row, look, at, found."""
    import torch

    length = padded(max(len(e.ids) for e in batch))
    ids = torch.tensor([e.ids + [pad] * (length - len(e.ids)) for e in batch])
    kinds = torch.tensor([e.kinds + [GIVEN] * (length - len(e.kinds)) for e in batch])
    points = [(i, p.look, p.at, p.found) for i, e in enumerate(batch) for p in e.points]
    return ids, kinds, torch.tensor(points, dtype=torch.long).reshape(-1, 4)
