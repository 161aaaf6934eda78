"""A question that a sentence answers, before it is known which sentence of which document."""

from __future__ import annotations

from dataclasses import dataclass, replace

from finetune.examples import Type


@dataclass(frozen=True)
class Found:
    """A question, the values that answer it, and what it asks, whatever the words."""

    question: str
    type: Type
    form: str
    answers: tuple[str, ...]
    asks: str


def forms(kind: Type, name: str, answer: str, asks: str, questions: list[str]) -> list[Found]:
    """One `Found` for each turn of phrase of one fact; an empty one keeps its number and is left out."""
    about = f"{name} {asks}"
    return [Found(q, kind, f"prose.{name}.{n}", (answer,), about) for n, q in enumerate(questions, 1) if q]


def told(found: Found, aside: str) -> Found:
    """The question with `, d'après la page « GIDAF »` before its question mark."""
    end = -2 if found.question.endswith(" ?") else -1
    return replace(found, question=f"{found.question[:end]}{aside}{found.question[end:]}") if aside else found
