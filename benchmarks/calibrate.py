"""Fits the refusal decision on the demo questions, and says how it carries over to other sets.

    python benchmarks/calibrate.py                    cross-validated figures, nothing written
    python benchmarks/calibrate.py --write            also writes assistant/calibration.json
    python benchmarks/calibrate.py squad2-en          also measures on these sets, which it never fits

A logistic regression with a ridge penalty over the signals of `assistant/refusal.py`. The threshold is the largest that, in
ten-fold cross-validation, wrongly refuses at most `--wrong` of the answerable questions.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

# First, or benchmarks/retrieval.py would hide the package of its name.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.app import App
from assistant.refusal import CALIBRATION, signals
from benchmarks.common import DATA, DEMO, Query, default_work, indexed, load_set, note, sample

RIDGE = 1.0
FOLDS = 10
Matrix = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help="sets to measure on beside the demo questions")
    parser.add_argument("--data", default=DATA, type=Path)
    parser.add_argument("--work", default=default_work(), type=Path)
    parser.add_argument("--wrong", type=float, default=0.1, help="share of answerable questions that may be refused")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    demo = load_set(DEMO, args.data)
    names, x, y = measured(indexed(demo, args.work), demo.queries)
    held = held_out(x, y)
    threshold = float(np.quantile(held[y == 1], args.wrong))
    report("demo, cross-validated", held, y, threshold)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    weights = fit((x - mean) / deviation, y)
    plain = weights[1:] / deviation
    for name in args.sets:
        other = load_set(name, args.data)
        _, there, truth = measured(indexed(other, args.work), sample(other.queries, 500))
        report(name, chance(there @ plain + weights[0] - mean @ plain), truth, threshold)
    if args.write:
        made = {"bias": weights[0] - mean @ plain, **dict(zip(names, plain, strict=True)), "threshold": threshold}
        CALIBRATION.write_text(json.dumps({k: round(float(v), 4) for k, v in made.items()}, indent=1) + "\n")
        print(f"written: {CALIBRATION.name}")


def measured(app: App, queries: Sequence[Query]) -> tuple[list[str], Matrix, Matrix]:
    """Signal names, signals (questions × signals) and 1 for answerable questions."""
    rows = []
    for number, query in enumerate(queries):
        if number % 100 == 0:
            note(f"signals {number}/{len(queries)}")
        answerer = app.answerer
        found = answerer.searcher.search(query.text, app.settings.search.top_k)
        rows.append(signals(answerer.request(found), answerer.knowledge))
    x = np.array([list(row.values()) for row in rows])
    return list(rows[0]), x, np.array([float(q.answerable) for q in queries])


def fit(x: Matrix, y: Matrix) -> Matrix:
    """Bias and weights by Newton's method; the bias is not penalised."""
    design = np.hstack([np.ones((len(x), 1)), x])
    weights = np.zeros(design.shape[1])
    penalty = np.diag([0.0] + [RIDGE] * x.shape[1])
    for _ in range(50):
        p = chance(design @ weights)
        gradient = design.T @ (p - y) + penalty @ weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + penalty
        weights = weights - np.linalg.solve(hessian, gradient)
    return weights


def chance(z: Matrix) -> Matrix:
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))))


def held_out(x: Matrix, y: Matrix) -> Matrix:
    """Each question's chance from a model that never saw it."""
    order = np.random.default_rng(0).permutation(len(y))
    out = np.zeros(len(y))
    for fold in range(FOLDS):
        test = order[fold::FOLDS]
        train = np.setdiff1d(order, test)
        mean, deviation = x[train].mean(axis=0), x[train].std(axis=0) + 1e-9
        weights = fit((x[train] - mean) / deviation, y[train])
        out[test] = chance(np.hstack([np.ones((len(test), 1)), (x[test] - mean) / deviation]) @ weights)
    return out


def report(name: str, p: Matrix, y: Matrix, threshold: float) -> None:
    refused = p < threshold
    right = (refused & (y == 0)).sum()
    precision, recall = right / max(1, refused.sum()), right / max(1, (y == 0).sum())
    wrong = (refused & (y == 1)).sum() / max(1, (y == 1).sum())
    print(f"{name}: threshold {threshold:.3f}, refusal precision {precision:.3f}, recall {recall:.3f}, "
          f"answerable refused {wrong:.3f} (n={len(y)}, {int((y == 0).sum())} unanswerable)")  # fmt: skip


if __name__ == "__main__":
    main()
