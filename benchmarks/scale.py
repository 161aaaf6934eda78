"""What happens when the library grows? Index rate, query time, memory, disk and re-sync, ours against the peer.

    python benchmarks/scale.py [--sizes 1000 10000 100000] [--full]

Texts are sentences of the question sets, put together anew by a seeded generator into distinct texts of about 600
characters (one chunk for both sides). Up to 10,000 texts each is a file of its own; beyond that the texts are spread over
10,000 JSONL files.

`real` rows embed every text: 1,000 texts on both sides, and with --full 10,000 on ours. In all other rows the forward
pass is left out on both sides: documents get seeded random unit vectors, so that 100,000 texts take minutes and the rest
is measured as it is (reading, cutting, writing the library and its embedding cache, building and checking the indexes).
Index time is ours from files to a swapped-in generation (`Sync.run`); the peer's is read + split + embed + Chroma add,
and it builds BM25 again whenever it is opened, which `open s` shows.
Rates are texts per second over the same texts. 200 real questions give the query times, with the question really
embedded on both sides. Each step runs in a process of its own; memory is that process's peak resident size (wait4).
`re-sync` is `Sync.run` when nothing has changed, in a fresh process.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, peer
from benchmarks.common import THREADS, folder_bytes, make_app, note, percentile, run_child, table, verdict
from retrieval import generation
from retrieval.embed import Embedder, Vectors, unit
from retrieval.sync import writer_lock
from retrieval.text import sentences

FILES = 10_000
CHARACTERS = 600
QUESTIONS = 200
REAL_BOTH, REAL_OURS = 1_000, 10_000
FASTER, P95_MS, RESYNC_S = 2.2, 60.0, 3.0
DIMENSION = 384
NAN = math.nan


@dataclass(frozen=True)
class Row:
    """One system at one size; nan where it was not measured."""

    system: str
    size: int
    embedding: str
    """`real`, or `random` when the forward pass is left out."""
    chunks: int
    index_s: float
    rate: float
    """Texts a second, from files to a searchable index."""
    stages: dict[str, float]
    index_mb: float
    open_s: float
    p50_ms: float
    p95_ms: float
    query_mb: float
    disk_mb: float
    resync_s: float


# texts ---------------------------------------------------------------------------------------------------------------


def write_texts(folder: Path, size: int, data: Path) -> None:
    """`size` distinct texts as files, unless they are there already."""
    if (folder / "done").exists():
        return
    note(f"writing {size:,} texts")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "files").mkdir(parents=True)
    chance = random.Random(size)
    pool = [s for text in real_texts(data) for s in sentences(text) if 40 <= len(s) <= 300]
    per_file = max(1, size // FILES)
    for number in range(size // per_file):
        texts = [one_text(pool, chance, number * per_file + i) for i in range(per_file)]
        path = folder / "files" / (f"{number:06d}.txt" if per_file == 1 else f"{number:06d}.jsonl")
        lines = [json.dumps({"_id": f"{number}-{i}", "text": t}, ensure_ascii=False) for i, t in enumerate(texts)]
        path.write_text(texts[0] if per_file == 1 else "\n".join(lines), encoding="utf-8")
        os.utime(path, (0, time.time() - 3600))  # files just written would be read again by the first re-sync
    (folder / "done").touch()


def real_texts(data: Path) -> list[str]:
    names = common.set_names(data)
    if not names:
        raise SystemExit(f"benchmark: no question sets in {data}. Name their folder with --data.")
    return [row["text"] for name in names for row in common.read_jsonl(data / name / "corpus.jsonl")]


def one_text(pool: Sequence[str], chance: random.Random, number: int) -> str:
    """Sentences up to about 600 characters; the number makes it distinct for certain."""
    parts = [f"Note {number}."]
    length = 0
    while length < CHARACTERS - 100:
        parts.append(chance.choice(pool))
        length += len(parts[-1])
    return " ".join(" ".join(parts).split())


def read_texts(folder: Path) -> list[str]:
    """The texts back from their files, as a script would read them."""
    texts = []
    for path in sorted((folder / "files").iterdir()):
        text = path.read_text(encoding="utf-8")
        texts += [text] if path.suffix == ".txt" else [json.loads(line)["text"] for line in text.splitlines()]
    return texts


def questions(data: Path) -> list[str]:
    found = [q.text for name in common.set_names(data) for q in common.load_set(name, data).queries]
    return random.Random(7).sample(found, QUESTIONS)


def random_vectors(texts: Sequence[str]) -> Vectors:
    """Unit vectors that depend on nothing but the texts."""
    seed = int.from_bytes(hashlib.sha256("\n".join(texts).encode()).digest()[:8], "big")
    return unit(np.random.default_rng(seed).standard_normal((len(texts), DIMENSION), np.float32))


class WithoutForwardPass:
    """Our embedder with its tokenizer and name, and random vectors in place of the model's."""

    def __init__(self, real: Embedder) -> None:
        self.name, self.dimension, self.window = real.name, real.dimension, real.window
        self.count_tokens, self.token_offsets = real.count_tokens, real.token_offsets

    def embed(self, texts: Sequence[str]) -> Vectors:
        return random_vectors(texts)


