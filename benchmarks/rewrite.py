"""Is a follow-up rewritten into what a person would search for, and a question that stands alone left alone?

    python benchmarks/rewrite.py [--limit N] [--forms dev|held] [--generator NAME] [--skip-index]

Human rewrites (--rewrites FOLDER, mtrag): the last turn of each conversation as typed, by our rules, by a model. Words:
recall and precision of content words (stemmed) against the human rewrite; `cosine` by our embedder; `rouge` is ROUGE-L F1
over words. `mrr` and `r@1`: the human rewrites of a domain are indexed as documents; is one's own found? A star: only the
questions for which the human took words from earlier turns, `mrr*`, which share of these words ours has, and how often a
rewrite was made. `false` is how often one was made where the human added no word.
Answers are not in the data: only the questions of the history are known, which the system has rewritten itself. The
rules were written looking at clapnq and cloud; fiqa and govt are held out.

Sheets: conversations over betagouv-fr (benchmarks/conversations.py), recall@1 and @5 of the sheet asked about, and how
often a question that stands alone was rewritten. Independent questions: real questions of each set after an unrelated
one; every rewrite is false.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# First, or this very file would hide the package of its name.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.generators.base import Turn
from assistant.rewrite import Rewritten, standalone
from benchmarks import common
from benchmarks.common import Query, QuestionSet, mean, note, table, verdict
from benchmarks.conversations import Talk, conversations, split_user
from retrieval.lexical import analyze
from retrieval.search import Searcher
from retrieval.text import fold, words

REWRITES = common.ROOT.parent / "shared" / "rewrite"
DOMAINS = {"clapnq": "seen", "cloud": "seen", "fiqa": "held out", "govt": "held out"}
SHEETS = "betagouv-fr"
INDEPENDENT = ("betagouv-fr", "piaf-fr", "xquad-en", "squad2-en")
OF_ORACLE = 0.9
FALSE = 0.03
TALKS = 100
"""Conversations of each kind."""

Rewriter = Callable[[str, Sequence[Turn]], Rewritten | None]


@dataclass(frozen=True)
class Case:
    """A conversation with the human's rewrite of its last turn."""

    id: str
    turns: tuple[str, ...]
    human: str


# human rewrites ------------------------------------------------------------------------------------------------------


def load_domain(folder: Path, name: str) -> list[Case]:
    """Conversations of at least two turns."""
    human = {row["_id"]: split_user(row["text"])[0] for row in common.read_jsonl(folder / f"{name}_rewrite.jsonl")}
    rows = common.read_jsonl(folder / f"{name}_questions.jsonl")
    cases = [Case(row["_id"], tuple(split_user(row["text"])), human[row["_id"]]) for row in rows]
    return [case for case in cases if len(case.turns) > 1]


def rewrite_last(turns: Sequence[str], rewriter: Rewriter | None, titles: Callable[[str], tuple[str, ...]]) -> str:
    """The rewrite of the last turn, each earlier one rewritten the same way; empty when it is left as it is."""
    history: list[Turn] = []
    for turn in turns:
        made = rewriter(turn, history) if rewriter and history else None
        history.append(Turn(turn, "", made.text if made else "", titles(made.text if made else turn)))
    return history[-1].searched


def domain_rows(name: str, cases: Sequence[Case], ways: dict[str, Rewriter | None], app: Any) -> list[list[Any]]:
    rows = []
    for way, rewriter in ways.items():
        texts = [rewrite_last(c.turns, rewriter, lambda _: ()) for c in cases]
        rows.append([name, DOMAINS[name], way, *_figures(cases, texts, app.searcher, app.embedder)])
    return rows


def _figures(cases: Sequence[Case], texts: Sequence[str], searcher: Searcher, embedder: Any) -> list[float]:
    searched = [text or c.turns[-1] for c, text in zip(cases, texts, strict=True)]
    shared = [(_stems(c.human), _stems(text)) for c, text in zip(cases, searched, strict=True)]
    human, ours = embedder.embed([c.human for c in cases]), embedder.embed(searched)
    found = [1 / r if (r := _rank(searcher, c, text)) else 0.0 for c, text in zip(cases, texts, strict=True)]
    missing = [_missing(c) for c in cases]
    added = [o - _stems(c.turns[-1]) for c, (_, o) in zip(cases, shared, strict=True)]
    needless = [_stems(c.human) <= _stems(c.turns[-1]) for c in cases]
    return [
        mean(len(h & o) / len(h) for h, o in shared if h),
        mean(len(h & o) / len(o) for h, o in shared if o),
        float((human * ours).sum(axis=1).mean()),
        mean(rouge(c.human, text) for c, text in zip(cases, searched, strict=True)),
        mean(found),
        mean(f == 1 for f in found),
        mean(f for f, m in zip(found, missing, strict=True) if m),
        mean(len(m & a) / len(m) for m, a in zip(missing, added, strict=True) if m),
        mean(bool(t) for t, m in zip(texts, missing, strict=True) if m),
        mean(bool(t) for t, n in zip(texts, needless, strict=True) if n),
    ]


