"""The items of the general suite, as they lie beside this file, and as cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from eval.types import GENERAL, Case
from retrieval.types import Language, Message

FOLDER = Path(__file__).parent
KINDS = ("arithmetic", "instructions", "formats", "reading", "knowledge", "refusals")
ScoredAs = Literal["exact", "contains", "number", "regex", "choice", "json", "refusal"]


@dataclass(frozen=True)
class Item:
    """One line of the suite; the fields are explained where the package begins."""

    id: str
    lang: Language
    kind: str
    question: str
    score: ScoredAs
    answers: tuple[str, ...]
    wrong: tuple[str, ...]
    text: str = ""
    pattern: str = ""

    @property
    def prompt(self) -> str:
        """All that the model is sent."""
        return f"{self.text}\n\n{self.question}" if self.text else self.question


@cache
def items() -> Mapping[str, Item]:
    """Every item by its id, kind after kind."""
    read = (_item(line) for kind in KINDS for line in _lines(kind))
    return {item.id: item for item in read}


def general_cases() -> tuple[Case, ...]:
    """The suite as cases: sent as they are, without a search.

    Items were written one by one and are groups of their own, except those that share a passage: a model that misreads it
    fails at both, so they are drawn together. A kind is no group: six of them would leave nothing to draw from.
    The first dozen holds every kind in both languages, and so does the next: a limit leaves the suite balanced.
    """
    first: dict[str, str] = {}
    ordered = sorted(items().values(), key=lambda item: item.id[-2:])
    return tuple(_case(item, first.setdefault(item.text or item.id, item.id)) for item in ordered)


def _case(item: Item, group: str) -> Case:
    return Case(
        id=item.id,
        question=item.prompt,
        answers=() if item.score == "refusal" else item.answers,
        expected=item.answers[0],
        answerable=item.score != "refusal",
        language=item.lang,
        type=GENERAL + item.kind,
        group=group,
        messages=(Message("user", item.prompt),),
    )


def _lines(kind: str) -> list[str]:
    return (FOLDER / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()


def _item(line: str) -> Item:
    given = json.loads(line)
    return Item(**{**given, "answers": tuple(given["answers"]), "wrong": tuple(given["wrong"])})
