"""The gate: a model is promoted when it is better on the target beyond chance, and not worse on any guard-rail.

*Better*: a one-sided permutation test by document. *Not worse*: the interval of the difference, documents drawn with
replacement, leaves out a loss as large as the margin (non-inferiority); a mean that looks harmless is not enough. And as
measured, no more than two thirds of the margin is lost. Data that tell more narrow a margin, down to half of what the rules
allow: it is no wider than four standard errors, which a model that is no worse passes 99 times in 100. All checks must pass,
so that none needs a correction for being many (Berger 1982), and a model that is no better gets through with `alpha` at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from statistics import median

from eval.forgetting import Forgetting
from eval.metrics import METRICS
from eval.pairs import Paired, by_case, group_of, paired
from eval.pairs import name as name_of
from eval.statistics import bootstrap, cushioned, detectable, permutation, ratio_of_medians
from eval.types import Evaluation, Scored
from eval.verdict import Check, Role, Rules, Verdict
from retrieval.errors import BadInput

LATENCY = "latency"
ANSWERED = "right_answers"
"""The target over the questions that have an answer."""
MEASURED = 2 / 3
"""Of a margin, what may be lost as measured. At 400 cases the interval asks for more; with thousands it no longer would."""
NARROWED = 2.4
"""Times the way from what was lost to the far end of its interval: about four standard errors, the widest margin needed."""
NOWHERE = (None, None)
"""The interval of what was not measured."""
Rows = tuple[Sequence[float], Sequence[str]]


def verdict(
    before: Evaluation | None,
    after: Evaluation,
    rules: Rules,
    forgotten: Forgetting | None = None,
    times: Mapping[str, tuple[float, float]] | None = None,
) -> Verdict:
    """Whether `after` may replace `before`: what is promoted, or else the base model as it came.

    `forgotten` is about the general suite. `times` are seconds before and after by case id, measured in turns; None takes
    those of the evaluations, which other hours of the machine may have made. Raises BadInput for other cases, another index,
    mode or settings, and for scores that are no numbers.
    """
    identity = after.identity
    if before is None:
        why = "There is nothing to compare with: evaluate the base model, or what is promoted, on the same cases."
        return Verdict(False, (why,), (), "", identity.id, identity.cases_sha256, rules)
    check_alike(before, after)
    old, new = by_case([before, after])
    checks = [_target(old, new, rules), _answered(old, new, rules)]
    checks += [_guard(name, paired(name, old, new), margin, rules) for name, margin in rules.margins.items()]
    checks += [_latency(_timed(old, times) if times else paired(LATENCY, old, new), rules)] if rules.latency else []
    checks += [_forgetting(forgotten, rules)] if forgotten else []
    promote = all(check.passed for check in checks)
    reasons = tuple(check.reason for check in sorted(checks, key=lambda check: check.passed))
    return Verdict(promote, reasons, tuple(checks), before.identity.id, identity.id, identity.cases_sha256, rules)


def check_alike(before: Evaluation, after: Evaluation) -> None:
    """Raises BadInput where more than the model differs: the gain may be that of the index, or of a setting."""
    for field, what in (("mode", "mode"), ("generation", "index"), ("settings", "settings")):
        if getattr(before.identity, field) != getattr(after.identity, field):
            message = (
                f"{name_of(before)} and {name_of(after)} were measured with another {what}: not only the model differs."
            )
            raise BadInput(message, "Measure both again; what nothing changed in is not asked again.")


def _target(old: Mapping[str, Scored], new: Mapping[str, Scored], rules: Rules) -> Check:
    name, found = rules.target, paired(rules.target, old, new)
    if found.documents < rules.min_documents:
        return _check(name, "target", found, NOWHERE, None, False, _too_few(name, found, rules))
    upwards = METRICS[name].better == "higher"
    p = permutation(found.differences, found.groups, "greater" if upwards else "less")
    change, interval = _change(name, found), _interval(found, name, rules)
    if p < rules.alpha:
        chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        return _check(name, "target", found, interval, None, True, f"{name}: better, {change} ({chance}).", p)
    could = detectable(*cushioned(found.differences, found.groups), alpha=2 * rules.alpha)
    reason = (
        f"{name}: not shown to be better, {change} (p = {p:.2f}); {len(found.cases)} cases about {found.documents} "
        f"documents show a gain of {_points(name, could)} four times in five."
    )
    return _check(name, "target", found, interval, None, False, reason, p)


def _answered(old: Mapping[str, Scored], new: Mapping[str, Scored], rules: Rules) -> Check:
    """Right answers to what has one. A model that refuses more is right more often where much is to be refused."""
    known = [id for id, one in old.items() if one.case.answerable]
    found = paired(rules.target, {id: old[id] for id in known}, {id: new[id] for id in known})
    if found.documents < rules.min_documents:
        reason = _too_few(ANSWERED, found, rules)
        return _check(ANSWERED, "guard", found, NOWHERE, rules.answered, False, reason)
    if not any(found.after):
        reason = f"{ANSWERED}: none of {len(found.cases)} questions that have an answer is answered right."
        return _check(ANSWERED, "guard", found, NOWHERE, rules.answered, False, reason)
    return _held_by(ANSWERED, rules.target, found, rules.answered, rules)


def _guard(name: str, found: Paired, margin: float, rules: Rules) -> Check:
    if not found.cases and not found.only_before:
        asked = "it was not measured before" if found.only_after else "no case asks for it"
        reason = f"{name}: {asked}, so there is nothing to lose."
        return _check(name, "guard", found, NOWHERE, margin, True, reason)
    if found.documents < rules.min_documents:
        return _check(name, "guard", found, NOWHERE, margin, False, _too_few(name, found, rules))
    return _held_by(name, name, found, margin, rules)


def _held_by(called: str, name: str, found: Paired, margin: float, rules: Rules) -> Check:
    """The guard-rail `called` so, by the scores of the metric `name`."""
    low, high = _interval(found, name, rules)
    gain = sum(found.differences) / len(found.differences)
    lost, worst = (gain, high) if METRICS[name].better == "lower" else (-gain, -low)
    passed, margin, found_out = _held(lost, worst, margin, lambda value: _points(name, value))
    reason = f"{called}: {found_out}, {_change(name, found)}."
    return _check(called, "guard", found, (low, high), margin, passed, reason)


def _held(lost: float, worst: float, widest: float, shown: Callable[[float], str]) -> tuple[bool, float, str]:
    """Whether a guard-rail holds, by which margin, and why: `lost` as measured, `worst` with all doubt included."""
    margin = min(widest, max(widest / 2, NARROWED * (worst - lost)))
    if lost > MEASURED * margin:
        return False, margin, f"worse by {shown(lost)}, where {shown(MEASURED * margin)} are allowed"
    bounds = f"up to {shown(max(0.0, worst))} may be lost, where {shown(margin)} are allowed"
    return worst < margin, margin, f"holds ({bounds})" if worst < margin else f"not shown to hold ({bounds})"


def _timed(old: Mapping[str, Scored], times: Mapping[str, tuple[float, float]]) -> Paired:
    before, after = zip(*times.values(), strict=True)
    return Paired(tuple(times), tuple(group_of(old[id].case) for id in times), before, after)


def _latency(found: Paired, rules: Rules) -> Check:
    if found.documents < rules.min_documents:
        return _check(LATENCY, "guard", found, NOWHERE, rules.latency, False, _too_few(LATENCY, found, rules))
    old, new = median(found.before), median(found.after)
    low, high = ratio_of_medians(found.before, found.after, found.groups, 1 - 2 * rules.alpha)
    passed = high <= rules.latency or new <= rules.instant
    times = new / old if old else None
    slow = "too slow" if times is None or times > rules.latency else "not shown to hold"
    reason = f"{LATENCY}: {'fast enough' if passed else slow}, median {old:.2f} s before and {new:.2f} s after"
    if new > rules.instant:
        reason += f"; up to {high:.2f} times as long, where {rules.latency:g} times are allowed"
    bounds = low if isfinite(low) else None, high if isfinite(high) else None  # JSON has no infinity
    n, documents = len(found.cases), found.documents
    return Check(LATENCY, "guard", old, new, times, *bounds, rules.latency, None, n, documents, passed, f"{reason}.")


def _forgetting(found: Forgetting, rules: Rules) -> Check:
    low, high = found.interval
    total = found.total
    missing = found.unscored / (total.count + found.unscored)  # what a model does not answer, it may have forgotten
    passed, margin, found_out = _held(
        missing - found.difference, missing - low, rules.forgetting, lambda value: f"{100 * value:.1f} points"
    )
    if found.finding == "nothing to forget":
        passed, found_out = True, "too little was known to be forgotten"
    elif total.count < rules.min_documents:
        passed, found_out = False, f"cannot be decided, at least {rules.min_documents} cases are needed"
    change = f"{100 * total.before:.0f}% of {total.count} general cases right before, {100 * total.after:.0f}% after"
    reason = f"forgetting: {found_out}, {change}."
    n = total.count
    return Check(
        "forgetting",
        "guard",
        total.before,
        total.after,
        found.difference,
        low,
        high,
        margin,
        None,
        n,
        n,
        passed,
        reason,
    )


def _check(
    name: str,
    role: Role,
    found: Paired,
    interval: tuple[float | None, float | None],
    margin: float | None,
    passed: bool,
    reason: str,
    p: float | None = None,
) -> Check:
    n = len(found.cases)
    before, after = (sum(side) / n if n else None for side in (found.before, found.after))
    difference = None if before is None or after is None else after - before
    return Check(name, role, before, after, difference, *interval, margin, p, n, found.documents, passed, reason)


def _interval(found: Paired, name: str, rules: Rules) -> tuple[float, float]:
    rows: Rows = (found.differences, found.groups)
    if METRICS[name].unit == "share":
        rows = cushioned(*rows)
    return bootstrap(*rows, 1 - 2 * rules.alpha)


def _too_few(name: str, found: Paired, rules: Rules) -> str:
    lost = f" ({found.only_before} cases are scored before and not after)" if found.only_before else ""
    return (
        f"{name}: cannot be decided, {len(found.cases)} cases about {found.documents} documents have it on both sides{lost}; "
        f"at least {rules.min_documents} documents are needed."
    )


def _change(name: str, found: Paired) -> str:
    n = len(found.cases)
    old, new = (_points(name, sum(side) / n, "%") for side in (found.before, found.after))
    return f"{old} before and {new} after"


def _points(name: str, value: float, unit: str = " points") -> str:
    return f"{100 * value:.1f}{unit}" if METRICS[name].unit == "share" else f"{value:.3g}"
