"""What the gate says, and by which rules: values only, made by `eval/gate.py`, kept with the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Role = Literal["target", "guard"]


@dataclass(frozen=True)
class Rules:
    """What a model must show before it is promoted.

    A margin is how much worse a guard-rail may be with all doubt included: the far end of its interval must not reach it.
    As measured it may be worse by two thirds of it, or else many cases would let through what few do not. Margins are as wide
    as 400 cases need: half as wide they would stop most of the models that are no worse at all (benchmarks/gate.py). Where the
    cases tell more, the gate narrows them by itself, down to half.
    """

    target: str = "success"
    """The metric that says whether an answer is right."""
    alpha: float = 0.05
    """Risk of taking chance for a gain, and of letting a guard-rail through that is worse by its margin."""
    margins: Mapping[str, float] = field(
        default_factory=lambda: {
            "citation_precision": 0.12,
            "citation_recall": 0.12,
            "refusal_recall": 0.2,
            "stop_rate": 0.04,
        }
    )
    """Guard-rails among the metrics: the widest margin of each, in the metric's unit."""
    answered: float = 0.08
    """Of the target among the questions that have an answer: who refuses more must not answer less right."""
    forgetting: float = 0.15
    """Of the share right on the general suite."""
    latency: float = 1.5
    """How many times as long the median answer may take; 0 to leave it out."""
    instant: float = 0.1
    """Seconds that nobody notices: a median answer as fast as this may take any number of times as long as before."""
    min_documents: int = 6


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    metric: str
    role: Role
    before: float | None
    after: float | None
    difference: float | None
    """After minus before; for latency after divided by before."""
    low: float | None
    high: float | None
    """Interval that holds the difference with 1 - 2 alpha: each of its ends is wrong with alpha."""
    margin: float | None
    """The one that was applied, narrowed where the cases tell enough."""
    p: float | None
    """Of the target: one-sided, document-clustered permutation test."""
    n: int
    documents: int
    passed: bool
    reason: str


@dataclass(frozen=True)
class Verdict:
    """Whether to promote, and why. JSON-able with `dataclasses.asdict`."""

    promote: bool
    reasons: tuple[str, ...]
    """Plain sentences, the decisive ones first."""
    checks: tuple[Check, ...]
    before: str = ""
    """Id of the evaluation it was compared with; empty for none."""
    after: str = ""
    cases_sha256: str = ""
    rules: Rules = field(default_factory=Rules)


def read_verdict(kept: Mapping[str, Any]) -> Verdict:
    """A verdict as `asdict` and JSON left it; what else is kept beside it is passed over."""
    own = {one.name: kept[one.name] for one in fields(Verdict)}
    checks = tuple(Check(**check) for check in own["checks"])
    return Verdict(**{**own, "reasons": tuple(own["reasons"]), "checks": checks, "rules": Rules(**own["rules"])})
