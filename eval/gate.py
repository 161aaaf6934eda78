"""The gate: a model is promoted when it is better on the target beyond chance, and not worse on any guard-rail."""

from __future__ import annotations

from eval.types import Evaluation
from eval.verdict import Rules, Verdict

General = tuple[Evaluation, Evaluation]


def verdict(before: Evaluation | None, after: Evaluation, rules: Rules, forgotten: General | None = None) -> Verdict:
    """Whether `after` may replace `before` (what is promoted, or else the base model). `forgotten`: the general suite, before
    and after. Raises BadInput for evaluations of other cases."""
    raise NotImplementedError
