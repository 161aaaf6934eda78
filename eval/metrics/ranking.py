"""Retrieval: where the gold stands among the passages, with binary relevance as in BEIR (Thakur et al. 2021).

A passage goes by several names (chunk, external id, path). A gold name counts once, at its first passage.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from eval.types import Case, Response

DEPTHS = (1, 3, 5, 10)
_CUT = 10


def recall_at(depth: int) -> Callable[[Case, Response], float | None]:
    """The metric that says which share of the gold is among the first `depth` passages."""

    def recall(case: Case, response: Response) -> float | None:
        hits = _hits(case, response, depth)
        return None if hits is None else sum(hits) / len(set(case.gold))

    return recall


def mrr(case: Case, response: Response) -> float | None:
    """1 / rank of the first gold passage; 0 when it is not among the first 10."""
    hits = _hits(case, response, _CUT)
    return None if hits is None else max((1 / rank for rank, hit in enumerate(hits, 1) if hit), default=0.0)


def ndcg(case: Case, response: Response) -> float | None:
    """Normalised discounted cumulative gain of the first 10 passages (Järvelin and Kekäläinen 2002), 0 to 1."""
    hits = _hits(case, response, _CUT)
    if hits is None:
        return None
    gain = sum(1 / math.log2(rank + 1) for rank, hit in enumerate(hits, 1) if hit)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(set(case.gold)), _CUT) + 1))


def _hits(case: Case, response: Response, depth: int) -> list[int] | None:
    """How many gold names each passage is the first to bring; None where nothing was searched or no gold is known."""
    if response.error or not case.answerable or not case.gold or not response.retrieved:
        return None
    missing, hits = set(case.gold), []
    for names in response.retrieved[:depth]:
        found = missing.intersection(names)
        hits.append(len(found))
        missing -= found
    return hits
