"""How the results of `dyag dataset …` are shown to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.commands.dataset import ConvertResult, DatasetStats, MergeResult, ValidateResult
from assistant.render import render
from assistant.screen import Screen, bold, dim, red
from finetune.formats.checks import FileReport
from finetune.formats.merge import Conflict
from finetune.formats.problems import Finding
from finetune.formats.stats import Spread
from finetune.formats.tokens import trained_on

_BAR = 24
"""Width of the longest bar."""
_TYPES = 15


@render.register
def _(result: ValidateResult, screen: Screen) -> None:
    for report in result.files:
        show_report(report, screen)
    _tokens(result, screen)
    errors, warnings = (sum(report.count(kind) for report in result.files) for kind in ("error", "warning"))
    screen.out()
    screen.out(f"{_amount(errors, 'error')}, {_amount(warnings, 'warning')} in {_amount(len(result.files), 'file')}.")


@render.register
def _(result: ConvertResult, screen: Screen) -> None:
    screen.out(
        f"{_amount(result.written, 'row')} in {result.output} ({result.to}), from {result.rows} in {result.file}."
    )
    if result.bad_answers:
        screen.note(f"left out: {result.bad_answers}, rated as bad answers")
    if result.repaired:
        screen.note(f"{_amount(result.repaired, 'row')} had quotes that were not escaped; now they are valid JSON.")
    if result.few:
        screen.note(f"Hosted services want 10 rows or more; these are {result.written}.")


@render.register
def _(result: MergeResult, screen: Screen) -> None:
    screen.out(f"{_amount(result.written, 'row')} in {result.output}, from {result.rows}.")
    screen.table(("", ""), [(f"  {name}", count) for name, count in result.by_file.items()])
    if result.duplicates:
        screen.note(f"{_amount(result.duplicates, 'duplicate')} left out.")
    if result.conflicts:
        screen.note(
            f"{_amount(result.conflicts, 'answer')} left out, since another file or row answers the question otherwise:"
        )
        for conflict in result.shown:
            screen.note(f"  {_conflict(conflict)}")
        if result.conflicts > len(result.shown):
            screen.note(f"  and {result.conflicts - len(result.shown)} more")


@render.register
def _(result: DatasetStats, screen: Screen) -> None:
    found = result.stats
    if result.errors:
        screen.note(f"{_amount(result.errors, 'error')} left out: `dyag dataset validate` names them.")
    screen.out(bold(", ".join(map(str, result.files))))
    refusals = found.rows - found.answerable
    facts = [
        ("rows", f"{found.rows:,}"),
        ("answerable", f"{found.answerable:,}  ({_share(found.answerable, found.rows)})"),
    ]
    facts += [("refusals", f"{refusals:,}")] if refusals else []
    facts += [("documents", f"{found.documents:,}")] if found.documents else []
    facts += [("forms of questions", f"{found.forms:,}")] if found.forms else []
    facts.append(("tokens", f"{found.tokens:,}  ({_counted(result.counted_by)})"))
    screen.table(("", ""), facts)
    screen.out()
    spreads = {"words of a question": found.question_words, "words of an answer": found.answer_words,
               "tokens of a row": found.row_tokens}  # fmt: skip
    screen.table(
        ("", "least", "25%", "median", "75%", "most"), [(name, *_numbers(spread)) for name, spread in spreads.items()]
    )
    _bars("type", found.types, screen)
    _bars("language", found.languages, screen)
    if found.openings:
        _bars(f"opening ({found.distinct_openings:,} distinct)", found.openings, screen)
    if result.plot:
        screen.out()
        screen.out(f"Drawn in {result.plot}.")


def show_report(report: FileReport, screen: Screen) -> None:
    """What is wrong with one file."""
    about = ", ".join(part for part in (report.format or "", _amount(report.rows, "row")) if part)
    screen.out(bold(str(report.path)), dim(f"  {about}"))
    if not report.findings:
        screen.out("  nothing to mend")
    for finding in report.findings:
        _finding(finding, report.numbered, screen)
    screen.out()


def _finding(finding: Finding, unit: str, screen: Screen) -> None:
    mark = red("error") if finding.severity == "error" else bold("warning")
    places = [place for place in finding.places if place.line]
    count = f"  {finding.count:,} rows" if finding.count > 1 else ""
    whole = "".join(f"  {place.detail}" for place in finding.places if not place.line and place.detail)
    screen.out("  ", mark, f"  {finding.kind}", dim(f"{count}{whole}"))
    for place in places:
        screen.out(f"    {unit} {place.line}", dim(f"  {place.detail}" if place.detail else ""))
    if finding.count > len(finding.places):
        screen.out(f"    and {finding.count - len(finding.places):,} more")
    if finding.fix:
        screen.out(dim(f"    → {finding.fix}"))


def _tokens(result: ValidateResult, screen: Screen) -> None:
    rows = [
        (
            report.path.name,
            report.rows,
            report.tokens,
            report.longest,
            "" if trained_on(report.path) else "not trained on",
        )
        for report in result.files
    ]
    screen.table((f"tokens ({_counted(result.counted_by)})", "rows", "tokens", "longest", ""), rows)
    if result.costs and result.costs[0].tokens:
        screen.out()
        head = (f"training, {_amount(result.epochs, 'epoch')}", "tokens", "$ a million", "$", "price of")
        screen.table(
            head,
            [(c.model, c.tokens, f"{c.price:.2f}", _dollars(c.dollars), dim(c.as_of)) for c in result.costs],
        )
        screen.out(dim("A model on this machine costs nothing but time."))


def _bars(title: str, counts: Mapping[str, int], screen: Screen) -> None:
    screen.out()
    most = max(counts.values(), default=1)
    rows = [(name, "█" * max(1, round(_BAR * count / most)), count) for name, count in list(counts.items())[:_TYPES]]
    screen.table((title, "", "rows"), rows)
    if len(counts) > _TYPES:
        screen.out(f"and {len(counts) - _TYPES} more")


def _conflict(conflict: Conflict) -> str:
    asked = " ".join(conflict.question.split())
    shown = asked if len(asked) <= 70 else f"{asked[:69]}…"
    return f"{shown}  {conflict.kept} stays, not {conflict.dropped}"


def _numbers(spread: Spread) -> Sequence[int]:
    return spread.least, spread.low, spread.median, spread.high, spread.most


def _counted(by: str) -> str:
    return "estimated" if by == "estimate" else f"by {by}"


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.01 else "under 0.01"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0%"


def _amount(count: int, name: str) -> str:
    return f"{count:,} {name}{'s' * (count != 1)}"
