"""What a training file is checked for beyond its form: lengths, citations, system prompts, duplicates, what fits a model.

The limits are those that the guides for fine-tuning give: answers of 50 to 500 words, 50 examples at least.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from finetune.formats import digests
from finetune.formats.problems import Fault, Finding, Findings, Problem
from finetune.formats.read import Unit, numbered, read
from finetune.formats.row import Format, Row
from finetune.formats.splits import split_of

SHORT, LONG = 50, 500
"""Words of an answer."""
FEW = 50
"""Examples."""
FEWEST = 10
"""Examples under which hosted services refuse a file."""
_CITED = re.compile(r"\[chunk_\d+\]")
_OBJECT = re.compile(r'^\s*(\{\s*"|\[\s*\{\s*")')
_LEFT_OUT = re.compile(r",?\s*(?:\.\.\.|…)\s*(?=[}\]])")
Count = Callable[[str], int]
"""Tokens of a message's text."""


@dataclass(frozen=True)
class FileReport:
    """What was found in one file."""

    path: Path
    numbered: Unit
    """What the places of findings are numbered by."""
    format: Format | None
    """That of its first row; None when it has none."""
    rows: int
    tokens: int
    """Of all rows, once."""
    longest: int
    """Tokens of the longest row."""
    findings: tuple[Finding, ...]

    def count(self, severity: str) -> int:
        """How many problems of a severity there are."""
        return sum(found.count for found in self.findings if found.severity == severity)