def _rank(searcher: Searcher, case: Case, text: str) -> int:
    """Rank of the human's rewrite among all of the domain; 0 when it is not among the first ten."""
    last = case.turns[-1]
    found = searcher.search(text or last, 10, language="en", also=last if text else "").passages
    return next((n for n, p in enumerate(found, 1) if p.text.strip() == case.human), 0)


def _missing(case: Case) -> set[str]:
    """Words the human took from earlier turns."""
    earlier = set().union(*(_stems(t) for t in case.turns[:-1]))
    return (_stems(case.human) - _stems(case.turns[-1])) & earlier


def _stems(text: str) -> set[str]:
    return set(analyze(text, "en"))


def rouge(reference: str, text: str) -> float:
    """F1 of the longest common subsequence of words."""
    a, b = [fold(w) for w in words(reference)], [fold(w) for w in words(text)]
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], diagonal + 1 if x == y else max(row[j], row[j - 1])
    return 2 * row[-1] / (len(a) + len(b)) if a and b else 0.0


def domain_app(name: str, cases: Sequence[Case], work: Path) -> Any:
    """The human rewrites of a domain, indexed as documents."""
    work.mkdir(parents=True, exist_ok=True)
    corpus = work / f"rewrite-{name}.jsonl"
    unique = dict.fromkeys(c.human for c in cases)
    lines = [json.dumps({"_id": f"{name}-{n}", "title": "", "text": text}) for n, text in enumerate(unique)]
    corpus.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return common.indexed(QuestionSet(f"rewrite-{name}", corpus, ()), work)


# sheets --------------------------------------------------------------------------------------------------------------


def sheet_rows(talks: Sequence[Talk], searcher: Searcher, rewriters: dict[str, Rewriter]) -> list[list[Any]]:
    """A row for each kind of conversation and way to search."""
    rows = []
    for kind in dict.fromkeys(t.kind for t in talks):
        some = [t for t in talks if t.kind == kind]
        rows.append([kind, "last turn alone", len(some), *_recalls(some, searcher, [("", "")] * len(some)), 0.0])
        for way, rewriter in rewriters.items():
            texts = [rewrite_last(t.turns, rewriter, lambda q: cited(searcher, q)) for t in some]
            made = mean(bool(t) for t in texts)
            alone = _recalls(some, searcher, [(t, "") for t in texts])
            fused = _recalls(some, searcher, [(t, talk.turns[-1]) for t, talk in zip(texts, some, strict=True)])
            rows.append([kind, f"{way} alone", len(some), *alone, made])
            rows.append([kind, f"{way} + typed", len(some), *fused, made])
        rows.append([kind, "oracle", len(some), *_recalls(some, searcher, [(t.oracle, "") for t in some]), 0.0])
    return rows


def cited(searcher: Searcher, question: str) -> tuple[str, ...]:
    """The title an answer would cite: that of the best passage."""
    return tuple(p.title for p in searcher.search(question, 1).passages)


def _recalls(talks: Sequence[Talk], searcher: Searcher, texts: Sequence[tuple[str, str]]) -> list[float]:
    ranks = []
    for talk, (text, also) in zip(talks, texts, strict=True):
        if talk.gold:
            ranks.append(rank_of(searcher, text or talk.turns[-1], {talk.gold}, also if text else ""))
    return [mean(r == 1 for r in ranks), mean(0 < r <= 5 for r in ranks)]


def rank_of(searcher: Searcher, question: str, documents: set[str] | frozenset[str], also: str = "") -> int:
    """Rank of the first relevant document, 0 when it is not found."""
    found = searcher.search(question, 20, also=also).passages
    ids = list(dict.fromkeys(common.document_of(p.external_id, p.document) for p in found))
    return next((n for n, d in enumerate(ids, 1) if d in documents), 0)


# independent questions -----------------------------------------------------------------------------------------------


def independent_row(name: str, queries: Sequence[Query], searcher: Searcher, rewriter: Rewriter) -> list[Any]:
    """Real questions, each after one about another document."""
    rng = random.Random(5)
    made, before, after = [], [], []
    for query in queries:
        other = rng.choice([q for q in queries if q.documents.isdisjoint(query.documents)])
        history = [Turn(other.text, "", "", cited(searcher, other.text))]
        found = rewriter(query.text, history)
        made.append(found is not None)
        alone = rank_of(searcher, query.text, query.documents)
        before.append(0 < alone <= 5)
        after.append(0 < rank_of(searcher, found.text, query.documents, query.text) <= 5 if found else before[-1])
    return [name, len(made), mean(made), verdict(mean(made), FALSE, at_most=True), mean(before), mean(after)]


