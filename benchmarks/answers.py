"""Are the answers right? Every question of a set through the product's own `Answerer`, against its gold answers.

    python benchmarks/answers.py [SET…] [--limit N] [--show-wrong N] [--why REASON] [--type TYPE] [--by-type]

contains   the answer contains a gold answer, token by token (eval.metrics.text.contains), over answerable questions that
           have gold answers; a refusal is wrong. `no-refusal` is the same with refuse_below=0. List questions (demo)
           are counted apart: the share of gold titles that the answer names.
cited      of the answered questions whose document is known, those that cite it.
refusal    refusing is the positive class, unanswerable the truth: precision and recall; `false` is the share of
           answerable questions refused.
words      of answers (citations and refusals excluded); `long` is the share over 60 words that are not lists.

No peer: the hand-written LangChain stack has no generator without a model. Retrieval is compared in retrieval.py.
Each answer is kept in benchmarks/out/answers-SET.jsonl.
"""

from __future__ import annotations

import json
import random
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.answer import Answerer, Done
from assistant.generators.question import read
from benchmarks import common
from benchmarks.common import Query, mean, note, percentile, table, verdict
from eval.metrics.text import contains
from retrieval.types import Answer

SETS = ("betagouv-fr", "piaf-fr", "xquad-en", "squad2-en", "clapnq-en", common.DEMO)
CONTAINS = {"betagouv-fr": 0.85, "piaf-fr": 0.60, "xquad-en": 0.90}
REFUSAL_SETS = ("squad2-en", "clapnq-en")
PRECISION, RECALL = 0.7, 0.6
LONGEST = 60
TOP_K = 10
CITED = re.compile(r"\s*\[chunk_\d+\]")


@dataclass(frozen=True)
class Outcome:
    """One question, its answer, and what was wrong with it."""

    id: str
    question: str
    gold: tuple[str, ...]
    answerable: bool
    type: str
    """The set's own type, else the kind the product reads in the question."""
    answer: str
    refused: bool
    confidence: float
    seconds: float
    words: int
    is_list: bool
    right: bool | None
    """None without gold answers, and for list questions."""
    right_unrefused: bool | None
    """The same with refusal off."""
    named: float | None
    """Share of gold titles named, for list questions."""
    rank: int
    """Rank of the right document among those found; 0 when it was not found or is unknown."""
    cited: bool | None
    """None when refused or when the right document is unknown."""
    unrefused_answer: str
    """What the answer would have been, when it was refused."""
    why: str
    """Empty when right."""


def ask(answerer: Answerer, text: str) -> Answer:
    """The answer as `dyag ask` gets it, language detected."""
    return next(e.answer for e in answerer.answer(text, TOP_K) if isinstance(e, Done))


def judge(query: Query, answerer: Answerer) -> Outcome:
    """Ask a question and compare the answer with what is known."""
    answer = ask(answerer, query.text)
    # Refusal off changes nothing for a question that was not refused.
    free = ask(replace(answerer, refuse_below=0.0), query.text) if answer.refused and query.answers else answer
    body = CITED.sub("", answer.answer)
    is_list_question = query.type == "list"
    right, right_free = (None, None) if is_list_question else (_right(query, answer), _right(query, free))
    outcome = Outcome(
        query.id,
        query.text,
        query.answers,
        query.answerable,
        query.type or read(query.text, answer.language).kind,
        answer.answer,
        answer.refused,
        answer.confidence,
        answer.seconds,
        sum(any(c.isalnum() for c in word) for word in body.split()),
        any(line.startswith("- ") for line in body.splitlines()),
        right,
        right_free,
        _named(query, answer) if is_list_question else None,
        _rank(query, answer),
        _cited(query, answer),
        free.answer if answer.refused and query.answers else "",
        "",
    )
    return replace(outcome, why=_why(outcome))


def _right(query: Query, answer: Answer) -> bool | None:
    if not query.answers:
        return None
    text = CITED.sub("", answer.answer)
    return not answer.refused and contains(text, list(query.answers), query.language)


def _named(query: Query, answer: Answer) -> float:
    text = "" if answer.refused else CITED.sub("", answer.answer)
    return mean(contains(text, [title], query.language) for title in query.answers)


def _rank(query: Query, answer: Answer) -> int:
    found = list(dict.fromkeys(common.document_of(p.external_id, p.document) for p in answer.passages))
    return next((n for n, document in enumerate(found, 1) if document in query.documents), 0)


def _cited(query: Query, answer: Answer) -> bool | None:
    if answer.refused or not query.documents:
        return None
    cited = {common.document_of(c.external_id, c.document) for c in answer.citations}
    return bool(cited & query.documents)


def _why(outcome: Outcome) -> str:
    """The first step that went wrong."""
    if not outcome.answerable:
        return "" if outcome.refused else "answered"
    if outcome.right or outcome.named == 1.0 or (outcome.right is None and outcome.named is None):
        return ""
    if outcome.refused:
        return "refused"
    if not outcome.rank:
        return "not-found"
    return "extraction" if outcome.cited else "other-document"


