"""What the benchmarks share: question sets, workspaces indexed by the product itself, tables, results on disk.

A set is a folder in BEIR layout (corpus.jsonl, queries.jsonl, qrels/test.tsv); queries.jsonl carries
`metadata: {answers, answerable, lang}`. The set `demo` is the catalogue shipped in data/catalogue.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from assistant.app import App
from assistant.workspace import Home
from retrieval.types import Language

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "bench"
OUT = ROOT / "benchmarks" / "out"
CATALOGUE = ROOT / "data" / "catalogue"
DEMO = "demo"
THREADS = 2
LOAD = os.getloadavg()[0]
"""Other work on the machine as the benchmark began, in running processes."""
PACKAGES = ("chromadb", "onnxruntime", "tantivy", "torch", "langchain-chroma", "langchain-classic")


@dataclass(frozen=True)
class Query:
    """A question with what is known of its answer."""

    id: str
    text: str
    language: Language
    answers: tuple[str, ...]
    answerable: bool
    documents: frozenset[str]
    """Ids of the documents that hold the answer; empty when unknown or unanswerable."""
    type: str = ""


@dataclass(frozen=True)
class QuestionSet:
    """Documents to index and questions about them."""

    name: str
    corpus: Path
    queries: tuple[Query, ...]


# question sets -------------------------------------------------------------------------------------------------------


def set_names(data: Path) -> list[str]:
    """The sets in `data` that have relevance judgements."""
    return sorted(path.parent.parent.name for path in data.glob("*/qrels/test.tsv"))


def load_set(name: str, data: Path) -> QuestionSet:
    """A set by name; exits with a message when it is missing."""
    if name == DEMO:
        return QuestionSet(DEMO, CATALOGUE, tuple(map(_demo_query, read_jsonl(CATALOGUE / "questions.jsonl"))))
    folder = data / name
    for part in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        if not (folder / part).is_file():
            there = ", ".join(set_names(data)) or "none"
            raise SystemExit(
                f"benchmark: {folder / part} is missing (sets in {data}: {there}). Name another with --data."
            )
    relevant: dict[str, set[str]] = {}
    for line in (folder / "qrels/test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            relevant.setdefault(query, set()).add(document)
    queries = tuple(_beir_query(row, relevant) for row in read_jsonl(folder / "queries.jsonl"))
    return QuestionSet(name, folder / "corpus.jsonl", queries)


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def _beir_query(row: dict[str, Any], relevant: dict[str, set[str]]) -> Query:
    facts, documents = row["metadata"], frozenset(relevant.get(row["_id"], ()))
    # Queries made from fields are called `<document>-<field>`.
    field = next((row["_id"].removeprefix(f"{d}-") for d in documents if row["_id"].startswith(f"{d}-")), "")
    return Query(
        row["_id"],
        row["text"],
        facts["lang"],
        tuple(facts["answers"]) if facts["answerable"] else (),
        facts["answerable"],
        documents,
        field,
    )


def _demo_query(row: dict[str, Any]) -> Query:
    documents = row["document"] if isinstance(row["document"], list) else [row["document"]] * bool(row["document"])
    return Query(
        row["id"],
        row["question"],
        row["lang"],
        tuple(row["answers"]),
        row["answerable"],
        frozenset(documents),
        row["type"],
    )


def sample(queries: Sequence[Query], limit: int | None, seed: int = 1) -> list[Query]:
    """At most `limit` of the queries, drawn over the whole set (sets are ordered by document), in their order."""
    if not limit or limit >= len(queries):
        return list(queries)
    picked = sorted(random.Random(seed).sample(range(len(queries)), limit))
    return [queries[i] for i in picked]


def document_of(external_id: str, path: str) -> str:
    """A passage's or citation's document as the sets name it: its own id, or its file's name."""
    return external_id or Path(path).name


# workspaces ----------------------------------------------------------------------------------------------------------


def make_app(home: Path, **overrides: str) -> App:
    """The product over a workspace folder, with its defaults."""
    return App(Home(home, "benchmark"), {"index.threads": str(THREADS), **overrides})


