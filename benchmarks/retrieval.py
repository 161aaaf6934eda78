"""Does the search find the right document? Dense only, BM25 only, our hybrid, and the peer, on the same questions.

    python benchmarks/retrieval.py [SET…] [--limit N] [--peer-queries N] [--no-peer]

Documents are ranked by their best chunk; a question counts as found when one of its relevant documents is among the
first 1 or 5 (recall@1, recall@5); MRR@10 is the mean of 1/rank of the first relevant one. `hybrid` is `Searcher.search`
as users have it: default weight, the question's language detected. `dense` and `bm25` are its two halves asked alone.

The peer (benchmarks/peer.py) gets title and text of each document, and is asked at most --peer-queries questions drawn
at random; `hybrid*` is our search on exactly those. `ms` is the median time of a question, embedding included.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# First, or this very file would hide the package of its name.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, peer
from benchmarks.common import Query, QuestionSet, mean, note, percentile, table, verdict
from retrieval.search import Searcher
from retrieval.text import detect_language

TARGETS = {
    ("betagouv-fr", "recall@1"): 0.95,
    ("piaf-fr", "recall@5"): 0.865,
    ("clapnq-en", "recall@5"): 0.99,
    ("cnil-fr", "recall@5"): 0.78,
}
MEASURES = ("recall@1", "recall@5", "mrr@10")
SLACK = 0.01
"""How far hybrid may fall below the better of its halves."""
DEPTH = 50
"""Chunks asked for, so that ten distinct documents are among them."""

Ranker = Callable[[str], Iterable[str]]


@dataclass(frozen=True)
class Row:
    """Figures of one way to search one set."""

    set: str
    how: str
    questions: int
    figures: dict[str, float]
    ms: float


def measure(name: str, how: str, queries: Sequence[Query], rank: Ranker) -> Row:
    """Ask every question and compare the documents with the relevant ones."""
    ranks, seconds = [], []
    rank(queries[0].text)  # loads what is loaded once
    for query in queries:
        start = time.perf_counter()
        found = rank(query.text)
        seconds.append(time.perf_counter() - start)
        documents = list(dict.fromkeys(found))[:10]
        ranks.append(next((n for n, d in enumerate(documents, 1) if d in query.documents), 0))
    figures = {
        "recall@1": mean(r == 1 for r in ranks),
        "recall@5": mean(0 < r <= 5 for r in ranks),
        "mrr@10": mean(1 / r if r else 0.0 for r in ranks),
    }
    return Row(name, how, len(queries), figures, percentile(seconds, 0.5) * 1000)


def our_rankers(searcher: Searcher) -> dict[str, Ranker]:
    """Dense only, BM25 only and the search users have, each giving document ids."""
    live = searcher.generation()
    sql = "SELECT c.id, d.external_id, f.path FROM chunks c JOIN documents d ON d.id=c.document_id JOIN files f ON f.id=d.file_id"
    documents = {row[0]: common.document_of(row[1], row[2]) for row in searcher.library.query(sql)}

    def dense(question: str) -> list[str]:
        return [documents[i] for i, _ in live.vectors.search(searcher.embedder.embed([question])[0], DEPTH)]

    def bm25(question: str) -> list[str]:
        return [documents[i] for i, _ in live.lexical.search(question, detect_language(question, "fr"), DEPTH)]

    def hybrid(question: str) -> list[str]:
        found = searcher.search(question, DEPTH).passages
        return [common.document_of(p.external_id, p.document) for p in found]

    return {"dense": dense, "bm25": bm25, "hybrid": hybrid}


def peer_ranker(bench: QuestionSet, work: Path, embeddings: Any) -> Ranker:
    ids, texts = corpus(bench)
    note(f"{bench.name}: indexing with the peer (kept for the next run)")
    folder = peer.built(work / f"{bench.name}-peer", texts, ids, embeddings)
    retriever = peer.open_retriever(folder, embeddings)
    return lambda question: [d.metadata["document"] for d in retriever.invoke(question)]


def corpus(bench: QuestionSet) -> tuple[list[str], list[str]]:
    """Ids and texts (title, then text) of a set's documents."""
    if bench.corpus.is_dir():
        files = sorted(bench.corpus.glob("*.md"))
        return [f.name for f in files], [f.read_text(encoding="utf-8") for f in files]
    rows = common.read_jsonl(bench.corpus)
    return [r["_id"] for r in rows], [f"{r['title']}\n{r['text']}".strip() for r in rows]


