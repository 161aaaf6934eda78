"""A file of training rows, checked and rendered once, kept on the disk: a dataset need not fit into memory.

rows.arrow     token lists, read by mapping
X.jsonl        the rows as they are trained with, for the run folder
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from finetune.formats.digests import prompt as prompt_digest
from finetune.formats.problems import Findings, Problem
from finetune.formats.read import BadRows, numbered, read
from finetune.formats.row import Row
from finetune.formats.targets import SAME, written
from finetune.runs.digests import digest
from finetune.train.render import COLUMNS, Rendered, Renderer
from retrieval.errors import GeneratorFailed
from retrieval.files import disk_errors

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 512
"""Rows written at a time."""
_SHOWN = 4
"""Bad rows that a message names."""
_BREAKS = {0x85: r"\u0085", 0x2028: r"\u2028", 0x2029: r"\u2029"}


@dataclass(frozen=True)
class Rows:
    """The rows of one file, on the disk."""

    path: Path
    """The token lists."""
    source: Path
    sha256: str
    """Of the source."""
    lengths: np.ndarray[Any, Any]
    """Tokens of each row."""
    learnt: int
    """Tokens that count in the loss."""
    dropped: int
    """Rows that were too long."""
    truncated: int
    labels: Counter[bool]
    """Of rated answers."""
    prompts: frozenset[int]
    """Digests of what the rows ask, to compare files."""
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def tokens(self) -> int:
        return int(self.lengths.sum())

    def dataset(self) -> Any:
        """The rows as the trainers read them, mapped from the disk."""
        import datasets

        return datasets.Dataset.from_file(str(self.path))


@dataclass
class _Counts:
    lengths: list[int] = field(default_factory=list)
    learnt: int = 0
    dropped: int = 0
    truncated: int = 0
    labels: Counter[bool] = field(default_factory=Counter)
    prompts: set[int] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)

    def add(self, made: Rendered) -> None:
        self.lengths.append(made.length)
        self.learnt += made.learnt
        self.truncated += made.truncated
        self.prompts.add(prompt_digest(made.row))
        if made.row.label is not None:
            self.labels[made.row.label] += 1


def write_rows(source: Path, into: Path, copy: Path, renderer: Renderer) -> Rows:
    """Check and render every row of a file, into token lists and a copy of the rows that are kept.

    Raises BadRows with the lines that cannot be used (and when none is left), NotFound, BadInput, NoSpace.
    """
    import numpy as np

    counts = _Counts()
    with disk_errors(into), _writer(into, renderer) as write, _private(copy) as rows:
        for made in _rendered(source, renderer, counts):
            counts.add(made)
            write(made)
            rows.write(_line(made.row))
    _check(source, renderer, counts)
    return Rows(
        into, source, digest(source), np.array(counts.lengths, np.int64), counts.learnt, counts.dropped,
        counts.truncated, counts.labels, frozenset(counts.prompts), tuple(_warnings(source, counts.findings)),
    )  # fmt: skip


def _rendered(source: Path, renderer: Renderer, counts: _Counts) -> Iterator[Rendered]:
    """The rows that are kept; the others are counted, and what is wrong with them is found."""
    for found in read(source):
        if isinstance(found, Problem):
            counts.findings.add(found.fault, found.line)
            continue
        try:
            made = renderer(found)
        except GeneratorFailed as error:
            unit = numbered(source)
            raise BadRows(f"{source}, {unit} {found.line}: {error.message}", error.hint) from error
        if made is None:
            counts.dropped += 1
        elif isinstance(made, Rendered):
            yield made
        else:
            counts.findings.add(made, found.line)


def _check(source: Path, renderer: Renderer, counts: _Counts) -> None:
    """Raises BadRows for rows that cannot be trained with, and for a file of which nothing is left."""
    errors = [finding for finding in counts.findings.all() if finding.severity == "error"]
    if errors:
        unit, number = numbered(source), sum(finding.count for finding in errors)
        said = [
            f"{f'{unit} {place.line}: ' if place.line else ''}{finding.kind}{f' ({place.detail})' if place.detail else ''}"
            for finding in errors
            for place in finding.places
        ]
        more = f" and {number - _SHOWN} more" if number > _SHOWN else ""
        hint = f"{errors[0].fix} `dyag dataset validate {source}` lists every error.".lstrip()
        rows = "1 row" if number == 1 else f"{number} rows"
        of_lines = any(place.line for finding in errors for place in finding.places)  # else it is the file that is bad
        what = f"{rows} cannot be used: " if of_lines else ""
        raise BadRows(f"{source}: {what}{'; '.join(said[:_SHOWN])}{more}.", hint)
    if not counts.lengths:
        most = f"all {counts.dropped} are longer than {renderer.max_length} tokens" if counts.dropped else "it is empty"
        raise BadRows(
            f"{source} has no row to train with: {most}.", "Raise --max-length, or pass --overlength truncate."
        )


def _warnings(source: Path, findings: Findings) -> Iterator[str]:
    for finding in findings.all():
        lines = ", ".join(str(place.line) for place in finding.places[:_SHOWN] if place.line)
        yield f"{source}: {finding.kind} in {finding.count} rows{f' (line {lines})' if lines else ''}. {finding.fix}"


@contextmanager
def _writer(path: Path, renderer: Renderer) -> Iterator[Any]:
    """Write rows as an Arrow stream, a block at a time."""
    import pyarrow as pa  # type: ignore[import-untyped]  # comes with datasets

    names = COLUMNS[renderer.method]
    fields = [(name, pa.list_(pa.int32())) for name in names]
    fields += [("label", pa.bool_())] if renderer.method == "kto" else []
    schema = pa.schema(fields)
    block: list[dict[str, Any]] = []
    with _private(path) as file, pa.ipc.new_stream(file, schema) as stream:

        def flush() -> None:
            stream.write_batch(pa.RecordBatch.from_pylist(block, schema=schema))
            block.clear()

        def write(made: Rendered) -> None:
            block.append({**made.columns, **({"label": made.row.label} if renderer.method == "kto" else {})})
            if len(block) >= _BLOCK:
                flush()

        yield write
        flush()


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    """A new file that only its owner reads."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        yield file


def _line(row: Row) -> bytes:
    """A row as it is written in its own format."""
    made = next(written(row, SAME[row.format]), {})
    return (json.dumps(made, ensure_ascii=False).translate(_BREAKS) + "\n").encode("utf-8", "replace")
