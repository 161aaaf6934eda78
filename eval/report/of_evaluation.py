"""What a report of an evaluation holds: what was measured, how well it did, where it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eval.metrics import METRICS, Summary, summary
from eval.report.blocks import Block, Figure, Fold, Paragraph, Quote, Quotes, Report, Section, Table
from eval.report.charts import Mark, fourfold, histogram, intervals
from eval.report.estimates import Estimate, estimate
from eval.report.figures import NONE, counted, day, interval, short, value
from eval.report.identity import identity_facts
from eval.report.slices import slice_tables
from eval.slices import expected_of
from eval.types import Evaluation, Identity, Scored

MIN_DOCUMENTS = 6
"""Below, an interval says next to nothing."""
_WORST = 15
_ERRORS = 20
_JUDGE = "judge"
_UNKNOWN = "Nothing can be said of right and wrong: no case has a known answer."


def evaluation_report(evaluation: Evaluation) -> Report:
    """The report of an evaluation, also of one that only states its metrics."""
    identity, scored = evaluation.identity, evaluation.scored
    if not scored:
        return Report(_title(identity), "Figures of another program", (_stated(evaluation),))
    found = summary(scored)
    about = f"{counted(found.cases, 'case')} about {counted(found.groups, 'document')}, {day(identity.created)}".rstrip(
        ", "
    )
    sections = [
        Section("Result", tuple(_result(found, scored, identity))),
        Section("Every metric", tuple(_metrics(found, scored))),
        Section("Refusals", tuple(_refusals(found))),
        Section("Time", tuple(_time(found, scored))),
        Section("By type and language", tuple(slice_tables(scored))),
        Section("Worst answers", tuple(_worst(scored))),
        Section("Errors", tuple(_errors(scored))),
        Section("What was measured", identity_facts(identity, identity)),
    ]
    return Report(_title(identity), about, tuple(sections))


def _title(identity: Identity) -> str:
    named = " ".join(part for part in (identity.mode, identity.model) if part)
    return f"Evaluation of {named or identity.id}"


def _stated(evaluation: Evaluation) -> Section:
    rows = tuple((name, "" if number is None else f"{number:g}") for name, number in evaluation.stated.items())
    why = Paragraph("This file holds no answers: nothing can be said of single cases, or of how sure the figures are.")
    return Section("Metrics", (why, Table(("Metric", "Value"), rows)))


def _result(found: Summary, scored: Sequence[Scored], identity: Identity) -> Iterator[Block]:
    success = estimate("success", scored)
    if success:
        said = f"{value(success.mean, 'share')} right (95% interval {interval(success.low, success.high, 'share')})"
        yield Paragraph(said, "key")
        yield Paragraph("Right is an answer that holds the right value, or a refusal where there is no answer.")
    else:
        yield Paragraph(_UNKNOWN, "warning")
    if found.groups < MIN_DOCUMENTS:
        few = f"The cases are about {counted(found.groups, 'document')} only: the intervals cannot be relied on below {MIN_DOCUMENTS}."
        yield Paragraph(few, "warning")
    if found.failed:
        yield Paragraph(
            f"{counted(found.failed, 'case')} got no answer; they are listed below, and count as not right.", "bad"
        )
    if any(_JUDGE in one.scores for one in scored):
        yield Paragraph(_judge(identity), "warning")
    yield Table(("Figure", "Value"), tuple(_guide(*one) for one in found.guides.items()))


def _guide(name: str, number: float | None) -> tuple[str, str]:
    if number is None:
        return name, NONE
    return name, f"{number:.1f}%" if name.endswith("_rate") else f"{number:,.10g}"


def _judge(identity: Identity) -> str:
    told = identity.settings.get(_JUDGE)
    if isinstance(told, dict) and told.get("calibrated"):
        return f"The judge agrees with people: kappa {told.get('kappa'):.2f} over {counted(int(told.get('labels', 0)), 'answer')}."
    return "The judge is uncalibrated: not enough of its verdicts were checked against people's. Read them as a hint."


def _metrics(found: Summary, scored: Sequence[Scored]) -> Iterator[Block]:
    estimates = {name: estimate(name, scored) for name in found.metrics}
    yield Paragraph(
        "Intervals are 95%, by drawing whole documents. A case that does not ask for a metric is unscored, and not zero."
    )
    rows = [_metric(name, found, estimates[name]) for name, one in found.metrics.items() if one.n]
    extra = sorted({name for one in scored for name in one.scores} - found.metrics.keys())
    rows += [_extra(name, made, len(scored)) for name in extra if (made := estimate(name, scored))]
    head = ("Metric", "Value", "95% interval", "Scored", "Unscored", "What it is")
    yield Table(head, tuple(rows), words=(5,))
    marks = [_mark(name, made) for name, made in estimates.items() if made and METRICS[name].unit == "share"]
    if marks:
        title = "Shares with their 95% intervals, in percent"
        yield Figure(title, intervals(marks, 0.0, 100.0, f"{title}; the figures are in the table."))
    unscored = [name for name, one in found.metrics.items() if not one.n]
    if unscored:
        yield Paragraph(f"Unscored in every case: {', '.join(unscored)}.")
        yield from (Paragraph(f"{name}: {found.notes[name]}") for name in unscored if name in found.notes)


def _metric(name: str, found: Summary, made: Estimate | None) -> tuple[str, ...]:
    metric, one = METRICS[name], found.metrics[name]
    how = {"sum": ", in all", "p50": ", median"}.get(metric.aggregate, "")
    spread = interval(made.low, made.high, metric.unit) if made else NONE
    return name, value(one.value, metric.unit), spread, f"{one.n:,}", f"{one.unscored:,}", f"{metric.summary}{how}"


def _extra(name: str, made: Estimate, count: int) -> tuple[str, ...]:
    about = "what the language model that judges says; uncalibrated unless said above" if name == _JUDGE else ""
    spread = interval(made.low, made.high, "share")
    return name, value(made.mean, "share"), spread, f"{made.n:,}", f"{count - made.n:,}", about


def _mark(name: str, made: Estimate) -> Mark:
    said = f"{value(made.mean, 'share')}, n {made.n:,}"
    low, high = (made.mean if edge is None else edge for edge in (made.low, made.high))
    return Mark(name, 100 * made.mean, 100 * low, 100 * high, said)


def _refusals(found: Summary) -> Iterator[Block]:
    table = found.refusals
    cells = (
        (table.answered_answerable, table.refused_answerable),
        (table.answered_unanswerable, table.refused_unanswerable),
    )
    across, down = ("answered", "refused"), ("has an answer", "has none")
    rows = tuple((name, *(f"{count:,}" for count in row)) for name, row in zip(down, cells, strict=True))
    yield Table(("Question", *across), rows)
    about = "Questions with and without an answer, answered and refused; the figures are in the table."
    yield Figure("What was answered and what was refused", fourfold(cells, across, down, about))


def _time(found: Summary, scored: Sequence[Scored]) -> Iterator[Block]:
    rows = [
        (name.replace("_", " "), value(number, "seconds"))
        for name, number in found.latency.items()
        if number is not None
    ]
    if not rows:
        yield Paragraph("No time was measured.")
        return
    yield Table(("Time", "Seconds"), tuple(rows))
    seconds = [number for one in scored if (number := one.scores.get("latency")) is not None]
    if seconds:
        marked = [(name, number) for name in ("p50", "p95") if (number := found.latency[name]) is not None]
        title = "Seconds to the whole answer"
        yield Figure(title, histogram(seconds, marked, f"{title}: how many answers took how long."))


def _worst(scored: Sequence[Scored]) -> Iterator[Block]:
    """Wrong answers first, those that are confident (cite, do not refuse) before refusals; by F1, then by case."""
    wrong = [one for one in scored if one.scores.get("success") == 0.0 and not one.response.error]
    ordered = sorted(wrong, key=lambda one: (one.response.refused, one.scores.get("f1") or 0.0, one.case.id))
    if not ordered:
        known = any(one.scores.get("success") is not None for one in scored)
        yield Paragraph("No answer was found wrong." if known else _UNKNOWN)
        return
    shown = f"; {counted(_WORST, 'case')} shown" if len(ordered) > _WORST else ""
    yield Paragraph(
        f"{counted(len(ordered), 'wrong answer')}{shown}: answers before refusals, the farthest from what was expected first."
    )
    yield from (_case(one) for one in ordered[:_WORST])


def _case(one: Scored) -> Fold:
    case, response = one.case, one.response
    note = "refused" if response.refused else _cited(one)
    question = Quote(
        f"Question ({case.id})", case.question, case.language, ", ".join(filter(None, (case.type, case.group)))
    )
    quotes = (
        question,
        Quote("Expected", expected_of(case), case.language),
        Quote("Answer", response.text, case.language, note, "bad"),
    )
    scores = ", ".join(f"{name} {number:.3g}" for name, number in one.scores.items() if number is not None)
    return Fold(short(case.question), (Quotes(quotes), Paragraph(f"Scores: {scores}")))


def _cited(one: Scored) -> str:
    names = [
        f"{cited.names[0] if cited.names else '?'}{'' if cited.supported else ' (weak support)'}"
        for cited in one.response.cited
    ]
    phantom = f"; {counted(one.response.phantom, 'id')} cited that were not shown" if one.response.phantom else ""
    return (f"cites {', '.join(names)}" if names else "cites nothing") + phantom


def _errors(scored: Sequence[Scored]) -> Iterator[Block]:
    failed = [one for one in scored if one.response.error]
    if not failed:
        yield Paragraph("None: every case got an answer.")
        return
    rows = tuple((one.case.id, short(one.case.question), one.response.error) for one in failed[:_ERRORS])
    yield Table(("Case", "Question", "Error"), rows, words=(1, 2))
    if len(failed) > _ERRORS:
        yield Paragraph(f"{len(failed) - _ERRORS:,} more are in results.json.")
