"""Evaluations of the same cases, compared: see `eval/comparison.py` for what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.comparison import Comparison
from eval.types import Evaluation


def compare(evaluations: Sequence[Evaluation]) -> Comparison:
    """Every pair of two or more evaluations, paired by case. Raises BadInput for other cases, NaN scores, fewer than two."""
    raise NotImplementedError


def compare_figures(figures: Mapping[str, Mapping[str, float]]) -> Comparison:
    """Results that hold a `metrics` block only, by label: means side by side, no test. Raises BadInput."""
    raise NotImplementedError
