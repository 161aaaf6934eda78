"""Fits the weights with which the extractive generator ranks sentences, and measures them on held-out questions.

    python benchmarks/fit_sentences.py piaf-fr xquad-en squad2-en

For each question the sentences of the best passages compete in a softmax; the loss is the chance given to those that hold
a gold answer. Even questions are fitted, odd ones measured, and the other way round; the printed weights are the mean of
both fits, to be copied into `assistant/generators/extractive/sentences.py`. Sets weigh the same whatever their size.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

# First, or benchmarks/retrieval.py would hide the package of its name.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.app import App
from assistant.generators.extractive import sentences
from assistant.generators.question import read
from benchmarks.common import DATA, Query, default_work, indexed, load_set, note, sample
from eval.metrics.text import contains

STEPS, RATE, DECAY = 400, 0.05, 1e-3
FITTED = tuple(name for name in sentences.WEIGHTS if name != "line")
"""`line` is set by hand: these sets hold prose only."""
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """The competing sentences of one question."""

    x: Matrix
    good: npt.NDArray[np.bool_]
    texts: list[str]
    query: Query


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--data", default=DATA, type=Path)
    parser.add_argument("--work", default=default_work(), type=Path)
    parser.add_argument("--limit", type=int, default=800)
    args = parser.parse_args()
    sets = {name: samples(name, args) for name in args.sets}
    fits = [fit([s[half::2] for s in sets.values()]) for half in (0, 1)]
    for name, all_samples in sets.items():
        hits = [found(s, fits[1 - i % 2]) for i, s in enumerate(all_samples)]
        now = [found(s, current()) for s in all_samples]
        print(f"{name}: contained: fitted, held out {np.mean(hits):.3f}; as shipped {np.mean(now):.3f}")
    mean = (fits[0] + fits[1]) / 2
    print({name: round(float(w), 2) for name, w in zip(FITTED, mean, strict=True)})


def samples(name: str, args: argparse.Namespace) -> list[Sample]:
    bench = load_set(name, args.data)
    app = indexed(bench, args.work)
    queries = [q for q in bench.queries if q.answerable and any(q.answers)]
    made = [sentence_sample(app, q) for q in sample(queries, args.limit)]
    note(f"{name}: {len(made)} questions")
    return [s for s in made if len(s.texts)]


def sentence_sample(app: App, query: Query) -> Sample:
    answerer = app.answerer
    request = answerer.request(answerer.searcher.search(query.text, app.settings.search.top_k))
    passages, question = sentences.scope(request, read(request.question, request.language))
    split = sentences.split(passages, question)
    rows = sentences.features(split, passages, question, answerer.knowledge)
    x = np.array([[row[name] for name in FITTED] for row in rows]).reshape(len(rows), len(FITTED))
    good = np.array([contains(s.text, list(query.answers), query.language) for s in split], bool)
    return Sample(x, good, [s.text for s in split], query)


def current() -> Matrix:
    return np.array([sentences.WEIGHTS[name] for name in FITTED])


def fit(sets: Sequence[list[Sample]]) -> Matrix:
    """Weights of the listwise softmax, by Adam on the mean over sets of the mean over questions."""
    usable = [[s for s in one if s.good.any()] for one in sets]
    deviation = np.vstack([s.x for one in usable for s in one]).std(axis=0) + 1e-9
    weights, first, second = np.zeros(len(FITTED)), np.zeros(len(FITTED)), np.zeros(len(FITTED))
    for step in range(1, STEPS + 1):
        gradient = DECAY * weights
        for one in usable:
            gradient = gradient + sum((pull(s, weights, deviation) for s in one), np.zeros(len(FITTED))) / len(one)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weights = weights - RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return np.asarray(weights / deviation)


def pull(s: Sample, weights: Matrix, deviation: Matrix) -> Matrix:
    """Gradient of -log of the chance given to the good sentences."""
    x = s.x / deviation
    p = softmax(x @ weights)
    good = np.where(s.good, p, 0.0)
    return np.asarray((p - good / max(good.sum(), 1e-12)) @ x)


def softmax(z: Matrix) -> Matrix:
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum())


def found(s: Sample, weights: Matrix, words: int = 60) -> bool:
    """Whether the two best sentences, cut to the answer's length, hold a gold answer."""
    left, quoted = words, []
    for i in np.argsort(-(s.x @ weights), kind="stable")[:2]:
        quoted.append(" ".join(s.texts[i].split()[:left]))
        left -= len(quoted[-1].split())
    return contains(" ".join(quoted), list(s.query.answers), s.query.language)


if __name__ == "__main__":
    main()
