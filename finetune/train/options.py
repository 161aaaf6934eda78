"""What a value of a training option may be, and the message when it is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retrieval.errors import BadInput

Kind = Literal["whole", "number", "choice", "text", "path", "flag", "list"]
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Allowed:
    """The values of one option."""

    kind: Kind
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    """Whether `low` itself is out."""
    choices: Sequence[str] = ()
    optional: bool = False
    """Whether None stands for: to be chosen."""

    def check(self, name: str, value: Any) -> Any:
        """The value as its type wants it. Raises BadInput."""
        if value is None and self.optional:
            return None
        found: Any = _READERS[self.kind](value)
        if self.kind in ("whole", "number") and found is not None:
            found = found if self._within(found) else None
        if self.kind == "choice" or (self.kind == "list" and self.choices and found is not None):
            found = found if all(one in self.choices for one in _listed(found)) else None
        if found is None:
            raise wrong(name, value, str(self))
        return found

    def _within(self, value: float) -> bool:
        return math.isfinite(value) and self.low <= value <= self.high and not (self.above and value == self.low)

    def __str__(self) -> str:
        if self.kind in ("choice", "list") and self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind in ("whole", "number"):
            what = "a whole number" if self.kind == "whole" else "a number"
            return f"{what} {'above' if self.above else 'from'} {self.low:g} to {self.high:,g}"
        return {"flag": "true or false", "path": "a path", "text": "a text", "list": "a list of numbers"}[self.kind]


def wrong(name: str, value: Any, allowed: str) -> BadInput:
    """The error for a value that an option does not take."""
    shown = str(value) if str(value) else "empty"
    return BadInput(
        f"{name} is {shown[:80]}; it must be {allowed}.",
        f"Correct --{name.replace('_', '-')} on the command line, or `{name}` in the configuration file.",
    )


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and math.isfinite(number) and number == int(number) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)  # a YAML reader takes 5e-5 for a text
    except (ValueError, OverflowError):
        return None


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    said = str(value).lower()
    return True if said in _TRUE else False if said in _FALSE else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and "\0" not in value else None


def _path(value: Any) -> Path | None:
    said = str(value) if isinstance(value, str | Path) else ""
    return Path(said) if said.strip() and "\0" not in said else None


def _list(value: Any) -> tuple[Any, ...] | None:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list | tuple) else None


def _listed(found: Any) -> Sequence[Any]:
    return found if isinstance(found, tuple) else (found,)


_READERS: dict[Kind, Callable[[Any], Any]] = {
    "whole": _whole,
    "number": _number,
    "choice": _text,
    "text": _text,
    "path": _path,
    "flag": _flag,
    "list": _list,
}
