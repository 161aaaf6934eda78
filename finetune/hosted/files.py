"""The files of a hosted training: made from any dataset, checked for what a service would refuse, and priced.

Nothing is sent here. What is sent is what lies in the run folder, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from finetune.formats.checks import FEWEST, Count, FileReport
from finetune.formats.convert import Conversion
from finetune.formats.read import numbered
from finetune.formats.validate import validate
from finetune.hosted.asked import HostedConfig
from finetune.prices import Prices
from finetune.runs.digests import digest
from finetune.train.config import TrainConfig
from finetune.train.preflight import sources_of
from retrieval.errors import BadInput

LARGEST = 512_000_000
"""Bytes of a file."""
MOST_TOKENS = 65_536
"""Of a row: what is longer, a service cuts."""
_NAMES = {"train": "dataset.jsonl", "validation": "validation.jsonl"}


@dataclass(frozen=True)
class Part:
    """One file as it will be sent."""

    source: Path
    path: Path
    sha256: str
    bytes: int
    rows: int
    tokens: int

    @property
    def size(self) -> str:
        """`12 kB`."""
        return shown_size(self.bytes)

    @property
    def name(self) -> str:
        """As the service knows it: by what is in it, so that it can be found there again."""
        return f"dyag-{self.sha256[:32]}.jsonl"


@dataclass(frozen=True)
class Prepared:
    """A training that can be asked for, with what it will cost."""

    config: HostedConfig
    train: Part
    validation: Part | None
    warnings: tuple[str, ...]
    dollars: float | None
    """None where nobody says what the model costs."""
    as_of: str
    """The day the price is of."""

    @property
    def parts(self) -> Mapping[str, Part]:
        """What is sent: `train`, and perhaps `validation`."""
        return {"train": self.train, **({"validation": self.validation} if self.validation else {})}

    @property
    def trained_tokens(self) -> int:
        """In all epochs."""
        return self.train.tokens * self.config.epochs

    def key(self, url: str) -> str:
        """The same for a training that is asked for twice: of the same service, on the same rows, with the same options."""
        options = {k: v for k, v in self.config.values().items() if k not in ("dataset", "validation")}
        told = [url, options, {kind: part.sha256 for kind, part in self.parts.items()}]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def shown_size(count: int) -> str:
    """`12 kB`, `3.4 MB`."""
    return f"{count / 1e6:,.1f} MB" if count >= 1_000_000 else f"{-(-count // 1000)} kB"


def prepare(config: HostedConfig, into: Path, count: Count, prices: Prices) -> Prepared:
    """Write the files into a folder, and check them. Raises BadRows, CannotConvert, NotFound, BadInput, NoSpace, NoAccess."""
    sources = sources_of(TrainConfig(config.dataset, validation=config.validation))
    named = {"train": sources.train, **({"validation": sources.validation} if sources.validation else {})}
    reports = validate(list(named.values()), count, max_tokens=MOST_TOKENS)
    for report in reports:
        _check(report)
    parts = {kind: _part(config, path, into / _NAMES[kind], count) for kind, path in named.items()}
    _check_rows(parts["train"])
    price = prices.of(config.base_model)
    dollars = None
    if price is not None and price.training is not None:
        dollars = parts["train"].tokens * config.epochs / 1e6 * price.training
    return Prepared(
        config, parts["train"], parts.get("validation"), tuple(_warnings(reports)), dollars,
        price.as_of if price and dollars is not None else "",
    )  # fmt: skip


def _part(config: HostedConfig, source: Path, path: Path, count: Count) -> Part:
    made = Conversion(source, "openai-dpo" if config.method == "dpo" else "openai")
    rows = made.save(path)
    size = path.stat().st_size
    if size > LARGEST:
        message = f"{source} makes a file of {size / 1e6:,.0f} MB, and a service takes {LARGEST / 1e6:,.0f}."
        raise BadInput(message, "Give it fewer rows, or rows with fewer documents.")
    with path.open(encoding="utf-8") as lines:
        tokens = sum(count(text) for line in lines for text in _texts(line))
    return Part(source, path, digest(path), size, rows, tokens)


def _texts(line: str) -> Iterator[str]:
    """Of every message of a row."""
    row = json.loads(line)
    messages = row["messages"] if "messages" in row else row["input"]["messages"]
    for message in (*messages, *row.get("preferred_output", ()), *row.get("non_preferred_output", ())):
        yield message["content"]


def _check(report: FileReport) -> None:
    """Raises BadInput for rows that a service cannot be sent."""
    errors = [found for found in report.findings if found.severity == "error"]
    if not errors:
        return
    first = errors[0]
    place = next((f", {numbered(report.path)} {p.line}" for p in first.places if p.line), "")
    detail = next((f" ({p.detail})" for p in first.places if p.detail), "")
    message = f"{report.path}{place}: {first.kind}{detail}. Nothing was sent."
    raise BadInput(message, f"{first.fix} `dyag dataset validate {report.path}` lists every error.".lstrip())


def _check_rows(train: Part) -> None:
    if train.rows < FEWEST:
        rows = "1 row" if train.rows == 1 else f"{train.rows} rows"
        hint = "Add examples: `dyag gen-dataset` makes some, and 50 to 100 are where it begins to help."
        raise BadInput(f"{train.source} gives {rows}, and a service wants {FEWEST} at least. Nothing was sent.", hint)


def _warnings(reports: tuple[FileReport, ...]) -> Iterator[str]:
    for report in reports:
        for found in report.findings:
            lines = [str(place.line) for place in found.places[:4] if place.line]
            unit = numbered(report.path)
            where = f" ({unit} {', '.join(lines)}{' and more' if found.count > len(lines) else ''})" if lines else ""
            detail = "" if lines else next((f": {place.detail}" for place in found.places if place.detail), "")
            yield f"{report.path}: {found.kind}{detail}{where}. {found.fix}".rstrip()
