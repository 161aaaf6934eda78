"""Rows as tokens, with what each token is and where the model should look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.pretrain.asking import Pair
from finetune.pretrain.curriculum import Row
from finetune.pretrain.looks import Point, Shown, Turn, points
from finetune.pretrain.tokenizer import BEGIN, END

GIVEN, SHOWN, SAID, VALUE, ID, REFUSAL, VALUE_FIRST, ID_FIRST, NAME, NAME_FIRST, OPENING = range(11)
"""What a token is: the system message and the roles, a document or question, an answer, in it a copied value, the digits
of an id, the name of what it is about, or a refusal. The first token of what is copied is the hard one, and that of the
answer: it says whether there is one."""
FIRST = {VALUE: VALUE_FIRST, ID: ID_FIRST, NAME: NAME_FIRST}
_CITED = re.compile(r"\[chunk_(\d+)\]")


@dataclass(frozen=True)
class Encoded:
    """The tokens of a row, what each is, and the looks."""

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
        looks: list[Point] = []
        said = iter(made.pairs)
        documents = question = None
        for message in made.messages:
            ids += [begin, *self._plain(f"{message.role}\n")]
            kinds += [GIVEN] * (len(ids) - len(kinds))
            body = self._encode(message.content)
            here = Shown(message.content, body.offsets, len(ids))
            if message.role == "assistant" and documents and question:
                pair = next(said)
                kind, firsts = _kinds(here, pair, [made.parts[at].document.title for at in pair.gold])
                looks += points(made, Turn(documents, question, here, pair, firsts))
            else:
                question = here
                documents = documents or (here if message.role == "user" else None)
                kind = [GIVEN if message.role == "system" else SHOWN] * len(body.ids)
            ids += [*body.ids, end, *self._plain("\n")]
            kinds += [*kind, SAID if message.role == "assistant" else GIVEN, GIVEN]
        return Encoded(ids, kinds, tuple(looks))

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


def _kinds(answer: Shown, pair: Pair, titles: Sequence[str]) -> tuple[list[int], dict[int, str]]:
    """What each token of an answer is; and by the place of the first token of each name, value and id, what it begins."""
    text = answer.text
    kinds = [OPENING, *[SAID if pair.gold else REFUSAL] * (len(answer.offsets) - 1)]
    marks = [(NAME, at, title) for title in titles if (at := text.find(title)) >= 0]
    marks += [(VALUE, at, v) for v in pair.values if (at := text.find(v)) >= 0]
    marks += [(ID, match.start(1), match[1]) for match in _CITED.finditer(text)]
    firsts: dict[int, str] = {}
    for kind, at, words in marks:
        within = _tokens(answer, at, at + len(words))
        for i in within:
            kinds[i] = FIRST[kind] if i == within[0] else kind
        firsts |= dict.fromkeys(within[:1], words)
    return kinds, {answer.first + i: words for i, words in firsts.items() if kinds[i] in FIRST.values()}


def _tokens(answer: Shown, first: int, last: int) -> list[int]:
    """The tokens of some characters; the first of them may hold the space before."""
    return [i for i, (b, e) in enumerate(answer.offsets) if b < last and e > first and b >= first - 1]