# steps, each in a process of its own ---------------------------------------------------------------------------------


class Stages:
    """Seconds spent in each stage of a sync, from its progress."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "start", time.perf_counter()
        self._show = common.Progress("index", 20)

    def __call__(self, stage: str, done: int = 0, total: int | None = None) -> None:
        self._show(stage, done, total)
        now = time.perf_counter()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now


def our_index(step: argparse.Namespace) -> dict[str, Any]:
    app = make_app(step.store, **{"index.vectors": step.kind})
    if step.embedding == "random":
        app.embedder = WithoutForwardPass(app.embedder)
    stages = Stages()
    with app.writer(stages) as sync:
        report = sync.run([step.texts / "files"])
    stages("end")
    return {"seconds": report.seconds, "chunks": report.chunks, "stages": stages.seconds}


def our_rebuild(step: argparse.Namespace) -> dict[str, Any]:
    """Another kind of vector index from the same library: only the generation is built."""
    app = make_app(step.store)
    stages = Stages()
    start = time.perf_counter()
    with writer_lock(app.home.lock):
        made = generation.build(app.home.index, app.library, app.embedder, step.kind, stages)
    generation.sweep(app.home.index)
    stages("end")
    return {"seconds": time.perf_counter() - start, "chunks": made.chunks, "stages": stages.seconds}


def our_resync(step: argparse.Namespace) -> dict[str, Any]:
    with make_app(step.store).writer(Stages()) as sync:
        report = sync.run()
    if report.added or report.changed or report.rebuilt:
        raise SystemExit(f"benchmark: nothing had changed, yet the sync says {report}")
    return {"seconds": report.seconds}


def our_query(step: argparse.Namespace) -> dict[str, Any]:
    start = time.perf_counter()
    searcher = make_app(step.store).searcher
    searcher.search("première question")
    opened = time.perf_counter() - start
    return {"open_s": opened, **timed(lambda q: searcher.search(q), questions(step.data))}


def peer_index(step: argparse.Namespace) -> dict[str, Any]:
    embeddings = _random_embeddings() if step.embedding == "random" else peer.minilm(THREADS)
    start = time.perf_counter()
    texts = read_texts(step.texts)
    chunks = peer.split(texts, [str(n) for n in range(len(texts))])
    peer.build(step.store, chunks, embeddings)
    return {"seconds": time.perf_counter() - start, "chunks": len(chunks), "stages": {}}


def peer_query(step: argparse.Namespace) -> dict[str, Any]:
    start = time.perf_counter()
    retriever = peer.open_retriever(step.store, peer.minilm(THREADS))
    retriever.invoke("première question")
    opened = time.perf_counter() - start
    return {"open_s": opened, **timed(retriever.invoke, questions(step.data))}


def _random_embeddings() -> Any:
    from langchain_core.embeddings import Embeddings

    class Random(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            found: list[list[float]] = random_vectors(texts).tolist()
            return found

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    return Random()


def timed(ask: Callable[[str], object], texts: Sequence[str]) -> dict[str, float]:
    seconds = []
    for text in texts:
        start = time.perf_counter()
        ask(text)
        seconds.append(time.perf_counter() - start)
    return {"p50_ms": percentile(seconds, 0.5) * 1000, "p95_ms": percentile(seconds, 0.95) * 1000}


STEPS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    f.__name__: f for f in (our_index, our_rebuild, our_resync, our_query, peer_index, peer_query)
}


# rows ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where one row's texts and index are."""

    texts: Path
    store: Path
    data: Path
    embedding: str
    kind: str = "exact"

    def run(self, step: str) -> dict[str, Any]:
        """Run a step in a process of its own; its result with `mb`, its peak memory."""
        line = [sys.executable, __file__, "--step", step, "--texts", str(self.texts), "--store", str(self.store)]
        line += ["--data", str(self.data), "--embedding", self.embedding, "--kind", self.kind]
        note(f"{step} {self.texts.name} {self.embedding} {self.kind if step.startswith('our') else ''}")
        done = run_child(line, dict(os.environ), common.ROOT)
        return {**json.loads(done.output.splitlines()[-1]), "mb": done.peak_mb}


