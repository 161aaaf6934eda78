"""Is a follow-up rewritten into what a person would search for, and a question that stands alone left alone?

    python benchmarks/rewrite.py [--limit N] [--talks N] [--forms dev|held] [--generator NAME] [--skip-index]

Human rewrites (--rewrites FOLDER, mtrag): the last turn of each conversation as typed, by our rules, by a model. recall and
precision: content words (stemmed) against the human rewrite; cosine by our embedder; rouge: ROUGE-L F1 over words. mrr and
r@1: the human rewrites of a domain are indexed as documents; is one's own found? With a star, only the questions for which
the human took words from earlier turns: mrr*, the share of those words ours has, how often a rewrite was made; false: how
often one was made where the human added no word. Answers are not in the data: only the earlier questions are known, as
rewritten by the same way. The rules were written looking at clapnq and cloud; fiqa and govt are held out.

Sheets: conversations over betagouv-fr (benchmarks/conversations.py); is the sheet asked about found? And how often a
question that stands alone was rewritten. Independent questions: real questions of each set, each after one about another
document; every rewrite is false. Ends with 1 when a floor does not hold.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# First, or this very file would hide the package of its name.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.generators.base import Turn
from assistant.rewrite import standalone
from benchmarks import common
from benchmarks.common import Query, QuestionSet, mean, table, verdict
from benchmarks.conversations import Talk, conversations
from benchmarks.human_rewrites import DOMAINS, HEAD, Rewriter, domain_app, domain_rows, load_domain, rewrite_last
from retrieval.search import Searcher

REWRITES = common.ROOT.parent / "shared" / "rewrite"
SHEETS = "betagouv-fr"
INDEPENDENT = ("betagouv-fr", "piaf-fr", "xquad-en", "squad2-en")
PARTS = "human,sheets,independent"
BEST = "rules + typed"
OF_ORACLE = 0.9
FALSE = 0.03
"""The aim; FALSE_FLOOR is what must hold. Some PIAF questions cannot be understood alone ("Qui est l'architecte ?")."""
FALSE_FLOOR = 0.05
SLACK = 0.01
"""How far mrr* may fall below the last turn alone."""

Rows = list[list[Any]]


# human rewrites ------------------------------------------------------------------------------------------------------


def human_rows(args: Any, ways: dict[str, Rewriter]) -> Rows:
    rows: Rows = []
    for name in DOMAINS:
        cases = load_domain(args.rewrites, name)
        rows += domain_rows(name, cases, {"none": None, **ways}, domain_app(name, cases, args.work))
    return rows


# sheets --------------------------------------------------------------------------------------------------------------


def sheet_rows(talks: Sequence[Talk], searcher: Searcher, ways: dict[str, Rewriter]) -> Rows:
    """A row for each kind of conversation and way to search."""
    rows: Rows = []
    for kind in dict.fromkeys(t.kind for t in talks):
        some = [t for t in talks if t.kind == kind]
        rows.append([kind, "last turn alone", len(some), *recalls(some, searcher, [("", "")] * len(some)), 0.0])
        for way, rewriter in ways.items():
            texts = [rewrite_last(t.turns, rewriter, lambda q: cited(searcher, q)) for t in some]
            made = mean(bool(t) for t in texts)
            alone = recalls(some, searcher, [(t, "") for t in texts])
            both = recalls(some, searcher, [(t, talk.turns[-1]) for t, talk in zip(texts, some, strict=True)])
            rows += [[kind, f"{way} alone", len(some), *alone, made], [kind, f"{way} + typed", len(some), *both, made]]
        rows.append([kind, "oracle", len(some), *recalls(some, searcher, [(t.oracle, "") for t in some]), 0.0])
    return rows


def cited(searcher: Searcher, question: str) -> tuple[str, ...]:
    """The title an answer would cite: that of the best passage."""
    return tuple(p.title for p in searcher.search(question, 1).passages)


def recalls(talks: Sequence[Talk], searcher: Searcher, texts: Sequence[tuple[str, str]]) -> list[float]:
    """recall@1 and recall@5 of the sheets asked about, by (rewrite, typed); without a rewrite by the last turn."""
    asked = [
        (talk, text or talk.turns[-1], also if text else "")
        for talk, (text, also) in zip(talks, texts, strict=True)
        if talk.gold
    ]
    ranks = [rank_of(searcher, text, {talk.gold}, also) for talk, text, also in asked]
    return [mean(r == 1 for r in ranks), mean(0 < r <= 5 for r in ranks)]


def rank_of(searcher: Searcher, question: str, documents: set[str] | frozenset[str], also: str = "") -> int:
    """Rank of the first relevant document, 0 when it is not found."""
    found = searcher.search(question, 20, also=also).passages
    ids = list(dict.fromkeys(common.document_of(p.external_id, p.document) for p in found))
    return next((n for n, d in enumerate(ids, 1) if d in documents), 0)


def follow_share(sheets: Rows) -> float:
    """recall@5 of rules and fusion over the follow-ups, as a share of the oracle's."""
    follows = [row for row in sheets if not row[0].startswith("control")]
    return mean(r[4] for r in follows if r[1] == BEST) / mean(r[4] for r in follows if r[1] == "oracle")


