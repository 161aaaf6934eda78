"""An evaluation as its command tells it: figures with their intervals, slices, single answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assistant.commands.evaluate import CaseRow, EvalResult, EvalRow, MetricRow, SliceRow, State
from eval.types import GENERAL
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.evaluations import Kept
    from eval.types import Evaluation, Scored

JUDGE = "judge"
_STRICT = (
    "In the general suite a right refusal counts only where the same model answered what the same passage does say."
)


def result_of(kept: Kept, evaluation: Evaluation, *, verbose: bool) -> EvalResult:
    """What the command returns."""
    from eval.metrics import summary

    identity, scored = evaluation.identity, evaluation.scored
    found = summary(scored)
    return EvalResult(
        id=identity.id,
        mode=identity.mode,
        model=identity.model,
        created=identity.created,
        cases=identity.cases,
        count=len(scored),
        documents=found.groups,
        failed=found.failed,
        metrics=found.guides,
        rows=tuple(_rows(scored)),
        slices=tuple(_slices(scored)),
        answers=tuple(map(_case, scored)) if verbose else (),
        errors=dict(Counter(one.response.error for one in scored if one.response.error)),
        judge=identity.settings.get(JUDGE),
        notes=(_STRICT,) if any(one.case.type.startswith(GENERAL) for one in scored) else (),
        results=kept.results,
        report=kept.page,
    )


def listed(kept: Kept) -> EvalRow:
    """A line of the list."""
    identity = kept.identity
    state: State = "done" if kept.done else "running" if kept.running else "stopped"
    return EvalRow(
        identity.id, identity.created, identity.mode, identity.model, identity.cases, identity.count, state,
        kept.success(), identity.command if state == "done" else kept.goes_on_with, identity.made_for,
    )  # fmt: skip


def check_unused(app: App, kept: Kept) -> None:
    """Raises BadInput when the verdict on a run rests on the evaluation."""
    from finetune.runs.store import Runs

    id = kept.identity.id
    for run in Runs(app.home.models).all():
        verdict = (run.manifest.verdict if run.manifest else None) or {}
        if id in (verdict.get("before"), verdict.get("after")):
            hint = (
                f"`dyag runs show {run.id}` shows the verdict; to delete it all the same: dyag eval delete {id} --force"
            )
            raise BadInput(f"The verdict on the run {run.id} rests on {id}.", hint)


def _rows(scored: Sequence[Scored]) -> Iterator[MetricRow]:
    """Metrics that some case was scored by, in their order, a judge's last."""
    from eval.metrics import METRICS, summary
    from eval.report.estimates import estimate

    found = summary(scored)
    for name, one in found.metrics.items():
        if one.value is not None:
            spread = estimate(name, scored)
            low, high = (spread.low, spread.high) if spread else (None, None)
            yield MetricRow(name, one.value, METRICS[name].unit, low, high, one.n, one.unscored)
        if name == "latency" and (slow := found.latency["p95"]) is not None:
            yield MetricRow("latency p95", slow, "seconds", None, None, one.n, one.unscored)
    if any(JUDGE in one.scores for one in scored) and (judged := estimate(JUDGE, scored)):
        yield MetricRow(JUDGE, judged.mean, "share", judged.low, judged.high, judged.n, len(scored) - judged.n)


def _slices(scored: Sequence[Scored]) -> Iterator[SliceRow]:
    """By type and by language, where the cases differ in it."""
    from eval.report.estimates import estimate

    for by in ("type", "language"):
        names = sorted({getattr(one.case, by) for one in scored})
        for name in names if len(names) > 1 else ():
            some = [one for one in scored if getattr(one.case, by) == name]
            if found := estimate("success", some):
                yield SliceRow(by, name, found.mean, found.low, found.high, found.n, found.documents)


def _case(one: Scored) -> CaseRow:
    from eval.slices import expected_of

    case, response = one.case, one.response
    return CaseRow(
        case.id,
        case.question,
        expected_of(case),
        response.text,
        one.scores.get("success"),
        response.seconds,
        response.error,
    )
