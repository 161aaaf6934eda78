"""Evaluations made of a few lines: the report and the comparison of answers that nobody gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.metrics import score
from eval.types import Case, Cited, Evaluation, Identity, Response, Scored

Say = Callable[[int, Case], Response]


def cases(count: int = 48, documents: int = 12) -> list[Case]:
    """Three questions in four have an answer; types and languages alternate."""
    return [_case(i, documents) for i in range(count)]


def _case(i: int, documents: int) -> Case:
    answerable = i % 4 != 3
    return Case(
        id=f"q{i:03}",
        question=f"Which port does service {i} use?" if i % 2 else f"Quel port utilise le service {i} ?",
        answers=(str(3000 + i),) if answerable else (),
        expected=f"Port {3000 + i}." if answerable else "",
        answerable=answerable,
        language="en" if i % 2 else "fr",
        type="list" if i % 3 == 0 else "fact",
        gold=(f"chunk_{i}",) if answerable else (),
        group=f"doc{i % documents}",
    )


def right(i: int, case: Case) -> Response:
    """What should be said, a second or so later."""
    seconds = 0.2 + (i * 7 % 10) / 10
    if not case.answerable:
        return Response("The documents do not say.", refused=True, seconds=seconds, prompt_tokens=90, tokens=6)
    cited = (Cited((f"chunk_{i}",), True),)
    text = f"It is port {3000 + i} [chunk_{i}]."
    retrieved = ((f"chunk_{i}",), ("chunk_999",))
    return Response(text, False, cited, 0, retrieved, 1, seconds, 0.1, 90, 12, 0.0001, True)


def wrong(i: int, case: Case) -> Response:
    """Another port, cited as if it were so."""
    cited = (Cited(("chunk_999",), False),)
    retrieved = (("chunk_999",), (f"chunk_{i}",))
    return Response("It is port 1 [chunk_999].", False, cited, 1, retrieved, 1, 0.9, 0.2, 90, 10, 0.0002, True)


def mixed(modulo: int) -> Say:
    """Every `modulo`-th answer is wrong."""
    return lambda i, case: (wrong if i % modulo == 0 else right)(i, case)


def evaluation(name: str, say: Say = right, asked: Sequence[Case] | None = None, mode: str = "rag") -> Evaluation:
    """An evaluation of these cases, scored as any other."""
    asked = cases() if asked is None else asked
    found = [Scored(case, answer, score(case, answer)) for i, case in enumerate(asked) for answer in [say(i, case)]]
    identity = Identity(
        id=f"eval_20261104_101500_{name}",
        created="2026-11-04T10:15:00+01:00",
        mode=mode,
        model=f"fake:{name}",
        cases="evaluation/questions.jsonl",
        cases_sha256="c" * 64,
        count=len(asked),
        generation="g-0007",
        model_sha256="d" * 64,
        settings={"search.top_k": 10, "answer.refuse_below": 0.35},
        versions={"dyag": "0.5.0", "python": "3.11.2"},
        command=f"dyag eval evaluation/questions.jsonl --mode {mode} --model fake:{name}",
    )
    return Evaluation(identity, tuple(found))