@dataclass
class Checker:
    """Checks the rows of one file as they come; keeps numbers, not rows."""

    path: Path
    count: Count
    max_tokens: int | None = None
    findings: Findings = field(default_factory=Findings)
    rows: int = 0
    tokens: int = 0
    longest: int = 0
    format: Format | None = None
    _seen: dict[int, int] = field(default_factory=dict)
    _alike: dict[int, int] = field(default_factory=dict)
    _asked: dict[int, int] = field(default_factory=dict)
    _answers: Counter[str] = field(default_factory=Counter)
    _labels: set[bool] = field(default_factory=set)
    _systems: dict[str, Counter[str]] = field(default_factory=dict)

    def run(self) -> Iterator[Row]:
        """Check the file; gives its rows to whoever else looks at them. Raises NotFound, BadInput."""
        for found in read(self.path):
            if isinstance(found, Problem):
                self.findings.add(found.fault, found.line)
            else:
                self._row(found)
                yield found
        self._file()

    def report(self, *, strict: bool = False) -> FileReport:
        """All that was found."""
        found = self.findings.all(strict=strict)
        return FileReport(self.path, numbered(self.path), self.format, self.rows, self.tokens, self.longest, found)

    def warn(self, kind: str, detail: str, fix: str, line: int = 0) -> None:
        self.findings.add(Fault(kind, detail, fix, "warning"), line)

    # each row --------------------------------------------------------------------------------------------------------

    def _row(self, row: Row) -> None:
        self.rows += 1
        self.format = self.format or row.format
        if row.format != self.format:
            detail = f"{row.format} in a file of {self.format}"
            fix = "A trainer reads one format: `dyag dataset convert FILE --to messages --output F` writes all rows in one."
            self.findings.add(Fault("another format", detail, fix), row.line)
        self._measure(row)
        self._duplicates(row)
        if row.kind == "kto" and row.label is not None:
            self._labels.add(row.label)
        if row.kind != "text":
            self._answer(row)
            self._systems.setdefault(row.language, Counter())[row.system] += 1

    def _measure(self, row: Row) -> None:
        tokens = sum(map(self.count, row.texts()))
        self.tokens += tokens
        self.longest = max(self.longest, tokens)
        if self.max_tokens and tokens > self.max_tokens:
            fix = "A trainer cuts it, end and all: shorten it, give it fewer documents, or take it out."
            self.warn(f"more than {self.max_tokens} tokens", f"{tokens}", fix, row.line)

    def _duplicates(self, row: Row) -> None:
        same = self._seen.setdefault(digests.exact(row), row.line)
        if same != row.line:
            self.warn(
                "duplicate", f"same as {same}", "`dyag dataset merge FILE --output F` keeps one of each.", row.line
            )
            return
        alike = self._alike.setdefault(digests.near(row), row.line)
        if alike != row.line:
            fix = "They differ by case, accents or punctuation only: `dyag dataset merge FILE --output F` keeps one."
            self.warn("near duplicate", f"nearly {alike}", fix, row.line)
            return
        asked = self._asked.setdefault(digests.prompt(row), row.line)
        if asked != row.line and row.kind == "sft":
            fix = "A model cannot learn both: keep the right one."
            self.warn("one question, two answers", f"asked by {asked} too", fix, row.line)

    def _answer(self, row: Row) -> None:
        answer, words = row.answer, len(row.answer.split())
        is_json = bool(_OBJECT.match(answer))
        if is_json and (fault := _json_fault(answer)):
            self.findings.add(fault, row.line)
        if row.answerable and row.label is not False:
            self._answers["all"] += 1
            self._answers["short"] += words < SHORT and not is_json
            self._answers["long"] += words > LONG
            self._answers["uncited"] += not is_json and not _CITED.search(answer)

    # the file --------------------------------------------------------------------------------------------------------

    def _file(self) -> None:
        for warning, detail, fix in (*self._sizes(), *self._shares(), *self._prompts()):
            self.warn(warning, detail, fix)

    def _sizes(self) -> Iterator[tuple[str, str, str]]:
        if 0 < self.rows < FEWEST:
            yield f"fewer than {FEWEST} rows", f"only {self.rows}", "Hosted services refuse such a file: add examples."
        elif 0 < self.rows < FEW and split_of(self.path) in ("train", None):
            yield (
                f"fewer than {FEW} examples",
                f"{self.rows}",
                "100 to 1,000 varied examples teach more; `dyag gen-dataset` makes some.",
            )
        if len(self._labels) == 1:
            only = "good" if True in self._labels else "bad"
            yield (
                "one label only",
                f"every answer is {only}",
                "KTO learns from the difference: add rows with the other label.",
            )

    def _shares(self) -> Iterator[tuple[str, str, str]]:
        total = self._answers["all"]
        for name, kind, fix in (
            (
                "short",
                f"answers under {SHORT} words",
                "Add context where an answer has more to say; a whole sentence is enough for a single fact.",
            ),
            ("long", f"answers over {LONG} words", "Long answers cost tokens and wander: cut them."),
            ("uncited", "answers without a citation", "Cite the chunk that proves each sentence: [chunk_12]."),
        ):
            if self._answers[name]:
                yield kind, f"{self._answers[name]} of {total} ({self._answers[name] / total:.0%})", fix

    def _prompts(self) -> Iterator[tuple[str, str, str]]:
        """Several system prompts in one language."""
        for language, systems in sorted(self._systems.items()):
            if len(systems) > 1:
                without = f", {systems['']} rows have none" if "" in systems else ""
                detail = f"{len(systems) - ('' in systems)} in {language}{without}"
                yield "system prompts differ", detail, "Use one in all rows, the one the model will be asked with."


def _json_fault(answer: str) -> Fault | None:
    """What is wrong with an answer that looks like JSON."""
    if (error := _json_error(answer)) is None:
        return None
    if _json_error(_LEFT_OUT.sub("", answer)) is None:
        fix = "The model would learn to write `...`: put the data there."
        return Fault("output with data left out", "it holds `...`", fix, "warning")
    return Fault("output looks like JSON and is not", error, "Correct it, or the model learns to write broken JSON.")


def _json_error(text: str) -> str | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg}, column {error.colno}"
    except (RecursionError, ValueError) as error:
        return str(error)[:80]
    return None