def our_row(place: Place, size: int) -> Row:
    shutil.rmtree(place.store, ignore_errors=True)
    index, query, resync = (place.run(step) for step in ("our_index", "our_query", "our_resync"))
    disk = folder_bytes(place.store / "data") / 1e6
    return _row("dyag exact", size, place.embedding, index, query, disk, resync["seconds"])


def chroma_row(place: Place, size: int) -> Row:
    """The library of the row before under a Chroma index; only the generation is built, so there is no rate."""
    index, query = place.run("our_rebuild"), place.run("our_query")
    row = _row("dyag chroma", size, place.embedding, index, query, folder_bytes(place.store / "data") / 1e6, NAN)
    return Row(**{**asdict(row), "rate": NAN})


def peer_row(place: Place, size: int) -> Row:
    index, query = place.run("peer_index"), place.run("peer_query")
    return _row("peer", size, place.embedding, index, query, folder_bytes(place.store) / 1e6, NAN)


def _row(
    system: str, size: int, embedding: str, index: dict[str, Any], query: dict[str, Any], disk: float, resync: float
) -> Row:
    stages = {name: round(seconds, 2) for name, seconds in index["stages"].items() if seconds >= 0.05}
    rate = size / index["seconds"]
    times = (query["open_s"], query["p50_ms"], query["p95_ms"], query["mb"])
    return Row(
        system, size, embedding, index["chunks"], index["seconds"], rate, stages, index["mb"], *times, disk, resync
    )


@dataclass(frozen=True)
class Failure:
    """A row that could not be measured, and the last line of why."""

    row: str
    reason: str


def attempt(make: Callable[[Place, int], Row], place: Place, size: int) -> Row | Failure:
    """One row; a failure is a result too, and the other rows go on."""
    try:
        return make(place, size)
    except common.ChildFailed as failure:
        note(str(failure))
        return Failure(f"{make.__name__} {size:,} {place.embedding} {place.kind}", str(failure).splitlines()[-1])


def rows_of(size: int, args: argparse.Namespace) -> Iterator[Row | Failure]:
    """Every row of one size, as each is measured; what they wrote is deleted."""
    texts = args.work / "scale" / f"texts-{size}"
    write_texts(texts, size, args.data)
    kinds = ["random"]
    if size <= REAL_BOTH or (args.full and size <= REAL_OURS):
        kinds.insert(0, "real")
    for embedding in kinds:
        ours = Place(texts, args.work / "scale" / "ours", args.data, embedding)
        yield attempt(our_row, ours, size)
        if embedding == "random":
            yield attempt(chroma_row, Place(texts, ours.store, args.data, embedding, "chroma"), size)
        if embedding == "random" or size <= REAL_BOTH:
            yield attempt(peer_row, Place(texts, args.work / "scale" / "peer", args.data, embedding), size)
    shutil.rmtree(args.work / "scale", ignore_errors=True)


# showing -------------------------------------------------------------------------------------------------------------


COLUMNS = {
    "texts": "size",
    "system": "system",
    "embedding": "embedding",
    "chunks": "chunks",
    "index s": "index_s",
    "texts/s": "rate",
    "index MB": "index_mb",
    "open s": "open_s",
    "p50 ms": "p50_ms",
    "p95 ms": "p95_ms",
    "query MB": "query_mb",
    "disk MB": "disk_mb",
    "re-sync s": "resync_s",
}


