"""What a hosted training is asked for, checked: few options, since the service chooses the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from retrieval.errors import BadInput

MODEL = "gpt-4o-mini-2024-07-18"
"""What is trained when no base is named."""
EPOCHS = 3
MOST_EPOCHS, MOST_BATCH = 50, 256
LONGEST_SUFFIX = 64
KNOWN = ("dataset", "validation", "base_model", "method", "epochs", "batch_size", "beta", "seed", "suffix")
"""Options that a service takes."""
_SUFFIX = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class HostedConfig:
    """One hosted training. Raises BadInput for a value that no service takes."""

    dataset: Path
    validation: Path | None = None
    base_model: str = MODEL
    method: Literal["sft", "dpo"] = "sft"
    epochs: int = EPOCHS
    batch_size: int | None = None
    """None: the service chooses."""
    beta: float | None = None
    """DPO: how near the model stays to what it was; None: the service chooses."""
    seed: int = 42
    suffix: str = ""
    """Stands in the name of the trained model."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> HostedConfig:
        """From options by their names, None for not said. Raises BadInput for one that no service takes."""
        said = {name: value for name, value in given.items() if value is not None}
        if others := [name for name in said if name not in KNOWN]:
            flag = f"--{others[0].replace('_', '-')}"
            hint = f"Leave it out; a service takes {', '.join(KNOWN)}. Without --provider the training runs here."
            raise BadInput(f"{flag} means nothing to a hosted training: the service chooses that.", hint)
        paths: dict[str, Any] = {name: Path(str(said[name])) for name in ("dataset", "validation") if name in said}
        return cls(**{**said, **paths})

    def __post_init__(self) -> None:
        if self.method not in ("sft", "dpo"):
            hint = "Train it here, without --provider; or make pairs of the ratings: dyag feedback export --format dpo."
            raise BadInput(f"No service trains with {self.method}: they know sft and dpo.", hint)
        for name in ("base_model", "suffix"):
            if not isinstance(getattr(self, name), str):
                raise BadInput(f"{name} cannot be {getattr(self, name)!r}.", "Give a text.")
        if not self.base_model.strip():
            raise BadInput("A hosted training needs a base model.", f"Name one with --base-model, such as {MODEL}.")
        object.__setattr__(self, "epochs", _whole("epochs", self.epochs, 1, MOST_EPOCHS))
        object.__setattr__(self, "seed", _whole("seed", self.seed, 0, 2**31 - 1))
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", _whole("batch_size", self.batch_size, 1, MOST_BATCH))
        if self.beta is not None and not (_is_number(self.beta) and 0 < self.beta <= 2):
            raise BadInput(f"beta cannot be {self.beta!r}.", "Give a number above 0, 2 at most.")
        if self.suffix and (len(self.suffix) > LONGEST_SUFFIX or not _SUFFIX.fullmatch(self.suffix)):
            hint = f"Letters, digits, `-`, `_` and `.`, {LONGEST_SUFFIX} at most, such as dyag-v1."
            raise BadInput(f"--suffix cannot be {self.suffix[:80]!r}.", hint)

    def api_method(self) -> dict[str, Any]:
        """`method` as the API takes it; what is left to the service is not sent."""
        chosen: dict[str, Any] = {"n_epochs": self.epochs}
        chosen |= {"batch_size": self.batch_size} if self.batch_size is not None else {}
        if self.method == "dpo":
            chosen |= {"beta": self.beta} if self.beta is not None else {}
            return {"type": "dpo", "dpo": {"hyperparameters": chosen}}
        return {"type": "supervised", "supervised": {"hyperparameters": chosen}}

    def values(self) -> dict[str, Any]:
        """As JSON holds it; `of` reads it back."""
        said = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
        return {name: value for name, value in said.items() if value not in (None, "")}


def _whole(name: str, value: Any, least: int, most: int) -> int:
    """Raises BadInput."""
    if not (_is_number(value) and least <= value <= most and float(value).is_integer()):
        flag = f"--{name.replace('_', '-')}"
        raise BadInput(f"{flag} cannot be {value!r} for a hosted training.", f"A whole number, {least} to {most}.")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
