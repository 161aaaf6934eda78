"""Fusion of dense and lexical scores: a convex combination of min-max normalised scores (Bruch et al. 2022).

Reciprocal rank fusion was measured worse than BM25 alone on French questions; see docs/experiments.md.
"""

from __future__ import annotations

from collections.abc import Mapping


def fuse(dense: Mapping[int, float], lexical: Mapping[int, float], weight: float) -> list[tuple[int, float]]:
    """(id, score 0..1) of every candidate, best first; `weight` (0..1) is the dense share.

    `dense` holds the cosine of every candidate; a candidate absent from `lexical` has BM25 0.
    """
    cosines = _normalised(dense)
    bm25 = _normalised({i: lexical.get(i, 0.0) for i in dense})
    scores = {i: weight * cosines[i] + (1 - weight) * bm25[i] for i in dense}
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


def _normalised(scores: Mapping[int, float]) -> dict[int, float]:
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    if high == low:
        # Equal scores rank nothing; a lone candidate that matches is still a full match, one without words is none.
        return dict.fromkeys(scores, 1.0 if high > 0 else 0.0)
    return {i: (s - low) / (high - low) for i, s in scores.items()}