# independent questions -----------------------------------------------------------------------------------------------


def independent_row(name: str, queries: Sequence[Query], searcher: Searcher, rewriter: Rewriter) -> list[Any]:
    """Real questions, each after one about another document."""
    rng = random.Random(5)
    made, before, after = [], [], []
    for query in queries:
        other = rng.choice([q for q in queries if q.documents.isdisjoint(query.documents)])
        found = rewriter(query.text, [Turn(other.text, "", "", cited(searcher, other.text))])
        made.append(found is not None)
        before.append(0 < rank_of(searcher, query.text, query.documents) <= 5)
        after.append(0 < rank_of(searcher, found.text, query.documents, query.text) <= 5 if found else before[-1])
    return [name, len(made), mean(made), verdict(mean(made), FALSE, at_most=True), mean(before), mean(after)]


def independent_rows(args: Any, rewriter: Rewriter) -> Rows:
    rows = []
    for name in INDEPENDENT:
        bench, app = open_set(name, args)
        judged = common.sample([q for q in bench.queries if q.documents and q.type != "list"], args.limit)
        rows.append(independent_row(name, judged, app.searcher, rewriter))
    return rows


# main ----------------------------------------------------------------------------------------------------------------


def open_set(name: str, args: Any) -> tuple[QuestionSet, Any]:
    bench = common.load_set(name, args.data)
    return bench, common.make_app(args.work / name) if args.skip_index else common.indexed(bench, args.work)


def rewriters(args: Any) -> dict[str, Rewriter]:
    """The rules, and the model when one is named."""
    if not args.generator:
        return {"rules": standalone}
    from assistant.generators.load import environment, load_model
    from assistant.prompts import load_prompts
    from assistant.rewrite.model import ModelRewriter

    app = common.make_app(args.work / "rewrite-model")
    model = load_model(args.generator, app.settings.model, environment(app.home.env), app.home.path)
    return {"rules": standalone, "model": ModelRewriter(model, load_prompts(app.settings.prompts, app.home.path))}


def missed(domains: Rows, sheets: Rows, independent: Rows) -> list[str]:
    """The floors that do not hold, in words."""
    found = []
    for name in dict.fromkeys(row[0] for row in domains):
        star = {row[2]: row[9] for row in domains if row[0] == name}
        if star["rules"] < star["none"] - SLACK:
            found.append(f"{name}: mrr* {star['rules']:.3f}, worse than {star['none']:.3f} by the last turn alone")
    if sheets and follow_share(sheets) < OF_ORACLE:
        found.append(f"{SHEETS}: recall@5 {follow_share(sheets):.3f} of the oracle's, not {OF_ORACLE}")
    many = [row for row in independent if row[2] > FALSE_FLOOR]
    return found + [f"{row[0]}: {row[2]:.3f} false rewrites, more than {FALSE_FLOOR}" for row in many]


def options() -> Any:
    made = common.parser(__doc__)
    made.add_argument("--rewrites", type=Path, default=REWRITES, help="folder of human rewrites (default: %(default)s)")
    made.add_argument("--limit", type=int, default=300, help="independent questions of each set (default: %(default)s)")
    made.add_argument("--talks", type=int, default=100, help="conversations of each kind (default: %(default)s)")
    made.add_argument(
        "--forms", choices=("dev", "held"), default="held", help="forms of follow-ups (default: %(default)s)"
    )
    made.add_argument("--generator", default="", help="a model to measure too, as provider:model")
    made.add_argument("--skip-index", action="store_true", help="search the indexes that are in --work")
    made.add_argument("--parts", default=PARTS, help="(default: %(default)s)")
    return made.parse_args()


def main() -> int:
    args = options()
    ways = rewriters(args)
    domains = human_rows(args, ways) if "human" in args.parts else []
    sheets: Rows = []
    if "sheets" in args.parts:
        bench, app = open_set(SHEETS, args)
        titles = {row["_id"]: row["title"] for row in common.read_jsonl(bench.corpus)}
        sheets = sheet_rows(conversations(bench.queries, titles, args.forms, args.talks), app.searcher, ways)
    independent = independent_rows(args, standalone) if "independent" in args.parts else []
    failed = missed(domains, sheets, independent)
    shown = [table(HEAD, domains)] if domains else []
    if sheets:
        shown.append(table(("sheets", "search", "n", "recall@1", "recall@5", "rewritten"), sheets))
        shown.append(f"follow-ups: recall@5 by {BEST} is {follow_share(sheets):.3f} of the oracle's")
    if independent:
        shown.append(table(("independent", "n", "rewritten", "target", "recall@5 before", "after"), independent))
    shown += [f"MISSED {line}" for line in failed]
    result = {"forms": args.forms, "domains": domains, "sheets": sheets, "independent": independent, "missed": failed}
    common.finish("rewrite", result, "\n\n".join(shown), args.json)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
