"""How evaluations are shown to a person."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.command import NAMED
from assistant.commands.evaluate import CaseRow, EvalDeleted, EvalList, EvalOpened, EvalResult, EvalRow, MetricRow
from assistant.render import render
from assistant.render_made import shown
from assistant.screen import Screen, Styled, bold, dim, duration, red, shortened
from eval.report.figures import NONE, counted, difference, difference_interval, interval, value

_PROBLEMS = 5
"""Notes that are shown; the rest is counted."""
_LONGEST = 400
"""Characters of a text; results.json has all."""
_FEW = 6
"""Documents below which an interval says next to nothing."""


@render.register
def _(result: EvalResult, screen: Screen) -> None:
    for row in result.answers:
        _case(row, screen)
    about = f"{counted(result.count, 'case')} about {counted(result.documents, 'document')}"
    screen.out(bold(f"{result.mode} {result.model}"), f"  {about}")
    screen.out()
    if result.rows:
        values = _to_right([value(row.value, row.unit) for row in result.rows])
        spreads = _to_right([_spread(row) for row in result.rows])
        rows = [
            (bold(row.name), figure, spread, row.n, row.unscored)
            for row, figure, spread in zip(result.rows, values, spreads, strict=True)
        ]
        screen.table(("metric", "value", "95% interval", "n", "unscored"), rows, ("metric", "value", "95% interval"))
    _slices(result, screen)
    screen.out()
    _remarks(result, screen)
    _drift(result, screen)
    screen.hanging([(bold("results"), shown(result.output or result.results)), (bold("report"), shown(result.report))])


def _case(row: CaseRow, screen: Screen) -> None:
    mark = {None: dim("unscored"), 1.0: Styled("right", "32")}.get(row.success, red("wrong"))
    screen.out(bold(row.id), "  ", red("failed") if row.error else mark, dim(f"  {duration(row.seconds)}"))
    parts = (("question", row.question), ("expected", row.expected), ("answer", row.error or row.answer))
    screen.hanging([(dim(f"  {name}"), shortened(text, _LONGEST)) for name, text in parts if text])
    screen.out()


def _to_right(texts: Sequence[str]) -> list[str]:
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]


def _spread(row: MetricRow) -> str:
    return interval(row.low, row.high, row.unit) if row.low is not None else NONE


def _slices(result: EvalResult, screen: Screen) -> None:
    """How many are right, by what the cases differ in."""
    if not result.slices:
        return
    screen.out()
    rows = [
        (s.by, s.name or "(none)", value(s.success, "share"), interval(s.low, s.high, "share"), s.n, s.documents)
        for s in result.slices
    ]
    screen.table(("", "", "success", "95% interval", "n", "documents"), rows, ("success", "95% interval"))


def _remarks(result: EvalResult, screen: Screen) -> None:
    """What one should know before one believes the figures."""
    for note in result.notes[:_PROBLEMS]:
        screen.remark(note)
    if len(result.notes) > _PROBLEMS:
        screen.remark(f"… and {len(result.notes) - _PROBLEMS} more.")
    for error, count in result.errors.items():
        screen.hanging([(red(f"{count} failed:"), error)])
    if result.failed == result.count:
        screen.error("No case got an answer.")
    elif result.exit_code:
        screen.error("No case could be scored.", "Cases need `answers`, `expected_answer`, or `answerable: false`.")
    if result.documents < _FEW:
        few = counted(result.documents, "document")
        screen.remark(f"About {few} only: the intervals say little below {_FEW}.")
    if result.reused:
        screen.remark(f"{result.reused} of the answers were there already; --fresh asks anew.")
    if result.judge is not None:
        screen.remark(_judged(result))


def _judged(result: EvalResult) -> str:
    told = result.judge or {}
    if told.get("labels"):
        kappa = "" if told["kappa"] is None else f", kappa {told['kappa']:.2f}"
        checked = f"it agrees with people on {told['agree']} of {told['labels']} answers that both have judged{kappa}"
    else:
        checked = "nobody has rated these answers"
    return (
        f"The judge {told.get('model', '')} is {'calibrated' if told.get('calibrated') else 'uncalibrated'}: {checked}."
    )


def _drift(result: EvalResult, screen: Screen) -> None:
    """What changed since last time."""
    if not result.promoted:
        return
    if result.drift is None:
        screen.remark("It was never measured on these cases before: there is nothing to compare with yet.")
        return
    screen.out(bold("since last time"), f"  ({result.drift.sides[0].id})")
    if result.drift.undecided:
        screen.remark(result.drift.undecided)
    rows = [
        (
            bold(row.name),
            value(row.before, row.unit),
            value(row.after, row.unit),
            difference(row.difference, row.unit),
            difference_interval(row.low, row.high, row.unit),
            row.verdict,
        )
        for pair in result.drift.pairs
        for row in pair.metrics
        if row.difference
    ]
    if rows:
        screen.table(
            ("metric", "before", "now", "change", "95% interval", ""), rows, ("metric", "before", "now", "change")
        )
    else:
        screen.out("Nothing has changed.")
    screen.out()


@render.register
def _(result: EvalList, screen: Screen) -> None:
    if not result.evaluations:
        screen.note("Nothing was measured yet: `dyag eval CASES` does.")
        return
    rows = [_row(one) for one in result.evaluations]
    head = ("evaluation", "measured", "cases", "n", "right", "")
    screen.table(head, rows, ("evaluation", "right", ""), ("measured",))
    for one in result.evaluations:
        if one.state == "stopped":
            screen.remark(f"{one.id} was stopped; it goes on with: {one.command}")


def _row(one: EvalRow) -> tuple[str | Styled | int, ...]:
    right = "" if one.success is None else value(one.success, "share")
    cases = one.cases.rstrip("/").rpartition("/")[2]
    made_for = NAMED.search(one.made_for)
    state = red(one.state) if one.state != "done" else dim(made_for[1] if made_for else "")
    return bold(one.id), f"{one.mode} {_named(one.model)}", cases, one.count, right, state


def _named(model: str) -> str:
    """Of a model in a folder, the folder's last two names: what else there is does not tell it from others."""
    kind, colon, path = model.partition(":")
    parts = path.split("/")
    return f"{kind}:…/{'/'.join(parts[-2:])}" if colon and path.startswith("/") and len(parts) > 3 else model


@render.register
def _(result: EvalDeleted, screen: Screen) -> None:
    screen.prose(f"Deleted: {result.id} in {shown(result.path)}")


@render.register
def _(result: EvalOpened, screen: Screen) -> None:
    if not result.opened:
        screen.note("There is no browser here to open it in.")
    screen.out(str(result.report))
