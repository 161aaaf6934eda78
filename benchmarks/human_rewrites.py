"""Last turns of conversations that people rewrote to stand alone (mtrag), and how near a rewrite of ours comes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.generators.base import Turn
from assistant.rewrite import Rewritten
from benchmarks import common
from benchmarks.common import QuestionSet, mean
from retrieval.lexical import analyze
from retrieval.search import Searcher
from retrieval.text import fold, words

DOMAINS = {"clapnq": "seen", "cloud": "seen", "fiqa": "held out", "govt": "held out"}
HEAD = (
    "domain",
    "",
    "rewritten",
    "recall",
    "precision",
    "cosine",
    "rouge",
    "mrr",
    "r@1",
    "mrr*",
    "added*",
    "made*",
    "false",
)

Rewriter = Callable[[str, Sequence[Turn]], Rewritten | None]


@dataclass(frozen=True)
class Case:
    """A conversation with the human's rewrite of its last turn."""

    turns: tuple[str, ...]
    human: str

    @property
    def missing(self) -> set[str]:
        """Words the human took from earlier turns."""
        earlier = set().union(*(_stems(t) for t in self.turns[:-1]))
        return (_stems(self.human) - _stems(self.turns[-1])) & earlier

    @property
    def needless(self) -> bool:
        """Whether the human added no word."""
        return _stems(self.human) <= _stems(self.turns[-1])


def load_domain(folder: Path, name: str) -> list[Case]:
    """Conversations of at least two turns; exits with a message when they are missing."""
    parts = [folder / f"{name}_{part}.jsonl" for part in ("questions", "rewrite")]
    if absent := [p for p in parts if not p.is_file()]:
        raise SystemExit(f"benchmark: {absent[0]} is missing. Name another folder with --rewrites.")
    rows, rewrites = map(common.read_jsonl, parts)
    human = {row["_id"]: _turns(row["text"])[0] for row in rewrites}
    cases = [Case(tuple(_turns(row["text"])), human[row["_id"]]) for row in rows]
    return [case for case in cases if len(case.turns) > 1]


def _turns(text: str) -> list[str]:
    """The questions of `|user|: … |user|: …`."""
    return [" ".join(turn.split()) for turn in re.split(r"\|user\|:", text) if turn.strip()]


def domain_app(name: str, cases: Sequence[Case], work: Path) -> Any:
    """The human rewrites of a domain, indexed as documents."""
    work.mkdir(parents=True, exist_ok=True)
    corpus = work / f"rewrite-{name}.jsonl"
    unique = dict.fromkeys(c.human for c in cases)
    lines = [json.dumps({"_id": f"{name}-{n}", "title": "", "text": text}) for n, text in enumerate(unique)]
    corpus.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return common.indexed(QuestionSet(f"rewrite-{name}", corpus, ()), work)


def rewrite_last(
    turns: Sequence[str], rewriter: Rewriter | None, titles: Callable[[str], tuple[str, ...]] = lambda _: ()
) -> str:
    """The rewrite of the last turn, each earlier one rewritten the same way; empty when it is left as it is."""
    history: list[Turn] = []
    for turn in turns:
        made = rewriter(turn, history) if rewriter and history else None
        history.append(Turn(turn, "", made.text if made else "", titles(made.text if made else turn)))
    return history[-1].searched


def domain_rows(name: str, cases: Sequence[Case], ways: dict[str, Rewriter | None], app: Any) -> list[list[Any]]:
    """A row for each way to rewrite."""
    rows = []
    for way, rewriter in ways.items():
        texts = [rewrite_last(c.turns, rewriter) for c in cases]
        rows.append(
            [name, DOMAINS[name], way, *_nearness(cases, texts, app.embedder), *_use(cases, texts, app.searcher)]
        )
    return rows


def _nearness(cases: Sequence[Case], texts: Sequence[str], embedder: Any) -> list[float]:
    searched = [text or c.turns[-1] for c, text in zip(cases, texts, strict=True)]
    shared = [(_stems(c.human), _stems(text)) for c, text in zip(cases, searched, strict=True)]
    human, ours = embedder.embed([c.human for c in cases]), embedder.embed(searched)
    return [
        mean(len(h & o) / len(h) for h, o in shared if h),
        mean(len(h & o) / len(o) for h, o in shared if o),
        float((human * ours).sum(axis=1).mean()),
        mean(rouge(c.human, text) for c, text in zip(cases, searched, strict=True)),
    ]


def _use(cases: Sequence[Case], texts: Sequence[str], searcher: Searcher) -> list[float]:
    found = [1 / r if (r := _rank(searcher, c, text)) else 0.0 for c, text in zip(cases, texts, strict=True)]
    leaning = [(c.missing, _stems(t) - _stems(c.turns[-1]), t, f) for c, t, f in zip(cases, texts, found, strict=True)]
    leaning = [row for row in leaning if row[0]]
    return [
        mean(found),
        mean(f == 1 for f in found),
        mean(f for *_, f in leaning),
        mean(len(missing & added) / len(missing) for missing, added, *_ in leaning),
        mean(bool(text) for _, _, text, _ in leaning),
        mean(bool(text) for c, text in zip(cases, texts, strict=True) if c.needless),
    ]


def _rank(searcher: Searcher, case: Case, text: str) -> int:
    """Rank of the human's rewrite among all of the domain; 0 when it is not among the first ten."""
    last = case.turns[-1]
    found = searcher.search(text or last, 10, language="en", also=last if text else "").passages
    return next((n for n, p in enumerate(found, 1) if p.text.strip() == case.human), 0)


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