def cells(row: Row) -> list[object]:
    return [getattr(row, name) for name in COLUMNS.values()]


def main_table(rows: Sequence[Row]) -> str:
    return table(list(COLUMNS), map(cells, rows))


def target_lines(rows: Sequence[Row]) -> list[str]:
    """Each target against what was measured; those whose size was not run are missing."""
    of = {(r.system, r.size, r.embedding): r for r in rows}
    lines = []
    for size, embedding in dict.fromkeys((r.size, r.embedding) for r in rows):
        ours, other = of.get(("dyag exact", size, embedding)), of.get(("peer", size, embedding))
        if ours and other:
            ratio = ours.rate / other.rate
            target = FASTER if embedding == "real" else None
            lines.append(
                f"{size:,} texts, {embedding} embedding: {ratio:.1f} × the peer's rate {verdict(ratio, target)}"
            )
    for row in rows:
        if row.size == 100_000 and row.system != "peer":
            lines.append(
                f"{row.system} at 100,000: p95 {row.p95_ms:.0f} ms {verdict(row.p95_ms, P95_MS, at_most=True)}"
            )
        if row.size >= FILES and not math.isnan(row.resync_s):
            aim = verdict(row.resync_s, RESYNC_S, at_most=True)
            lines.append(f"re-sync of {FILES:,} unchanged files ({row.size:,} texts): {row.resync_s:.2f} s {aim}")
        if row.embedding == "real" and row.system == "dyag exact":
            rate = row.chunks / row.stages["embedding"]
            lines.append(f"our embedding alone: {rate:.0f} chunks/s over {row.chunks:,} chunks")
    return lines


def stage_lines(rows: Sequence[Row]) -> list[str]:
    """Where our index time goes."""
    shown = []
    for row in rows:
        if row.stages:
            parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row.stages.items())
            shown.append(f"{row.size:,} {row.system} {row.embedding}: {parts} s")
    return shown


def plot(rows: Sequence[Row]) -> Path:
    """How each figure grows, one panel a figure."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = {
        "index_s": "index, s (no forward pass)",
        "p95_ms": "query p95, ms",
        "query_mb": "memory of a query process, MB",
        "disk_mb": "disk, MB",
    }
    figure, axes = plt.subplots(2, 2, figsize=(10, 7), constrained_layout=True)
    for axis, (name, title) in zip(axes.flat, panels.items(), strict=True):
        for system in dict.fromkeys(r.system for r in rows):
            mine = [r for r in rows if r.system == system and r.embedding == "random"]
            if name != "index_s" or system != "dyag chroma":
                axis.plot([r.size for r in mine], [getattr(r, name) for r in mine], marker="o", label=system)
        axis.set(title=title, xlabel="texts", xscale="log", yscale="log")
        axis.grid(True, alpha=0.3)
        axis.legend()
    common.OUT.mkdir(exist_ok=True)
    path = common.OUT / "scale.png"
    figure.savefig(path, dpi=120)
    return path


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    options.add_argument("--full", action="store_true", help="really embed 10,000 texts on our side (minutes)")
    options.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    for name, kind in (("texts", Path), ("store", Path), ("embedding", str), ("kind", str)):
        options.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.step:
        print(json.dumps(STEPS[args.step](args)))
        return
    rows: list[Row] = []
    failures: list[Failure] = []
    for size in args.sizes:
        for made in rows_of(size, args):
            if isinstance(made, Failure):
                failures.append(made)
                continue
            rows.append(made)
            note(table(list(COLUMNS), [cells(made)]))
    image = plot(rows)
    parts = [main_table(rows), "\n".join(target_lines(rows)), "\n".join(stage_lines(rows)), f"plot: {image}"]
    parts[1:1] = [f"FAILED {f.row}: {f.reason}" for f in failures]
    result = {
        "peer": peer.NAME,
        "rows": [asdict(r) for r in rows],
        "targets": target_lines(rows),
        "failures": [asdict(f) for f in failures],
    }
    common.finish("scale", result, "\n\n".join(parts), args.json)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
