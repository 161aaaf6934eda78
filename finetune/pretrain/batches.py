"""Rows as tokens, with what each token is, and batches of rows of about one length."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.pretrain.curriculum import Row, row, spans, stage
from finetune.pretrain.tokenizer import BEGIN, END, PAD

GIVEN, SHOWN, SAID, VALUE, ID, REFUSAL = range(6)
"""What a token is: the system message and the roles, a document or question, an answer, in it a copied value, the digits
of an id, or a refusal."""


@dataclass(frozen=True)
class Encoded:
    """The tokens of a row and what each is."""

    ids: list[int]
    kinds: list[int]


@dataclass(frozen=True)
class Coder:
    """Turns rows into tokens, as the chat template writes them."""

    tokenizer: Any

    def encoded(self, made: Row) -> Encoded:
        begin, end = (self.tokenizer.convert_tokens_to_ids(token) for token in (BEGIN, END))
        ids: list[int] = []
        kinds: list[int] = []
        said = iter(made.pairs)
        for message in made.messages:
            head = [begin, *self._plain(f"{message.role}\n")]
            if message.role == "assistant":
                pair = next(said)
                body, kind = self._answer(message.content, pair.values, refused=not pair.gold)
            else:
                body = self._plain(message.content)
                kind = [GIVEN if message.role == "system" else SHOWN] * len(body)
            last = SAID if message.role == "assistant" else GIVEN
            ids += [*head, *body, end, *self._plain("\n")]
            kinds += [*[GIVEN] * len(head), *kind, last, GIVEN]
        return Encoded(ids, kinds)

    def repeated(self, text: str) -> Encoded:
        """Plain text of which everything is learnt."""
        ids = self._plain(text)
        return Encoded(ids, [SAID] * len(ids))

    def _plain(self, text: str) -> list[int]:
        return list(self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)

    def _answer(self, text: str, values: Sequence[str], *, refused: bool) -> tuple[list[int], list[int]]:
        made = self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        kinds = [REFUSAL if refused else SAID] * len(made.ids)
        marks = [(VALUE, at, at + len(v)) for v in values if (at := text.find(v)) >= 0]
        at = text.find("[chunk_")
        while at >= 0:
            marks.append((ID, at + len("[chunk_"), text.index("]", at)))
            at = text.find("[chunk_", at + 1)
        for kind, first, last in marks:
            for i, (begin, end) in enumerate(made.offsets):
                if begin < last and end > first and begin >= first - 1:
                    kinds[i] = kind
        return list(made.ids), kinds


def buffer(coder: Coder, seed: int, number: int, progress: float, tokens: int, count: int) -> list[list[Encoded]]:
    """The batches that `count` rows make, each of at most `tokens` with its padding; the same for the same numbers."""
    rng = random.Random(f"{seed}:{number}")
    at = stage(progress)
    rows: list[Encoded] = []
    while len(rows) < count:
        if rng.random() < (0.1 if progress < 0.1 else 0.02):
            made = coder.repeated(spans(rng, rng.choice(("fr", "en"))))
        else:
            made = coder.encoded(row(rng, at))
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


def tensors(batch: Sequence[Encoded], pad: int) -> tuple[Any, Any]:
    """Tokens and kinds of a batch, (rows, length) each; padding is at the end and given."""
    import torch

    length = padded(max(len(e.ids) for e in batch))
    ids = torch.tensor([e.ids + [pad] * (length - len(e.ids)) for e in batch])
    kinds = torch.tensor([e.kinds + [GIVEN] * (length - len(e.kinds)) for e in batch])
    return ids, kinds


__all__ = ["GIVEN", "ID", "PAD", "REFUSAL", "SAID", "SHOWN", "VALUE", "Coder", "Encoded", "buffer", "padded", "tensors"]
