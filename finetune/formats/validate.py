"""Check training files, one by one and against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finetune.formats.checks import Checker, Count, FileReport
from finetune.formats.leaks import Traces, leaks
from finetune.formats.read import read
from finetune.formats.row import Row
from finetune.formats.splits import held_out


def validate(
    paths: Sequence[Path], count: Count, *, max_tokens: int | None = None, strict: bool = False
) -> tuple[FileReport, ...]:
    """A report on each file; `strict` makes errors of warnings. Files held out that lie beside are compared too.

    Raises NotFound, BadInput.
    """
    checkers: dict[Path, Checker] = {}
    traces: list[Traces] = []
    for path in dict.fromkeys(paths):
        checkers[path] = Checker(path, count, max_tokens)
        traces.append(Traces(path).read(checkers[path].run()))
    beside = dict.fromkeys(other for path in paths for other in held_out(path, paths))
    traces += [Traces(path).read(row for row in read(path) if isinstance(row, Row)) for path in beside]
    for leak in leaks(traces):
        if leak.path in checkers:
            checkers[leak.path].findings.add(leak.fault, leak.line)
    return tuple(checker.report(strict=strict) for checker in checkers.values())
