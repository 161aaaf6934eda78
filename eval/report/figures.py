"""How figures are written in a report."""

from __future__ import annotations

import math

NONE = "–"
"""What stands where there is no figure."""
_LINE = 120


def value(number: float | None, unit: str) -> str:
    """`42.3%`, `1.24 s`, `487`, `$0.0012`; of what cannot be told, a dash."""
    if number is None or not math.isfinite(number):
        return NONE
    match unit:
        case "share":
            return f"{number:.1%}"
        case "percent":
            return f"{number:.1f}%"
        case "seconds":
            return f"{number:.3g} s" if abs(number) < 100 else f"{number:,.0f} s"
        case "dollars":
            return f"${_fixed(number)}"
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.4g}"


def difference(number: float | None, unit: str) -> str:
    """With its sign, to two significant digits; that of two shares in percentage points, to one decimal."""
    if number is None or not math.isfinite(number):
        return NONE
    if unit in ("share", "percent"):
        written = f"{abs(100 * number if unit == 'share' else number):.1f}"
        return "0 pts" if written == "0.0" else _signed(number, f"{written} pts")
    written = _two_digits(abs(number))
    return _signed(number, {"seconds": f"{written} s", "dollars": f"${written}"}.get(unit, written))


def interval(low: float | None, high: float | None, unit: str) -> str:
    """`38.0% to 46.5%`."""
    return _between(value(low, unit), value(high, unit))


def difference_interval(low: float | None, high: float | None, unit: str) -> str:
    """`−1.2 to +3.4 pts`."""
    left, right = difference(low, unit), difference(high, unit)
    return _between(left.removesuffix(" pts"), right)


def points(number: float) -> str:
    """`100.0 points`: how far apart two shares are, whichever is larger."""
    return f"{100 * abs(number):.1f} points"


def p_value(p: float | None) -> str:
    """Three decimals are enough; below them it is only said to be below."""
    return NONE if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def counted(count: int, singular: str, plural: str = "") -> str:
    """`1 case`, `1,200 cases`."""
    return f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"


def short(text: str) -> str:
    """A question in one line, to open it by."""
    line = " ".join(text.split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"


def day(created: str) -> str:
    """`2026-11-04 10:15` of a time in ISO 8601, as it was where it was written."""
    return created[:16].replace("T", " ")


def _fixed(number: float) -> str:
    """Three significant digits without an exponent: `0.0000242`."""
    digits = 2 - math.floor(math.log10(abs(number))) if number else 0
    return f"{number:,.{max(2, digits)}f}"


def _signed(number: float, written: str) -> str:
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{written}"


def _two_digits(number: float) -> str:
    """`0.0028`, `1.5`, `1,234`: no exponent, and no digit before the point is lost."""
    if float(number).is_integer():
        return f"{number:,.0f}"
    return f"{number:,.{max(0, 1 - math.floor(math.log10(number)))}f}"


def _between(low: str, high: str) -> str:
    return NONE if NONE in (low, high) else f"{low} to {high}"
