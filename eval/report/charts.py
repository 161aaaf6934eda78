"""Drawings as inline SVG. Across they are drawn in shares of the width, so that they fit a phone with letters as large.

Colours are classes of the page's style: light, dark and print each have theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eval.report.blocks import Tone
from eval.report.plain import html_text

_LEFT, _RIGHT = 2.0, 98.0
"""Where the axis begins and ends, in percent of the width."""
_ROW = 40
"""Pixels of a row: a line of text, and the interval below it."""
_BINS = 24
_FLOOR = 160
"""Where the bars of a histogram stand, in pixels from the top."""


@dataclass(frozen=True)
class Mark:
    """A value with its interval; (value, value) draws a point."""

    name: str
    value: float
    low: float
    high: float
    said: str
    """The value as it is written."""
    tone: Tone = ""


def intervals(marks: Sequence[Mark], low: float, high: float, about: str, zero: float | None = None) -> str:
    """A row for each value with its interval, on one axis; `zero` is where a line is drawn all the way down."""
    low, high, ticks = axis(low, high)
    height = _ROW * len(marks)
    grid = "".join(_vertical(_across(tick, low, high), height, "grid") for tick in ticks)
    line = "" if zero is None else _vertical(_across(zero, low, high), height, "zero")
    rows = "".join(_interval(mark, i * _ROW, low, high) for i, mark in enumerate(marks))
    return _svg(grid + line + rows + _ticks(ticks, low, high, height), height + 22, about)


def histogram(values: Sequence[float], marked: Sequence[tuple[str, float]], about: str) -> str:
    """How values of 0 and up are spread, with lines at the marked ones. Values of any unit."""
    _, high, ticks = axis(0.0, max(values))
    counts = [0] * _BINS
    for value in values:
        counts[min(_BINS - 1, int(_BINS * value / high))] += 1
    wide, tallest = (_RIGHT - _LEFT) / _BINS, 120 / max(counts)
    bars = "".join(_bar(_LEFT + i * wide, wide, tallest * count) for i, count in enumerate(counts) if count)
    lines = "".join(
        _vertical(x, _FLOOR, "zero", 16 + 16 * (i % 2)) + _label(x, 12 + 16 * (i % 2), name)
        for i, (name, value) in enumerate(marked)
        for x in [_across(value, 0.0, high)]
    )
    return _svg(bars + lines + _ticks(ticks, 0.0, high, _FLOOR), _FLOOR + 22, about)


def _bar(x: float, wide: float, tall: float) -> str:
    box = f'y="{_FLOOR - tall:.1f}" height="{tall:.1f}"'
    return f'<rect class="bar" x="{x + 0.15:.2f}%" width="{wide - 0.3:.2f}%" {box}/>'


def fourfold(cells: Sequence[Sequence[int]], across: Sequence[str], down: Sequence[str], about: str) -> str:
    """A 2×2 table of counts, the shade by the share of the row; the diagonal is right, the rest is wrong."""
    drawn = [_words(48 + 34 * i, 14, name, "middle") for i, name in enumerate(across)]
    for i, (name, row) in enumerate(zip(down, cells, strict=True)):
        drawn.append(_words(0, 54 + 58 * i, name))
        drawn += [
            _cell(count, count / sum(row) if any(row) else None, i == j, 31.5 + 34 * j, 22 + 58 * i)
            for j, count in enumerate(row)
        ]
    return _svg("".join(drawn), 140, about)


def _cell(count: int, share: float | None, is_right: bool, x: float, y: int) -> str:
    kind, shade = "right" if is_right else "wrong", 0.06 + 0.36 * (share or 0)
    box = f'<rect class="{kind}" x="{x}%" y="{y}" width="33%" height="52" rx="6" fill-opacity="{shade:.2f}"/>'
    number = _words(x + 16.5, y + 24, f"{count:,}", "middle", "")
    return box + number + _words(x + 16.5, y + 42, "–" if share is None else f"{share:.0%}", "middle", "")


def axis(low: float, high: float) -> tuple[float, float, tuple[float, ...]]:
    """Round ends that hold both values, and about five round values between them."""
    if not high - low > 1e-9 * max(abs(low), abs(high)):  # nearer to each other than what is drawn can tell
        low, high = (low - 1.0, high + 1.0) if low else (0.0, 1.0)
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size for n in (1, 2, 2.5, 5, 10) if (size := n * power) >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(n * step for n in range(first, last + 1))
    return ticks[0], ticks[-1], ticks


def _svg(drawn: str, height: int, about: str) -> str:
    return f'<svg role="img" aria-label="{html_text(about)}" width="100%" height="{height}">{drawn}</svg>'


def _across(value: float, low: float, high: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * (value - low) / (high - low)


def _vertical(x: float, bottom: float, kind: str, top: float = 0) -> str:
    return f'<line class="{kind}" x1="{x:.2f}%" x2="{x:.2f}%" y1="{top:g}" y2="{bottom:g}"/>'


def _words(x: float, y: float, text: str, anchor: str = "start", kind: str = "small", dx: int = 0) -> str:
    """A text at a share of the width."""
    style, moved = f' class="{kind}"' if kind else "", f' dx="{dx}"' if dx else ""
    return f'<text{style} x="{x:.2f}%" y="{y:g}"{moved} text-anchor="{anchor}">{html_text(text)}</text>'


def _label(x: float, y: float, text: str) -> str:
    """Beside a line, on the side where there is more room."""
    return _words(x, y, text, "end", dx=-4) if x > 50 else _words(x, y, text, dx=4)


def _interval(mark: Mark, top: int, low: float, high: float) -> str:
    y = top + 29
    left, middle, right = (_across(value, low, high) for value in (mark.low, mark.value, mark.high))
    tone = f" {mark.tone}" if mark.tone else ""
    line = f'<line class="interval{tone}" x1="{left:.2f}%" x2="{right:.2f}%" y1="{y}" y2="{y}"/>'
    point = f'<circle class="point{tone}" cx="{middle:.2f}%" cy="{y}" r="4.5"/>'
    return _words(_LEFT, top + 16, mark.name, kind="") + _words(_RIGHT, top + 16, mark.said, "end") + line + point


def _ticks(ticks: Sequence[float], low: float, high: float, y: int) -> str:
    line = f'<line class="axis" x1="{_LEFT}%" x2="{_RIGHT}%" y1="{y}" y2="{y}"/>'
    return line + "".join(_words(_across(t, low, high), y + 16, _tick(t), "middle") for t in ticks)


def _tick(value: float) -> str:
    """Ticks are round: ten decimals are enough for a price, and what is behind the last digit goes."""
    return f"{value + 0.0:.10f}".rstrip("0").rstrip(".").replace("-", "−") or "0"
