"""Does `dyag tune` gain on documents it never saw? On every question set, each setting, nested by document.

    python benchmarks/tune.py [SET…] [--limit N] [--generated]

A set's documents are dealt to five folds. For each, the whole of `dyag tune` (its own folds, choice and test) runs on the
questions about the others, and what it would have written is measured on the questions about the documents left out,
against the defaults. `gain` has its 95% interval, documents drawn with replacement; LOSS marks an interval below zero.
`set to` is what was written in each fold; `-` where the default stayed.

--generated tunes on questions made by rules from the same index, as `dyag tune` does without cases, and measures on all of
the set's own questions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

# First, or a module of this folder would hide the package of its name.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.app import App
from assistant.tuning import judged, searched
from assistant.tuning_gold import MOST, Placed, placed
from benchmarks import common
from benchmarks.common import Query, note, table
from eval.objectives import Judged, Searched, threshold_outcomes, top_k_outcomes, weight_outcomes
from eval.statistics import bootstrap
from eval.tune import ALPHA, Outcomes, Value, cross_validated, folds
from eval.types import Case

SHARED_ALPHA = ALPHA / 3
"""As `dyag tune` has it for three settings."""
T = TypeVar("T", Searched, Judged)


@dataclass(frozen=True)
class Row:
    """What tuning one setting brought on one set."""

    set: str
    setting: str
    questions: int
    documents: int
    before: float
    after: float
    low: float
    """Of the 95% interval of the gain."""
    high: float
    chosen: tuple[Value | str, ...]
    """In each fold; `-` where nothing was written."""

    @property
    def verdict(self) -> str:
        return "LOSS" if self.high < 0 else "gain" if self.low > 0 else ""


def cases_of(queries: Sequence[Query]) -> list[Case]:
    """The set's questions as cases."""
    return [
        Case(q.id, q.text, q.answers, answerable=q.answerable, language=q.language, gold=tuple(sorted(q.documents)))
        for q in queries
    ]


def ready(name: str, args: Any) -> App:
    """The set's workspace; indexed only when it is not there yet, since tuning changes nothing in it."""
    bench = common.load_set(name, args.data)
    app = common.make_app(args.work / name)
    return app if app.home.library.is_file() else common.indexed(bench, args.work)


def measured(name: str, args: Any) -> tuple[App, list[Searched], list[Judged]]:
    """Every question of a set, searched; and of a set with unanswerable ones, a sample judged."""
    app = ready(name, args)
    queries = common.load_set(name, args.data).queries
    own = placed(cases_of(queries), app.library)
    ranking = [p for p in own if p.case.answerable and 0 < len(p.documents) <= MOST]
    found = searched(app, ranking)
    kinds = {p.case.answerable for p in own}
    few = [own[i] for i in _sampled(own, args.limit)] if len(kinds) == 2 else []
    return app, found, judged(app, few)


def _sampled(own: Sequence[Placed], limit: int) -> list[int]:
    return common.sample(range(len(own)), limit)  # type: ignore[arg-type, return-value]


def nested(name: str, questions: Sequence[T], made: Callable[[Sequence[T]], Outcomes]) -> Row:
    """The setting tuned without each fold of documents, and measured on it."""
    everything = made(questions)
    fold_of = folds([q.group for q in questions])
    picked: list[int] = [0] * len(questions)
    chosen: list[Value | str] = []
    for number in sorted(set(fold_of)):
        tuned = cross_validated(_without(everything, fold_of, number), alpha=SHARED_ALPHA)
        chosen.append(tuned.value if tuned.changes else "-")
        for i, fold in enumerate(fold_of):
            picked[i] = everything.values.index(tuned.value) if fold == number else picked[i]
    return row(name, everything, picked, chosen)


def _without(outcomes: Outcomes, fold_of: Sequence[int], number: int) -> Outcomes:
    """The outcomes of the questions outside a fold."""
    kept = [i for i, fold in enumerate(fold_of) if fold != number]
    parts = {name: [part[i] for i in kept] for name, part in outcomes.parts.items()}
    groups, scores = [outcomes.groups[i] for i in kept], [outcomes.scores[i] for i in kept]
    return replace(outcomes, groups=groups, scores=scores, parts=parts)


