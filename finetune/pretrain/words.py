"""The words that the made-up documents are written with: a short list of French and English ones, and invented ones."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from retrieval.types import Language

_LIST = Path(__file__).with_name("words.txt")
_HEADS = "b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p ph pl pr qu r s sc sp st t th tr v vr w x z".split()
_CORES = "a e i o u é è ai au ou oi an en in on eu ea oo y ia io".split()
_TAILS = "l n r s t x m c d p k nt rd ck ll sse th nd rt st sk z".split()


@cache
def listed(name: str) -> tuple[str, ...]:
    """The words under one heading of `words.txt`: `fr nouns`, `en verbs`, `licences`…"""
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        heading, _, words = line.partition(": ")
        if heading == name:
            return tuple(words.split("|") if "|" in words else words.split())
    raise KeyError(name)


def noun(rng: random.Random, language: Language) -> str:
    """A noun in the plural."""
    return rng.choice(listed(f"{language} nouns"))


def people(rng: random.Random, language: Language) -> str:
    return rng.choice(listed(f"{language} people"))


def verb(rng: random.Random, language: Language) -> str:
    """The infinitive, without `to`."""
    return rng.choice(listed(f"{language} verbs"))


def adjective(rng: random.Random, language: Language) -> str:
    return rng.choice(listed(f"{language} adjectives"))


def invented(rng: random.Random, syllables: int = 0) -> str:
    """A lower-case word that no language has: `brantillo`, `quesk`."""
    count = syllables or rng.choices((1, 2, 3, 4), (1, 6, 5, 1))[0]
    parts = []
    for i in range(count):
        head = rng.choice(_HEADS) if i or rng.random() < 0.8 else ""
        tail = rng.choice(_TAILS) if rng.random() < (0.5 if i == count - 1 else 0.15) else ""
        parts.append(f"{head}{rng.choice(_CORES)}{tail}")
    return "".join(parts) if len("".join(parts)) > 2 else invented(rng, 2)


def some(rng: random.Random, language: Language) -> str:
    """Any word, a real one more often than not."""
    if rng.random() < 0.35:
        return invented(rng)
    return rng.choice((noun, noun, verb, adjective, people))(rng, language)


def letters(rng: random.Random, count: int) -> str:
    """Capitals: `SIRPA`."""
    return "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(count))


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def capital(word: str) -> str:
    return word[:1].upper() + word[1:]
