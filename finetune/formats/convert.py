"""Rows of one format written in another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from finetune.formats.problems import Problem
from finetune.formats.read import BadRows, read_rows
from finetune.formats.row import Row
from finetune.formats.targets import POSSIBLE, Made, Target, written
from finetune.formats.write import save
from retrieval.errors import BadInput

_WHY = {
    ("text", "sft"): "A bare text has no question and no answer",
    ("sft", "dpo"): "These rows have one answer each, and a pair needs a worse one too",
    ("sft", "kto"): "Nobody has said whether these answers are good",
    ("kto", "dpo"): "A rated answer has no other to compare it with",
}
"""Why rows of one kind do not become those of another."""
_AFTER = {"openai-dpo": "dpo", "text": "text"}


class CannotConvert(BadInput):
    """Rows that lack what a format needs."""


@dataclass
class Conversion:
    """A file on its way into another format; the counts grow as it is read."""

    path: Path
    target: Target
    rows: int = 0
    """Rows read."""
    bad_answers: int = 0
    """Rows left out because they say what not to answer."""
    repaired: list[int] = field(default_factory=list)
    """Lines that were no valid JSON and are now."""

    def save(self, output: Path) -> int:
        """Write the file; the rows written. Raises BadRows, CannotConvert, BadInput, NoAccess, NoSpace."""
        return save(output, self.made())

    def made(self) -> Iterator[Made]:
        """Every row in the new format. Raises BadRows, CannotConvert, NotFound, BadInput."""
        shape: tuple[str, str] | None = None
        for row in read_rows(self.path, self._warn):
            self.rows += 1
            self._check(row)
            made = list(written(row, self.target))
            self.bad_answers += not made
            for one in made:
                shape = shape or _shape(one)
                if shape != _shape(one):
                    raise _mixed(self.path, row.line)
                yield one
        if shape is None:
            raise BadRows(f"{self.path} holds only bad answers.", "Convert them with --to kto or --to trl.")

    def _check(self, row: Row) -> None:
        possible = POSSIBLE[row.kind]
        if self.target not in possible:
            why = _WHY.get((row.kind, _AFTER.get(self.target, self.target))) or _WHY.get(
                (row.kind, "sft"), "That is another kind of row"
            )
            message = f"{self.path}, line {row.line}: {row.format} rows cannot become {self.target} rows. {why}."
            raise CannotConvert(message, f"Possible: --to {', '.join(possible)}.")

    def _warn(self, problem: Problem) -> None:
        self.repaired.append(problem.line)


def _shape(made: Made) -> tuple[str, str]:
    """What a loader would take the row for: its keys must have the same types all along."""
    prompt = made.get("prompt")
    return ("prompt" if "prompt" in made else "", type(prompt).__name__)


def _mixed(path: Path, line: int) -> CannotConvert:
    message = f"{path}, line {line}: some prompts are one question, some have a system message or several turns."
    return CannotConvert(message, "Write them all as lists of messages: --to trl.")
