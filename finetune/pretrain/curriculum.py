"""What the model is shown at each stage: first one short document at a time, at the end up to six, as the product sends them.

Several questions are asked about the same documents, one turn after the other: the answers, from which most is learnt,
would else be one token in twenty. A share of the rows, growing with time, has one question, as in use.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from finetune.pretrain import values
from finetune.pretrain.asking import Pair, pairs
from finetune.pretrain.prompts import LEARNT, NOT_LEARNT, SYSTEM, asked, fenced
from finetune.pretrain.sheets import Part, Size, key, made
from retrieval.types import Language, Message

LARGEST_ID = 99_999
NOTHING_SHOWN = 0.02
"""Share of rows without documents, to which the answer is that it is not known."""


@dataclass(frozen=True)
class Stage:
    """What rows look like until a share of the training is done."""

    until: float
    chunks: tuple[int, ...]
    """How many are shown; each as likely."""
    size: Size
    questions: tuple[int, ...]
    system: float
    """Share of rows with the system message."""
    longest: int
    """Tokens of a row; longer ones are left out."""
    drills: float = 0.02
    """Share of rows that are only a drill."""


STAGES = (
    Stage(0.08, (1,), Size((1, 5), 0.0, 0.0, 0.05), (4, 6, 8), 0.02, 512, 0.2),
    Stage(0.22, (1, 1, 2, 2, 3), Size((2, 8), 0.1, 0.1, 0.1), (4, 6, 8), 0.05, 768, 0.15),
    Stage(0.42, (1, 2, 3, 3, 4), Size((2, 10), 0.25), (2, 4, 6, 8, 10), 0.1, 1024),
    Stage(0.6, (1, 2, 3, 3, 4), Size((1, 10), 0.4), (1, 4, 6, 8), 0.3, 1280),
    Stage(1.01, (1, 2, 3, 3, 3, 4, 6), Size((1, 14), 0.7, 0.25, 0.3, 8), (1, 1, 2, 4, 6), 0.85, 1920),
)


@dataclass(frozen=True)
class Row:
    """One conversation, with what its answers copy."""

    messages: tuple[Message, ...]
    parts: tuple[Part, ...]
    ids: tuple[int, ...]
    pairs: tuple[Pair, ...]
    language: Language


def stage(progress: float) -> Stage:
    """The stage at a share of the training, from 0 to 1."""
    return next(s for s in STAGES if progress < s.until)


def row(rng: random.Random, at: Stage) -> Row:
    """A row of a stage."""
    language: Language = "fr" if rng.random() < 0.6 else "en"
    if rng.random() < NOTHING_SHOWN:
        return _unlearnt(rng, language)
    parts = _shown(rng, at, language)
    ids = tuple(rng.sample(range(1, rng.choice((99, 999, 9_999, LARGEST_ID))), len(parts)))
    found = pairs(rng, parts, ids, rng.choice(at.questions))
    if not found:
        return row(rng, at)
    documents = fenced((i, p.document.title, p.document.key, p.chunk.text) for i, p in zip(ids, parts, strict=True))
    messages = [Message("system", SYSTEM[language])] if rng.random() < at.system else []
    for number, pair in enumerate(found):
        text = asked(pair.question, language)
        messages.append(Message("user", text if number else f"{documents}\n\n{text}"))
        messages.append(Message("assistant", pair.answer))
    return Row(tuple(messages), tuple(parts), ids, tuple(found), language)


def _shown(rng: random.Random, at: Stage, language: Language) -> list[Part]:
    wanted = rng.choice(at.chunks)
    parts: list[Part] = []
    while len(parts) < wanted:
        spoken: Language = language if rng.random() < 0.97 or not parts else ("en" if language == "fr" else "fr")
        more = _alike(rng, made(rng, spoken, at.size), parts)
        # A part may be missing: the search found others.
        parts += more if rng.random() < 0.7 else rng.sample(more, 1)
    rng.shuffle(parts)
    return parts[:wanted]


def _alike(rng: random.Random, parts: list[Part], shown: list[Part]) -> list[Part]:
    """No two documents of one name in a row: an answer could not tell which is meant."""
    titles = {part.document.title for part in shown}
    return [part for part in parts if part.document.title not in titles]


def _unlearnt(rng: random.Random, language: Language) -> Row:
    """A question without documents."""
    part = made(rng, language, Size((2, 4), 0.0, 0.0))
    found = pairs(rng, part, [1] * len(part), 1)
    if not found:
        return _unlearnt(rng, language)
    pair = Pair(found[0].question, NOT_LEARNT[language])
    messages = (Message("system", LEARNT[language]), Message("user", pair.question), Message("assistant", pair.answer))
    return Row(messages, (), (), (pair,), language)


def drill(rng: random.Random, language: Language) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Lines of a key and a value, and the same in another order: finding a value by its key, and nothing else."""
    keys = dict.fromkeys(key(rng, language) for _ in range(rng.randint(3, 8)))
    lines = [(f"{name} :", f" {rng.choice(values.ANY)(rng, language)}") for name in keys]
    return lines, rng.sample(lines, len(lines))
