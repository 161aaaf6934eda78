"""What hosted models cost, from a dated file: `prices.toml` beside this one, and the user's own, which goes first.

as_of = "2026-09-01"
[models]
"gpt-4o-mini" = { input = 0.15, output = 0.60, training = 3.00 }
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from retrieval.errors import BadInput

BUILT_IN = Path(__file__).with_name("prices.toml")
_FORM = 'Write it as: "gpt-4o-mini" = { input = 0.15, output = 0.60, training = 3.00 }, in dollars per million tokens.'
_DATED = re.compile(r"(?:-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{4}|-latest)$")
_PLACE = re.compile(r"@https?://.*$")


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens."""

    input: float
    output: float
    training: float | None
    """Per million trained tokens; None where the model cannot be trained, or nobody says for how much."""
    as_of: str = ""
    """The day the price is of."""


@dataclass(frozen=True)
class Prices:
    """Prices by name of the model, without its provider and its date."""

    as_of: str
    """The day the built-in prices are of."""
    models: Mapping[str, Price]

    def of(self, model: str) -> Price | None:
        """The price of `gpt-4o-mini`, `openai:gpt-4o-mini-2024-07-18` or `ft:gpt-4o-mini-2024-07-18:org::id`; None if unknown."""
        return next((self.models[name] for name in _names(model) if name in self.models), None)


def load_prices(user_file: Path | None) -> Prices:
    """The built-in prices and those of the user's file, if there is one. Raises BadInput, which names its line."""
    prices = _loaded(BUILT_IN)
    if user_file is None or not user_file.is_file():
        return prices
    return Prices(prices.as_of, {**prices.models, **_loaded(user_file).models})


def _names(model: str) -> list[str]:
    """Names a model may be listed under, the most exact first."""
    bare = _PLACE.sub("", model)
    provider, colon, rest = bare.partition(":")
    bare = rest if colon and provider != "ft" else bare
    tuned = bare.startswith("ft:")
    base = bare.split(":")[1] if tuned else bare
    prefix = "ft:" if tuned else ""
    return [model, bare, prefix + base, prefix + _DATED.sub("", base)]


def _loaded(path: Path) -> Prices:
    text, given = _parsed(path)
    as_of = given.pop("as_of", None)
    models = given.pop("models", {})
    as_of = as_of.isoformat() if isinstance(as_of, date) else as_of
    if not isinstance(as_of, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", as_of):
        raise BadInput(f"{path}: `as_of` is not a day.", 'Write the day the prices are of: as_of = "2026-09-01"')
    if given or not isinstance(models, dict):
        name = next(iter(given), "models")
        raise BadInput(
            f"{path}, line {_line(text, name)}: `{name}` means nothing here.", f"Prices stand under [models]. {_FORM}"
        )
    return Prices(
        as_of, {name: _price(name, value, as_of, f"{path}, line {_line(text, name)}") for name, value in models.items()}
    )


def _parsed(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Mend its permissions, or move it away.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadInput(f"{path}, line {line}: it is not UTF-8.", "Save the file as UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}.", _FORM) from error


def _price(name: str, value: Any, as_of: str, where: str) -> Price:
    if not isinstance(value, dict) or not {"input", "output"} <= value.keys() <= {"input", "output", "training"}:
        raise BadInput(f"{where}: the price of `{name}` is not `input`, `output` and perhaps `training`.", _FORM)
    for key, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
            raise BadInput(f"{where}: `{key}` of `{name}` cannot be {number!r}.", _FORM)
    training = value.get("training")
    return Price(float(value["input"]), float(value["output"]), None if training is None else float(training), as_of)


def _line(text: str, name: str) -> int:
    """The line that a name first stands in, for a message."""
    return next(
        (
            n
            for n, line in enumerate(text.splitlines(), 1)
            if re.match(rf"""\s*(?:\[[^#]*)?["']?{re.escape(name)}(?!\w)""", line)
        ),
        1,
    )
