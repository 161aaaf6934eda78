"""The scores of many cases as one number each, with how many were scored and how many were not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from eval.metrics import bert, overlap, refusals
from eval.metrics.catalogue import METRICS
from eval.metrics.refusals import Refusals
from eval.metrics.usage import quantile
from eval.types import Scored


@dataclass(frozen=True)
class Aggregated:
    """One metric over all cases."""

    value: float | None
    """In the unit of the metric; None when no case was scored."""
    n: int
    unscored: int


@dataclass(frozen=True)
class Summary:
    """What an evaluation found; JSON-able with `dataclasses.asdict`."""

    cases: int
    groups: int
    """Documents that the cases are about; a case without one counts as its own."""
    failed: int
    metrics: Mapping[str, Aggregated]
    refusals: Refusals
    latency: Mapping[str, float | None]
    """Seconds: `p50`, `p95`, and the same of the first token."""
    guides: Mapping[str, float | None]
    """The guides' block: rates in percent; None where nothing could be counted."""
    notes: Mapping[str, str]
    """Why a metric is unscored everywhere, where there is more to say than that no case asks for it."""


def summary(scored: Sequence[Scored]) -> Summary:
    """Everything that can be said of the cases together."""
    return Summary(
        cases=len(scored),
        groups=len({s.case.group or f"\0{s.case.id}" for s in scored}),
        failed=sum(bool(s.response.error) for s in scored),
        metrics={name: _aggregated(name, scored) for name in METRICS},
        refusals=refusals.table((s.case, s.response) for s in scored),
        latency=_latency(scored),
        guides=_guides(scored),
        notes=_notes(scored),
    )


def finite(scored: Sequence[Scored], name: str) -> list[float]:
    """The scores of a metric that are numbers."""
    values = (s.scores.get(name) for s in scored)
    return [value for value in values if value is not None and math.isfinite(value)]


def _notes(scored: Sequence[Scored]) -> dict[str, str]:
    notes = {
        "semantic": "no embedder was at hand",
        "bert_score": "it was not asked for" if bert.installed() else "the package bert-score is not installed",
    }
    if not finite(scored, "rouge_l"):  # no case has a text to compare with: that is reason enough
        return {}
    return {name: note for name, note in notes.items() if not finite(scored, name)}


def _aggregated(name: str, scored: Sequence[Scored]) -> Aggregated:
    values = finite(scored, name)
    unscored = len(scored) - len(values)
    if not values:
        return Aggregated(None, 0, unscored)
    how = METRICS[name].aggregate
    if how == "corpus":
        texts = [(s.case, s.response) for s in scored]
        return Aggregated(overlap.corpus(name, texts), len(values), unscored)
    value = sum(values) if how == "sum" else quantile(values, 0.5) if how == "p50" else fmean(values)
    return Aggregated(value, len(values), unscored)


def _latency(scored: Sequence[Scored]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for prefix, name in (("", "latency"), ("first_token_", "first_token")):
        values = finite(scored, name)
        for label, share in (("p50", 0.5), ("p95", 0.95)):
            found[prefix + label] = quantile(values, share) if values else None
    return found


def _guides(scored: Sequence[Scored]) -> dict[str, float | None]:
    tokens = finite(scored, "tokens")
    return {
        "success_rate": _rounded(finite(scored, "success"), 2, 100),
        "exact_match_rate": _rounded(finite(scored, "exact_match"), 2, 100),
        "avg_time_seconds": _rounded(finite(scored, "latency"), 3),
        "avg_tokens": _rounded(tokens, 1),
        "total_tokens": int(sum(tokens)) if tokens else None,
    }


def _rounded(values: Sequence[float], digits: int, times: int = 1) -> float | None:
    """Their mean."""
    return round(times * fmean(values), digits) if values else None
