"""A mean with its interval, of one metric over some cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from eval.metrics import METRICS
from eval.pairs import group_of
from eval.types import Scored


@dataclass(frozen=True)
class Estimate:
    """A mean over cases, with its 95% interval; none where one document cannot give any."""

    mean: float
    low: float | None
    high: float | None
    n: int
    documents: int


def estimate(name: str, scored: Sequence[Scored]) -> Estimate | None:
    """None where no case is scored, or where the metric is no mean of cases."""
    if name in METRICS and METRICS[name].aggregate != "mean":
        return None
    found = [(float(score), group_of(one.case)) for one in scored if (score := one.scores.get(name)) is not None]
    if not found:
        return None
    values, groups = [value for value, _ in found], [group for _, group in found]
    low, high = _interval(values, groups)
    return Estimate(fmean(values), low, high, len(values), len(set(groups)))


def mean(name: str, scored: Sequence[Scored]) -> float | None:
    """Of the cases that are scored; None where none is."""
    found = [score for one in scored if (score := one.scores.get(name)) is not None]
    return fmean(found) if found else None


def _interval(values: Sequence[float], groups: Sequence[str]) -> tuple[float | None, float | None]:
    """Cases that all score the same are no proof that every case does: one right and one wrong more are put to them."""
    from eval.statistics import bootstrap

    middle = fmean(values)
    if len(set(values)) == 1 and values[0] in (0.0, 1.0):
        values, groups = [*values, 0.0, 1.0], [*groups, "\0wrong", "\0right"]
    low, high = bootstrap(values, groups)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None, None
    return min(low, middle), max(high, middle)