def run_set(name: str, args: Any, embeddings: Any) -> tuple[list[Row], float]:
    """Every way to search one set, and the share of questions whose language is detected rightly."""
    bench = common.load_set(name, args.data)
    judged = [q for q in bench.queries if q.documents and q.type != "list"]
    queries = common.sample(judged, args.limit)
    rankers = our_rankers(common.indexed(bench, args.work).searcher)
    rows = [measure(name, how, queries, rank) for how, rank in rankers.items()]
    if embeddings is not None:
        few = common.sample(queries, args.peer_queries)
        rank = peer_ranker(bench, args.work, embeddings)
        rows += [measure(name, "peer", few, rank), measure(name, "hybrid*", few, rankers["hybrid"])]
    return rows, mean(detect_language(q.text, "fr") == q.language for q in queries)


def loss(rows: Sequence[Row], name: str) -> dict[str, float]:
    """How much hybrid gains (or, negative, loses) against the better of its halves, by measure."""
    of = {r.how: r.figures for r in rows if r.set == name}
    return {m: of["hybrid"][m] - max(of["dense"][m], of["bm25"][m]) for m in MEASURES}


def rows_table(rows: Sequence[Row]) -> str:
    shown = []
    for row in rows:
        targets = [
            f"{measure} {verdict(row.figures[measure], TARGETS[row.set, measure])}"
            for measure in MEASURES
            if row.how == "hybrid" and (row.set, measure) in TARGETS
        ]
        shown.append((row.set, row.how, row.questions, *row.figures.values(), row.ms, ", ".join(targets)))
    return table(("set", "search", "n", *MEASURES, "ms", "target"), shown)


def loss_table(rows: Sequence[Row], detected: dict[str, float]) -> str:
    """Hybrid against its better half, and language detection."""
    shown = []
    for name, share in detected.items():
        gains = loss(rows, name)
        worst = min(gains["recall@1"], gains["recall@5"])
        shown.append((name, *(f"{g:+.3f}" for g in gains.values()), verdict(worst, -SLACK), share))
    head = ("set", *(f"Δ {m}" for m in MEASURES), "target", "language right")
    return "hybrid against the better of dense and bm25\n" + table(head, shown)


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("sets", nargs="*", metavar="SET", help="default: every set with relevance judgements")
    options.add_argument("--limit", type=int, help="questions of each set, drawn at random (seeded)")
    options.add_argument("--peer-queries", type=int, default=300, metavar="N", help="(default: %(default)s)")
    options.add_argument("--no-peer", action="store_true")
    args = options.parse_args()
    names = args.sets or common.set_names(args.data)
    if not names:
        raise SystemExit(f"benchmark: no question sets in {args.data}. Name their folder with --data.")
    embeddings = None if args.no_peer else peer.minilm(common.THREADS)
    rows: list[Row] = []
    detected: dict[str, float] = {}
    for name in names:
        more, detected[name] = run_set(name, args, embeddings)
        rows += more
    result = {
        "peer": None if args.no_peer else peer.NAME,
        "rows": [vars(r) for r in rows],
        "hybrid_gain": {name: loss(rows, name) for name in names},
        "language_detected": detected,
    }
    common.finish("retrieval", result, f"{rows_table(rows)}\n\n{loss_table(rows, detected)}", args.json)


if __name__ == "__main__":
    main()
