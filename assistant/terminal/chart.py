"""Figures over steps as a small chart of text: lines of braille dots, and marks where a figure was taken now and then."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

Points = Sequence[tuple[float, float]]
MARKS = "◆○▲□"
"""Of the second series and those after it; the first is a line."""
_LINE = "⠤"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of the dots of one braille character: four rows of two."""
_BRAILLE = 0x2800


def chart(series: Mapping[str, Points], width: int = 64, height: int = 10) -> str:
    """Draw named series of (x, y) in `height` lines, then the x axis and the names, `width` columns wide; "" without a point.

    Values that read the same are drawn in one line.
    The first series is drawn as a line, the others as marks on it; points that are no numbers are left out.
    """
    drawn = {name: sorted((x, y) for x, y in points if math.isfinite(x) and math.isfinite(y))
             for name, points in series.items()}  # fmt: skip
    drawn = {name: points for name, points in drawn.items() if points}
    if not drawn:
        return ""
    ys = [y for points in drawn.values() for _, y in points]
    labels = [_short(max(ys)), _short(min(ys))]
    margin = max(map(len, labels)) + 2
    flat = labels[0] == labels[1]  # as far as anyone can read: one line has room for that
    rows = _plot(list(drawn.values()), max(8, width - margin), 1 if flat else max(2, height))
    shown = labels[:1] if flat else [labels[0], *[""] * (len(rows) - 2), labels[1]]
    lines = [f"{label:>{margin - 2}} {'┤' if label else '│'}{row}" for label, row in zip(shown, rows, strict=True)]
    return "\n".join([*(line.rstrip() for line in lines), _axis(drawn, margin, max(8, width - margin))])


def _plot(series: Sequence[Points], columns: int, rows: int) -> list[str]:
    xs, ys = ([point[axis] for points in series for point in points] for axis in (0, 1))

    def place(point: tuple[float, float]) -> tuple[int, int]:
        """The dot of a point, from the upper left."""
        across, up = _share(point[0], min(xs), max(xs)), _share(point[1], min(ys), max(ys))
        return round(across * (2 * columns - 1)), round((1 - up) * (4 * rows - 1))

    line, *others = ([place(point) for point in points] for points in series)
    cells = [[0] * columns for _ in range(rows)]
    for x, y in _joined(line):
        cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    texts = [[chr(_BRAILLE + bits) if bits else " " for bits in row] for row in cells]
    for number, dots in enumerate(others):
        for x, y in dots:
            texts[y // 4][x // 2] = MARKS[number % len(MARKS)]
    return ["".join(row) for row in texts]


def _joined(dots: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Every dot of the lines from each dot to the next."""
    yield from dots[:1]
    for (x0, y0), (x1, y1) in pairwise(dots):
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(1, steps + 1):
            yield x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps)


def _axis(series: Mapping[str, Points], margin: int, columns: int) -> str:
    """First and last x under the chart, and what each line and mark is."""
    xs = [x for points in series.values() for x, _ in points]
    first, last = _short(min(xs)), _short(max(xs))
    marks = [_LINE, *(MARKS[number % len(MARKS)] for number in range(len(series)))]
    named = "   ".join(f"{mark} {name}" for mark, name in zip(marks, series, strict=False))
    ends = f"{first}{last:>{max(1, columns - len(first))}}" if first != last else f"{first:<{columns}}"
    return f"{' ' * margin}{ends}\n{' ' * margin}{named}"


def _share(value: float, low: float, high: float) -> float:
    """Where a value lies between two, 0 to 1; halfway when they are the same. Halved: a range may be too wide to compute."""
    span = high / 2 - low / 2
    return (value / 2 - low / 2) / span if span > 0 else 0.5


def _short(value: float) -> str:
    """`0.0423`, `2.61`, `1200`."""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"
