"""How a comparison is shown to a person: the verdict first, then one line for each metric, in 80 columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from assistant.commands.compare import CompareResult
from assistant.render import render
from assistant.render_made import shown
from assistant.screen import Screen, Text, bold, dim, shortened, width_of
from eval.comparison import Change, Comparison, Pair, Row
from eval.report.figures import NONE, counted, difference, difference_interval, p_value, points, value

_EXAMPLES = 3
"""Answers that turned, named by their questions."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@render.register
def _(result: CompareResult, screen: Screen) -> None:
    comparison = result.comparison
    letters = {side.label: _letter(i) for i, side in enumerate(comparison.sides)}
    _verdict(result, screen)
    screen.out()
    screen.hanging([(bold(letters[s.label]), f"{s.label}{_more(s.id, s.label)}") for s in comparison.sides])
    for name, values in result.differs.items():
        told = ", ".join(f"{letter} {value or NONE}" for letter, value in zip(letters.values(), values, strict=True))
        screen.remark(f"{name}: {told}")
    for pair in comparison.pairs:
        _pair(pair, comparison, letters, screen)
    for note in comparison.notes:
        screen.remark(note)
    for path in result.written:
        screen.remark(f"Written: {shown(path)}")


def _letter(number: int) -> str:
    return _LETTERS[number] if number < len(_LETTERS) else str(number + 1)


def _more(id: str, label: str) -> str:
    return "" if id in label else f"  ({id})"


def _verdict(result: CompareResult, screen: Screen) -> None:
    advice = result.advice
    screen.out(bold(f"Use {advice.choice}." if advice.choice else "The figures decide for none of them."))
    if advice.choice and not advice.decided:
        screen.prose("Not because it is right more often: that could not be shown.")
    for reason in advice.reasons:
        screen.prose(f"- {reason}")
    if advice.next:
        screen.prose(f"Next: {advice.next}")


def _pair(pair: Pair, comparison: Comparison, letters: Mapping[str, str], screen: Screen) -> None:
    before, after = letters[pair.before], letters[pair.after]
    screen.out()
    about = (
        f"{counted(comparison.n, 'case')} about {counted(comparison.documents, 'document')}; "
        if comparison.documents
        else ""
    )
    screen.out(bold(f"{before} → {after}"), dim(f"  {about}↓ less is better; differences of shares in points"))
    rows = [_line(row, letters) for row in pair.metrics if row.difference is not None]
    head = ("", before, after, "diff", "95% interval", "p", "better")
    widths = [max(width_of(row[i]) for row in (head, *rows)) for i in range(len(head))] if rows else []
    padded: list[list[Text]] = [
        [row[0], *(_right(row[i], widths[i]) for i in range(1, 6)), bold(row[6])] for row in rows
    ]
    screen.table([head[0], *(_right(head[i], widths[i]) for i in range(1, 6)), head[6]], padded)
    if pair.headline:
        screen.out()
        _turned("Newly broken", pair.broken, screen)
        _turned("Newly right", pair.fixed, screen)
    for one in pair.slices:
        if one.winner:
            gap = points(one.difference)
            screen.prose(f"{letters[one.winner]} is better on {one.by} {one.value or 'none'}: by {gap}, n {one.n}")


def _right(text: str, width: int) -> str:
    return " " * (width - width_of(text)) + text


def _line(row: Row, letters: Mapping[str, str]) -> tuple[str, ...]:
    """Units stand with the two values only, and names are short: a line has to fit 80 columns."""
    row = _of_a_thousand(row) if row.unit == "dollars" else row
    name = f"{row.name.replace(' per case', '/case')}{' ↓' if row.better == 'lower' else ''}"
    sides = (value(row.before, row.unit), value(row.after, row.unit))
    gap, spread = difference(row.difference, row.unit), difference_interval(row.low, row.high, row.unit)
    p = p_value(row.p_adjusted).replace("< 0", "<").removeprefix("0")
    return name, *sides, _bare(gap), _bare(spread), p, letters.get(row.winner, NONE)


def _of_a_thousand(row: Row) -> Row:
    """What one answer costs is too small a number to read."""
    times = {
        name: 1000 * cost
        for name in ("before", "after", "difference", "low", "high")
        if (cost := getattr(row, name)) is not None
    }
    return replace(row, how=" of 1,000", **times)


def _bare(text: str) -> str:
    return re.sub(r"\$| (?:s|pts)\b", "", text)


def _turned(title: str, changes: Sequence[Change], screen: Screen) -> None:
    examples = ", ".join(f"{shortened(one.question)} ({one.case})" for one in changes[:_EXAMPLES])
    more = f", and {len(changes) - _EXAMPLES} more" if len(changes) > _EXAMPLES else ""
    screen.prose(f"{title} ({len(changes)}){f': {examples}{more}' if changes else ''}")
