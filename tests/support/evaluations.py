"""Evaluations made of scores, for the tests of what judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eval.types import Case, Evaluation, Identity, Response, Scored


def evaluation(
    name: str,
    scores: Mapping[str, Sequence[float | None]],
    groups: Sequence[str] = (),
    mode: str = "rag",
    sha: str = "same",
    **case: Any,
) -> Evaluation:
    """Case i has the i-th score of every metric and is about the i-th group (its own document by default)."""
    count = max(map(len, scores.values()))
    about = list(groups) or [f"d{i}" for i in range(count)]
    scored = tuple(
        Scored(
            replace(Case(f"q{i:03}", f"Question {i}?", ("gold",), group=about[i]), **case),
            Response(f"{name} says {i}", seconds=1.0),
            {metric: values[i] for metric, values in scores.items()},
        )
        for i in range(count)
    )
    return Evaluation(Identity(name, "2026-11-21", mode, f"model-{name}", "cases.jsonl", sha, count), scored)