# figures -------------------------------------------------------------------------------------------------------------


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What the table shows of one set."""
    scored = [o for o in outcomes if o.right is not None]
    answered = [o for o in outcomes if not o.refused]
    refused = [o for o in outcomes if o.refused]
    unanswerable = [o for o in outcomes if not o.answerable]
    rightly = [o for o in refused if not o.answerable]
    return {
        "questions": len(outcomes),
        "contains": mean(bool(o.right) for o in scored),
        "contains_no_refusal": mean(bool(o.right_unrefused) for o in scored),
        "lists_named": mean(o.named for o in outcomes if o.named is not None),
        "cited": mean(o.cited for o in answered if o.cited is not None and o.answerable),
        "words": mean(o.words for o in answered),
        "long": mean(o.words > LONGEST and not o.is_list for o in answered),
        "refusal_precision": len(rightly) / len(refused) if refused and unanswerable else float("nan"),
        "refusal_recall": len(rightly) / len(unanswerable) if unanswerable else float("nan"),
        "false_refusals": mean(o.refused for o in outcomes if o.answerable),
        "p50_s": percentile((o.seconds for o in outcomes), 0.50),
        "p95_s": percentile((o.seconds for o in outcomes), 0.95),
        "wrong": dict(Counter(o.why for o in outcomes if o.why).most_common()),
    }


def main_table(results: dict[str, dict[str, Any]]) -> str:
    head = ("set", "n", "contains", "target", "no-refusal", "lists", "cited", "words", "long", "p50 s", "p95 s")
    rows = [
        (
            name,
            r["questions"],
            r["contains"],
            verdict(r["contains"], CONTAINS.get(name)),
            *(r[k] for k in ("contains_no_refusal", "lists_named", "cited", "words", "long", "p50_s", "p95_s")),
        )
        for name, r in results.items()
    ]
    return table(head, rows)


def refusal_table(results: dict[str, dict[str, Any]]) -> str:
    head = ("set", "precision", "aim", "recall", "aim", "false", "wrong answers by the step that failed")
    rows = []
    for name, r in results.items():
        aims = (PRECISION, RECALL) if name in REFUSAL_SETS else (None, None)
        wrong = ", ".join(f"{why} {count}" for why, count in r["wrong"].items())
        precision, recall = r["refusal_precision"], r["refusal_recall"]
        rows.append(
            (name, precision, verdict(precision, aims[0]), recall, verdict(recall, aims[1]), r["false_refusals"], wrong)
        )
    return table(head, rows)


def type_table(name: str, outcomes: Sequence[Outcome]) -> str:
    """Right answers by type of question."""
    types = Counter(o.type for o in outcomes)
    rows = []
    for kind, count in types.most_common():
        mine = figures([o for o in outcomes if o.type == kind])
        wrong = ", ".join(f"{why} {n}" for why, n in mine["wrong"].items())
        rows.append((kind, count, mine["contains"], mine["contains_no_refusal"], mine["cited"], wrong))
    return f"{name} by type\n" + table(("type", "n", "contains", "no-refusal", "cited", "wrong"), rows)


def wrong_answers(name: str, outcomes: Sequence[Outcome], count: int, why: str, kind: str, seed: int) -> str:
    """Some wrong answers, drawn at random (the same ones for the same seed), to read."""
    wrong = [o for o in outcomes if o.why and (not why or o.why == why) and (not kind or o.type == kind)]
    shown = wrong if count >= len(wrong) else random.Random(seed).sample(wrong, count)
    blocks = [f"{name}: {len(shown)} of {len(wrong)} wrong answers"]
    return "\n\n".join([*blocks, *map(_block, shown)])


def _block(o: Outcome) -> str:
    lines = [
        f"{o.id} [{o.type}] {o.why}: right document at rank {o.rank or '-'}, confidence {o.confidence:.2f}",
        f"  Q     {o.question}",
        f"  gold  {' | '.join(o.gold) or '(unanswerable)'}",
        textwrap.indent(o.answer, "        ").replace("        ", "  is    ", 1),
    ]
    if o.unrefused_answer:
        lines.append(textwrap.indent(o.unrefused_answer, "        ").replace("        ", "  else  ", 1))
    return "\n".join(lines)


# running -------------------------------------------------------------------------------------------------------------


def run_set(name: str, data: Path, work: Path, limit: int | None) -> list[Outcome]:
    bench = common.load_set(name, data)
    answerer = common.indexed(bench, work).answerer
    queries = common.sample(bench.queries, limit)
    ask(answerer, queries[0].text)  # the first question loads models; startup.py measures that
    outcomes = []
    for number, query in enumerate(queries, 1):
        outcomes.append(judge(query, answerer))
        if number % 250 == 0:
            note(f"{name}: {number}/{len(queries)} questions")
    keep(name, outcomes)
    return outcomes


def keep(name: str, outcomes: Sequence[Outcome]) -> None:
    """Every answer on disk, so that two versions of a generator can be compared line by line."""
    common.OUT.mkdir(exist_ok=True)
    lines = (json.dumps(asdict(o), ensure_ascii=False) + "\n" for o in outcomes)
    (common.OUT / f"answers-{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("sets", nargs="*", default=SETS, metavar="SET", help=f"default: {' '.join(SETS)}")
    options.add_argument("--limit", type=int, help="questions of each set, drawn at random (seeded)")
    options.add_argument("--show-wrong", type=int, default=0, metavar="N", help="print N wrong answers of each set")
    options.add_argument(
        "--why",
        default="",
        choices=("refused", "not-found", "other-document", "extraction", "answered"),
        help="only those wrong answers",
    )
    options.add_argument("--type", default="", help="only wrong answers to this type of question")
    options.add_argument("--seed", type=int, default=1, help="draws which wrong answers are shown")
    options.add_argument("--by-type", action="store_true", help="also a table by type of question")
    args = options.parse_args()
    outcomes = {name: run_set(name, args.data, args.work, args.limit) for name in args.sets}
    results = {name: figures(found) for name, found in outcomes.items()}
    parts = [main_table(results), refusal_table(results)]
    if args.by_type:
        parts += [type_table(name, found) for name, found in outcomes.items()]
    if args.show_wrong:
        parts += [
            wrong_answers(name, found, args.show_wrong, args.why, args.type, args.seed)
            for name, found in outcomes.items()
        ]
    common.finish("answers", {"limit": args.limit, "sets": results}, "\n\n".join(parts), args.json)


if __name__ == "__main__":
    main()
