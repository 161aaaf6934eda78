"""Fits the refusal decision on the demo questions, and says how it carries over to other sets.

    python benchmarks/calibrate.py                    cross-validated figures, nothing written
    python benchmarks/calibrate.py --write            also writes assistant/calibration.json
    python benchmarks/calibrate.py squad2-en          also measures on these sets, which it never fits

A logistic regression with a ridge penalty over the signals of `assistant/refusal.py`. It learns from the answerable
questions, from the unanswerable ones, from the answerable ones asked of a library from which their sheet was taken (`left
out`), and from questions about anything else (`benchmarks/off_topic.txt`). The last two weigh less: they are easier and
there are more of them. The threshold of each language is the largest
that, in ten-fold cross-validation, wrongly refuses at most `--wrong` of its answerable questions.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

# First, or benchmarks/retrieval.py would hide the package of its name.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.app import App
from assistant.refusal import CALIBRATION, signals
from benchmarks.common import (
    CATALOGUE,
    DATA,
    DEMO,
    Progress,
    Query,
    default_work,
    indexed,
    load_set,
    make_app,
    note,
    sample,
)
from retrieval.text import detect_language

RIDGE = 1.0
FOLDS = 10
OFF_TOPIC = Path(__file__).with_name("off_topic.txt")
EASY_WEIGHT = 0.3
Matrix = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help="sets to measure on beside the demo questions")
    parser.add_argument("--data", default=DATA, type=Path)
    parser.add_argument("--work", default=default_work(), type=Path)
    parser.add_argument("--wrong", type=float, default=0.03, help="share of answerable questions that may be refused")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    names, x, y, weight, fold, french = training(args)
    held = held_out(x, y, weight, fold)
    limits = {"fr": limit(held[french & (y == 1)], args.wrong), "en": limit(held[~french & (y == 1)], args.wrong)}
    threshold = np.where(french, limits["fr"], limits["en"])
    asked = weight == 1
    print("thresholds:", ", ".join(f"{language} {value:.3f}" for language, value in limits.items()))
    report("demo, cross-validated", held[asked], y[asked], threshold[asked])
    easy, others = (held < threshold)[~asked], len(off_topic())
    print(f"demo, sheet left out: refused {easy[:-others].mean():.3f} (n={len(easy) - others})")
    print(f"off topic: refused {easy[-others:].mean():.3f} (n={others})")
    bias, plain = fit_plain(x, y, weight)
    for name in args.sets:
        other = load_set(name, args.data)
        queries = sample(other.queries, 500)
        there, truth = measured(indexed(other, args.work), queries)
        report(name, chance(there @ plain + bias), truth, np.array([limits[q.language] for q in queries]))
    if args.write:
        thresholds = {f"threshold_{language}": value for language, value in limits.items()}
        made = {"bias": bias, **dict(zip(names, plain, strict=True)), **thresholds}
        CALIBRATION.write_text(json.dumps({k: round(float(v), 4) for k, v in made.items()}, indent=1) + "\n")
        print(f"written: {CALIBRATION.name}")


def limit(chances: Matrix, wrong: float) -> float:
    return float(np.quantile(chances, wrong))


def training(args: argparse.Namespace) -> tuple[list[str], Matrix, Matrix, Matrix, Matrix, Matrix]:
    """Signal names, signals (rows × signals), 1 for answerable, weights, folds that keep a question together, French."""
    demo = load_set(DEMO, args.data)
    app = indexed(demo, args.work)
    names = list(signals_of(app, demo.queries[0]))
    x, y = measured(app, demo.queries)
    number = {q.id: i for i, q in enumerate(demo.queries)}
    rows, twins = [], []
    for without, queries in left_out(demo.queries, args.work / "left-out"):
        rows += [list(signals_of(without, q).values()) for q in queries]
        twins += [number[q.id] for q in queries]
    others = off_topic()
    rows += [list(signals_of(app, q).values()) for q in others]
    asked = [*demo.queries, *others]
    source = [*range(len(demo.queries)), *twins, *range(len(demo.queries), len(asked))]
    weight = np.concatenate([np.ones(len(x)), np.full(len(rows), EASY_WEIGHT)])
    x, y = np.vstack([x, np.array(rows)]), np.concatenate([y, np.zeros(len(rows))])
    place = np.random.default_rng(0).permutation(len(asked)) % FOLDS
    french = np.array([asked[i].language == "fr" for i in source])
    return names, x, y, weight, place[source], french


def off_topic() -> list[Query]:
    """Questions about nothing that a catalogue of software holds."""
    lines = OFF_TOPIC.read_text(encoding="utf-8").splitlines()
    return [Query(f"off-{i}", line, detect_language(line), (), False, frozenset()) for i, line in enumerate(lines)]


def left_out(queries: Sequence[Query], work: Path) -> Iterator[tuple[App, list[Query]]]:
    """For each sheet that alone answers questions: the library without it, and those questions."""
    by_sheet: dict[str, list[Query]] = {}
    for query in queries:
        if query.answerable and len(query.documents) == 1:
            by_sheet.setdefault(next(iter(query.documents)), []).append(query)
    shutil.rmtree(work, ignore_errors=True)
    catalogue = work / "catalogue"
    shutil.copytree(CATALOGUE, catalogue)
    for number, (sheet, theirs) in enumerate(by_sheet.items()):
        if number % 20 == 0:
            note(f"sheets left out {number}/{len(by_sheet)}")
        hidden = (catalogue / sheet).rename(work / "hidden")
        app = make_app(work / "home")
        with app.writer(Progress("left out")) as sync:
            sync.run([catalogue])
        yield app, theirs
        hidden.rename(catalogue / sheet)


def measured(app: App, queries: Sequence[Query]) -> tuple[Matrix, Matrix]:
    """Signals (questions × signals) and 1 for answerable questions."""
    rows = []
    for number, query in enumerate(queries):
        if number % 100 == 0:
            note(f"signals {number}/{len(queries)}")
        rows.append(list(signals_of(app, query).values()))
    return np.array(rows), np.array([float(q.answerable) for q in queries])


def signals_of(app: App, query: Query) -> dict[str, float]:
    answerer = app.answerer
    found = answerer.searcher.search(query.text, app.settings.search.top_k)
    return signals(answerer.request(found), answerer.knowledge)


def fit_plain(x: Matrix, y: Matrix, weight: Matrix) -> tuple[float, Matrix]:
    """Bias and weights for signals as they are."""
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    fitted = fit((x - mean) / deviation, y, weight)
    plain = fitted[1:] / deviation
    return float(fitted[0] - mean @ plain), plain


def fit(x: Matrix, y: Matrix, weight: Matrix) -> Matrix:
    """Bias and weights by Newton's method; the bias is not penalised."""
    design = np.hstack([np.ones((len(x), 1)), x])
    fitted = np.zeros(design.shape[1])
    penalty = np.diag([0.0] + [RIDGE] * x.shape[1])
    for _ in range(50):
        p = chance(design @ fitted)
        gradient = design.T @ (weight * (p - y)) + penalty @ fitted
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + penalty
        fitted = fitted - np.linalg.solve(hessian, gradient)
    return fitted


def chance(z: Matrix) -> Matrix:
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))))


def held_out(x: Matrix, y: Matrix, weight: Matrix, fold: Matrix) -> Matrix:
    """Each row's chance from a model that never saw its question."""
    out = np.zeros(len(y))
    for number in range(FOLDS):
        test = fold == number
        bias, plain = fit_plain(x[~test], y[~test], weight[~test])
        out[test] = chance(x[test] @ plain + bias)
    return out


def report(name: str, p: Matrix, y: Matrix, threshold: Matrix) -> None:
    refused = p < threshold
    right = (refused & (y == 0)).sum()
    precision, recall = right / max(1, refused.sum()), right / max(1, (y == 0).sum())
    wrong = (refused & (y == 1)).sum() / max(1, (y == 1).sum())
    print(f"{name}: refusal precision {precision:.3f}, recall {recall:.3f}, "
          f"answerable refused {wrong:.3f} (n={len(y)}, {int((y == 0).sum())} unanswerable)")  # fmt: skip


if __name__ == "__main__":
    main()