# main ----------------------------------------------------------------------------------------------------------------


def open_set(name: str, args: Any) -> tuple[QuestionSet, Any]:
    bench = common.load_set(name, args.data)
    return bench, common.make_app(args.work / name) if args.skip_index else common.indexed(bench, args.work)


def rewriters(args: Any) -> dict[str, Rewriter]:
    """The rules, and the model when one is named."""
    found: dict[str, Rewriter] = {"rules": standalone}
    if args.generator:
        from assistant.generators import load_model
        from assistant.prompts import load_prompts
        from assistant.rewrite.model import ModelRewriter

        app = common.make_app(args.work / "rewrite-model")
        model = ModelRewriter(load_model(args.generator, app), load_prompts(app.settings.prompts, args.work))
        found["model"] = model
    return found


def missed(
    domains: Sequence[Sequence[Any]], sheets: Sequence[Sequence[Any]], independent: Sequence[Sequence[Any]]
) -> list[str]:
    """The aims that are not reached, in words."""
    found = []
    for name in dict.fromkeys(row[0] for row in domains):
        mrr = {row[2]: row[7] for row in domains if row[0] == name}
        if mrr["rules"] <= mrr["none"]:
            found.append(f"{name}: no better than the last turn alone")
    share = follow_share(sheets)
    if share < OF_ORACLE:
        found.append(f"{SHEETS}: recall@5 {share:.3f} of the oracle's, not {OF_ORACLE}")
    found += [f"{row[0]}: {row[2]:.3f} false rewrites, more than {FALSE}" for row in independent if row[2] > FALSE]
    return found


def follow_share(sheets: Sequence[Sequence[Any]]) -> float:
    """recall@5 of rules and fusion over the follow-ups, as a share of the oracle's."""
    of = {
        way: mean(r[4] for r in sheets if r[1] == way and not r[0].startswith("control"))
        for way in ("rules + typed", "oracle")
    }
    return of["rules + typed"] / of["oracle"]


def main() -> int:
    options = common.parser(__doc__)
    options.add_argument(
        "--rewrites", type=Path, default=REWRITES, help="folder of human rewrites (default: %(default)s)"
    )
    options.add_argument(
        "--limit", type=int, default=300, help="independent questions of each set (default: %(default)s)"
    )
    options.add_argument("--talks", type=int, default=TALKS, help="conversations of each kind (default: %(default)s)")
    options.add_argument(
        "--forms", choices=("dev", "held"), default="held", help="forms of the follow-ups (default: %(default)s)"
    )
    options.add_argument("--generator", default="", help="a model to measure too, as provider:model")
    options.add_argument("--skip-index", action="store_true", help="search the indexes that are in --work")
    options.add_argument("--parts", default="human,sheets,independent", help="(default: %(default)s)")
    args = options.parse_args()
    ways = rewriters(args)
    domains: list[list[Any]] = []
    for name in DOMAINS if "human" in args.parts else ():
        cases = load_domain(args.rewrites, name)
        app = domain_app(name, cases, args.work)
        domains += domain_rows(name, cases, {"none": None, **ways}, app)
    sheets: list[list[Any]] = []
    if "sheets" in args.parts:
        bench, app = open_set(SHEETS, args)
        titles = {row["_id"]: row["title"] for row in common.read_jsonl(bench.corpus)}
        sheets = sheet_rows(conversations(bench.queries, titles, args.forms, args.talks), app.searcher, ways)
    independent = []
    for name in INDEPENDENT if "independent" in args.parts else ():
        bench, app = open_set(name, args)
        judged = common.sample([q for q in bench.queries if q.documents and q.type != "list"], args.limit)
        independent.append(independent_row(name, judged, app.searcher, ways["rules"]))
    shown = [
        table(
            ("domain", "", "rewritten", "recall", "precision", "cosine", "rouge", "mrr", "r@1", "needed", "false"),
            domains,
        ),
        table(("sheets", "search", "n", "recall@1", "recall@5", "rewritten"), sheets),
        table(("independent", "n", "rewritten", "target", "recall@5 before", "after"), independent),
    ]
    failed = missed(domains, sheets, independent) if args.parts == options.get_default("parts") else []
    if sheets:
        shown.append(f"recall@5 of the follow-ups by rules + typed: {follow_share(sheets):.3f} of the oracle's")
    result = {"domains": domains, "sheets": sheets, "independent": independent, "missed": failed, "forms": args.forms}
    common.finish("rewrite", result, "\n\n".join([*shown, *failed]), args.json)
    for line in failed:
        note(f"MISSED {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
