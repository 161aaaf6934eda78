"""What a report of a comparison holds: the recommendation first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from eval.advice import advise
from eval.comparison import Asked, Change, Comparison, Pair, Row, Slice
from eval.report.blocks import (
    Block,
    Bullets,
    Code,
    Figure,
    Fold,
    Paragraph,
    Quote,
    Quotes,
    Report,
    Section,
    Table,
    Tone,
)
from eval.report.charts import Mark, intervals
from eval.report.figures import counted, difference, difference_interval, p_value, points, short, value
from eval.report.identity import differences, identity_facts
from eval.types import Identity

_CHANGES = 50
"""Answers that turned, shown for one pair."""
_ANSWERS = 300
"""Cases shown side by side."""


def comparison_report(comparison: Comparison, identities: Sequence[Identity] = (), command: str = "") -> Report:
    """The report of a comparison; with the identities of its sides and the command where they are known."""
    labels = [side.label for side in comparison.sides]
    tested = f"{counted(comparison.n, 'case')} about {counted(comparison.documents, 'document')}"
    about = tested if comparison.documents else "Figures only, without their cases"
    sections = [
        Section("Recommendation", (*_recommendation(comparison), *_different(comparison, identities))),
        *(Section(_title("Metric by metric", pair, comparison), _metrics(pair)) for pair in comparison.pairs),
        *(Section(_title("By type and language", p, comparison), _slices(p)) for p in comparison.pairs if p.slices),
        *(Section(_title("Answers that turned", p, comparison), _turned(p)) for p in comparison.pairs if p.headline),
        *([Section("Answers side by side", _side_by_side(comparison))] if comparison.answers else []),
        Section("What was compared", _compared(comparison, identities, command)),
    ]
    return Report(f"Comparison: {', '.join(labels)}", about, tuple(sections))


def _title(title: str, pair: Pair, comparison: Comparison) -> str:
    return f"{title}: {pair.before} → {pair.after}" if len(comparison.pairs) > 1 else title


def _recommendation(comparison: Comparison) -> tuple[Block, ...]:
    advice = advise(comparison)
    said = f"Use {advice.choice}." if advice.choice else "The figures decide for none of them."
    blocks: list[Block] = [Paragraph(said, "key")]
    if advice.choice and not advice.decided:
        blocks.append(Paragraph("Not because it is right more often: that could not be shown.", "warning"))
    blocks += [Bullets(advice.reasons)] if advice.reasons else []
    blocks += [Paragraph(f"Next: {advice.next}")] if advice.next else []
    blocks += [Section("Notes", (Bullets(comparison.notes),))] if comparison.notes else []
    return tuple(blocks)


def _metrics(pair: Pair) -> tuple[Block, ...]:
    words = Paragraph(
        f"A difference is {pair.after} minus {pair.before}, over the cases that both have a score for. Where a metric is "
        "marked ↓, less is better. Intervals are 95%, by drawing whole documents; p is of a permutation test by document, "
        "adjusted for the number of metrics."
    )
    head = ("Metric", pair.before, pair.after, "Difference", "95% interval", "Verdict")
    found = tuple(_found(row) for row in pair.metrics)
    return words, Table(head, found, words=(5,)), *_forests(pair), Section("How sure that is", (_certainty(pair),))


def _found(row: Row) -> tuple[str, ...]:
    sides = (value(row.before, row.unit), value(row.after, row.unit))
    spread = difference_interval(row.low, row.high, row.unit)
    better = "" if row.better == "higher" else " ↓"
    return f"{row.name}{better}", *sides, difference(row.difference, row.unit), spread, row.verdict


def _certainty(pair: Pair) -> Table:
    head = (
        "Metric",
        "n",
        "Documents",
        "Better",
        "Same",
        "Worse",
        "Scored once",
        "p",
        "p adjusted",
        "McNemar p",
        "Detectable",
    )
    return Table(head, tuple(_sure(row) for row in pair.metrics))


def _sure(row: Row) -> tuple[str, ...]:
    counts = (row.n, row.documents, row.wins, row.ties, row.losses, row.only_before + row.only_after)
    tests = (row.p, row.p_adjusted, row.mcnemar)
    shown = difference(row.detectable, row.unit).replace("+", "±")
    return row.name, *(f"{count:,}" for count in counts), *map(p_value, tests), shown


def _forests(pair: Pair) -> Iterator[Figure]:
    """One drawing for each unit: seconds and shares have no common axis."""
    for unit in dict.fromkeys(row.unit for row in pair.metrics):
        marks = [mark for row in pair.metrics if row.unit == unit and (mark := _mark(row, pair))]
        if marks:
            scale = max(max(abs(m.low), abs(m.high)) for m in marks) or (10.0 if unit == "share" else 1.0)
            named = {"share": "percentage points"}.get(unit, unit)
            title = f"Differences in {named}: {pair.after} minus {pair.before}"
            colours = f"Green: {pair.after} is better; red: it is worse; blue: no detectable difference."
            drawn = intervals(marks, -scale, scale, f"{title}; the figures are in the table.", 0.0)
            yield Figure(f"{title}. {colours}", drawn)


def _mark(row: Row, pair: Pair) -> Mark | None:
    """Green and red say better and worse; which way that is differs from metric to metric."""
    if row.difference is None or row.low is None or row.high is None:
        return None
    times = 100.0 if row.unit == "share" else 1.0
    tone: Tone = "" if not row.winner else "good" if row.winner == pair.after else "bad"
    said = difference(row.difference, row.unit)
    return Mark(row.name, times * row.difference, times * row.low, times * row.high, said, tone)


def _slices(pair: Pair) -> tuple[Block, ...]:
    said = [*_strong(pair, pair.after), *_strong(pair, pair.before)]
    told = Bullets(tuple(said)) if said else Paragraph("No slice differs beyond chance.")
    firm = [one for one in pair.slices if not one.anecdote]
    few = [one for one in pair.slices if one.anecdote]
    blocks: list[Block] = [told]
    blocks += [_slice_table(pair, firm)] if firm else []
    if few:
        why = Paragraph("Too few documents to say anything; shown as examples.")
        blocks.append(Fold(f"Slices of too few documents ({len(few)})", (why, _slice_table(pair, few))))
    return tuple(blocks)


def _strong(pair: Pair, label: str) -> Iterator[str]:
    for one in pair.strengths(label):
        gap = points(one.difference)
        yield f"{label} is better on {one.by} {one.value or 'none'}: {one.metric} by {gap}, n = {one.n}."


def _slice_table(pair: Pair, slices: Sequence[Slice]) -> Table:
    head = ("Slice", "n", "Documents", pair.before, pair.after, "Difference", "95% interval", "p adjusted", "Better")
    return Table(head, tuple(_slice(one) for one in slices), words=(8,))


def _slice(one: Slice) -> tuple[str, ...]:
    sides = (value(one.before, "share"), value(one.after, "share"))
    spread = difference_interval(one.low, one.high, "share")
    tested = (difference(one.difference, "share"), spread, p_value(one.p_adjusted))
    return f"{one.by}: {one.value or 'none'}", f"{one.n:,}", f"{one.documents:,}", *sides, *tested, one.winner or "–"


def _turned(pair: Pair) -> tuple[Block, ...]:
    return (
        Section(f"Newly broken ({len(pair.broken)})", _changes(pair, pair.broken, "right before, wrong now")),
        Section(f"Newly right ({len(pair.fixed)})", _changes(pair, pair.fixed, "wrong before, right now")),
    )


def _changes(pair: Pair, changes: Sequence[Change], what: str) -> tuple[Block, ...]:
    if not changes:
        return (Paragraph(f"No answer was {what}."),)
    tones: tuple[Tone, Tone] = ("good", "bad") if what.startswith("right") else ("bad", "good")
    return tuple(_change(pair, one, tones) for one in changes[:_CHANGES]) + _left(len(changes), _CHANGES)


def _change(pair: Pair, one: Change, tones: tuple[Tone, Tone]) -> Fold:
    answers = Quotes((Quote(pair.before, one.before, tone=tones[0]), Quote(pair.after, one.after, tone=tones[1])), True)
    return Fold(short(one.question), (_asked(one.case, one.question, one.expected), answers))


def _side_by_side(comparison: Comparison) -> tuple[Block, ...]:
    labels = [side.label for side in comparison.sides]
    shown = [_beside(labels, asked) for asked in comparison.answers[:_ANSWERS]]
    return (*shown, *_left(len(comparison.answers), _ANSWERS))


def _beside(labels: Sequence[str], asked: Asked) -> Fold:
    quotes = [
        _judged(label, text, right, asked.language)
        for label, text, right in zip(labels, asked.answers, asked.right, strict=True)
    ]
    marks = "".join({True: "✓", False: "✗", None: "·"}[right] for right in asked.right)
    question = _asked(asked.case, asked.question, asked.expected, asked.language)
    return Fold(f"{marks} {short(asked.question)}", (question, Quotes(tuple(quotes), True)))


def _judged(label: str, text: str, right: bool | None, language: str) -> Quote:
    tones: Mapping[bool | None, Tone] = {True: "good", False: "bad", None: ""}
    return Quote(label, text, language, {True: "right", False: "wrong", None: "not scored"}[right], tones[right])


def _asked(case: str, question: str, expected: str, language: str = "") -> Quotes:
    return Quotes((Quote(f"Question ({case})", question, language), Quote("Expected", expected, language)))


def _left(count: int, limit: int) -> tuple[Block, ...]:
    if count <= limit:
        return ()
    return (Paragraph(f"{count - limit:,} more are not shown here; the JSON of the comparison has all {count:,}."),)


def _compared(comparison: Comparison, identities: Sequence[Identity], command: str) -> tuple[Block, ...]:
    known = {identity.id: identity for identity in identities}
    sides = [Section(side.label, identity_facts(side, known.get(side.id))) for side in comparison.sides]
    again: list[Block] = [Paragraph("The same comparison again:"), Code(command)] if command else []
    cases = [Paragraph(f"Cases: sha256 {comparison.cases_sha256}")] if comparison.cases_sha256 else []
    return (*cases, *again, *sides)


def _different(comparison: Comparison, identities: Sequence[Identity]) -> Iterator[Block]:
    """Only for the sides that were given, all of them."""
    found = differences(identities) if len(identities) == len(comparison.sides) else {}
    if found:
        head = ("What differs", *(side.label for side in comparison.sides))
        rows = tuple((name, *(text or "–" for text in values)) for name, values in found.items())
        yield Table(head, rows, words=tuple(range(1, len(head))))