def row(name: str, outcomes: Outcomes, picked: Sequence[int], chosen: Sequence[Value | str]) -> Row:
    """The gain of the values picked for each question."""
    before = [scores[0] for scores in outcomes.scores]
    after = [scores[i] for scores, i in zip(outcomes.scores, picked, strict=True)]
    gains = [b - a for a, b in zip(before, after, strict=True)]
    low, high = bootstrap(gains, outcomes.groups)
    documents = len(set(outcomes.groups))
    return Row(
        name,
        outcomes.setting,
        len(before),
        documents,
        common.mean(before),
        common.mean(after),
        low,
        high,
        tuple(chosen),
    )


def weights(questions: Sequence[Searched]) -> Outcomes:
    return weight_outcomes(questions, None)


def top_ks(questions: Sequence[Searched]) -> Outcomes:
    return top_k_outcomes(questions, 10, None, 0, 100)


def thresholds(questions: Sequence[Judged]) -> Outcomes:
    return threshold_outcomes(questions, None)


def run_set(name: str, args: Any) -> list[Row]:
    """Every setting of one set."""
    app, found, judgements = measured(name, args)
    rows = [nested(name, found, weights), nested(name, found, top_ks)]
    if judgements:
        rows.append(nested(name, judgements, thresholds))
    return rows + (generated(name, app, found, judgements) if args.generated else [])


def generated(name: str, app: App, found: Sequence[Searched], judgements: Sequence[Judged]) -> list[Row]:
    """What is tuned on made questions, measured on the set's own."""
    from assistant.tuning_questions import made_questions

    own = placed(made_questions(app, 200), app.library, made=True)
    ranking = searched(app, [p for p in own if p.case.answerable and 0 < len(p.documents) <= MOST])
    rows = [transferred(name, ranking, found, weights), transferred(name, ranking, found, top_ks)]
    if judgements and any(not p.case.answerable for p in own):
        rows.append(transferred(name, judged(app, own), judgements, thresholds))
    return rows


def transferred(name: str, made: Sequence[T], real: Sequence[T], outcomes: Callable[[Sequence[T]], Outcomes]) -> Row:
    tuned = cross_validated(outcomes(made), alpha=SHARED_ALPHA)
    there = outcomes(real)
    value = there.values.index(tuned.value)
    found = row(name, there, [value] * len(real), [tuned.value if tuned.changes else "-"])
    return replace(found, setting=f"{found.setting} (made questions)")


def rows_table(rows: Sequence[Row]) -> str:
    head = ("set", "setting", "n", "docs", "before", "after", "gain", "low", "high", "", "set to")
    return table(head, [
        (r.set, r.setting, r.questions, r.documents, r.before, r.after, f"{r.after - r.before:+.3f}", f"{r.low:+.3f}",
         f"{r.high:+.3f}", r.verdict, " ".join(map(str, r.chosen)))
        for r in rows
    ])  # fmt: skip


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("sets", nargs="*", metavar="SET", help="default: demo and every set with relevance judgements")
    options.add_argument(
        "--limit", type=int, default=300, help="questions of a set that are judged (default: %(default)s)"
    )
    options.add_argument("--generated", action="store_true", help="also tune on questions made by rules")
    args = options.parse_args()
    names = args.sets or [common.DEMO, *common.set_names(args.data)]
    rows: list[Row] = []
    for name in names:
        note(f"{name}: tuning")
        rows += run_set(name, args)
    losses = [f"{r.set} {r.setting}" for r in rows if r.verdict == "LOSS"]
    said = f"a loss beyond noise: {', '.join(losses)}" if losses else "no loss beyond noise on documents left out"
    common.finish(
        "tune", {"rows": [asdict(r) for r in rows], "losses": losses}, f"{rows_table(rows)}\n\n{said}", args.json
    )


if __name__ == "__main__":
    main()