def indexed(bench: QuestionSet, work: Path) -> App:
    """A workspace with the set indexed by the code as it is now; only the embeddings are kept between runs."""
    app = make_app(work / bench.name)
    note(f"{bench.name}: indexing {bench.corpus}")
    with app.writer(Progress(bench.name)) as sync:
        report = sync.run([bench.corpus], rebuild=True)
    note(f"{bench.name}: {report.documents} documents, {report.chunks} chunks, {report.embedded} newly embedded")
    return app


class Progress:
    """A sync's progress on stderr, a line every few seconds at most."""

    def __init__(self, name: str, every: float = 5.0) -> None:
        self._name, self._every, self._last = name, every, time.monotonic()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if time.monotonic() - self._last > self._every:
            self._last = time.monotonic()
            note(f"{self._name}: {stage} {done}/{total or '?'}")


def default_work() -> Path:
    return Path(os.environ.get("TMPDIR") or tempfile.gettempdir()) / "dyag-bench"


# measuring -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A finished child process."""

    seconds: float
    peak_mb: float
    """Its highest resident memory (its own, not its children's), from wait4 in launch.py."""
    output: str


class ChildFailed(SystemExit):
    """A command that ended with an error: ends the benchmark with its output, unless that wants to go on."""


def run_child(command: Sequence[str], env: dict[str, str], cwd: Path) -> Run:
    """Run a command to its end, measuring time and memory. Raises ChildFailed with its error output."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        line = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), str(out), str(err), *command]
        done = subprocess.run(line, env=env, cwd=cwd, capture_output=True, check=True)
        found = json.loads(done.stdout)
        if found["code"]:
            raise ChildFailed(f"benchmark: {' '.join(command)}\n{err.read_text(errors='replace')[-2000:].strip()}")
        return Run(found["seconds"], found["peak_mb"], out.read_text(errors="replace"))


def percentile(values: Iterable[float], share: float) -> float:
    """Nearest-rank percentile; nan of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else math.nan


def folder_bytes(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


# showing -------------------------------------------------------------------------------------------------------------


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parser(description: str | None) -> argparse.ArgumentParser:
    """Options every benchmark has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=DATA, help="folder of question sets (default: %(default)s)")
    made.add_argument("--work", type=Path, default=default_work(), help="scratch folder (default: %(default)s)")
    made.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")
    return made


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns aligned: text to the left, numbers to the right; nan shows as -."""
    shown = [[_cell(value) for value in row] for row in rows]
    numeric = [all(_numeric(row[i]) for row in shown) for i in range(len(head))]
    widths = [max(len(row[i]) for row in [list(head), *shown]) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        parts = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(cells, widths, numeric, strict=True)]
        return "  ".join(parts).rstrip()

    return "\n".join([line(head), line(["-" * w for w in widths]), *map(line, shown)])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _numeric(text: str) -> bool:
    return text[:1].isdigit() or text in ("-", "") or (text[:1] in "-+≥≤" and text[1:2].isdigit())


def verdict(value: float, target: float | None, *, at_most: bool = False) -> str:
    """`≥ 0.95 ok`, `≥ 0.95 MISSED`, or nothing without a target."""
    if target is None or math.isnan(value):
        return ""
    met = value <= target if at_most else value >= target
    return f"{'≤' if at_most else '≥'} {target:g} {'ok' if met else 'MISSED'}"


def finish(name: str, result: dict[str, Any], text: str, as_json: bool) -> None:
    """Print the result and keep it under benchmarks/out/."""
    OUT.mkdir(exist_ok=True)
    result = {"benchmark": name, **circumstances(), **result}
    (OUT / f"{name}.json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, ensure_ascii=False) if as_json else text)
    cores = os.cpu_count() or 1
    if cores / 2 < LOAD:
        note(f"the machine was busy (load {LOAD:.1f} on {cores} cores): do not trust times, nor ratios of times")
    note(f"written to {OUT / f'{name}.json'}")


def circumstances() -> dict[str, Any]:
    """When and on what this was measured."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "load_at_start": round(LOAD, 2),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
