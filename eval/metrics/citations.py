"""Citation precision and recall after ALCE (Gao et al. 2023, princeton-nlp/ALCE).

ALCE asks an entailment model whether the passages cited in a sentence prove it together; here the support that dyag
measures for every citation by itself stands in for it. Recall is the share of sentences proved, precision the share of
cited ids that support their sentence or are gold. An id that was not shown proves nothing and lowers precision. What
cites nothing has a recall of 0 and no precision (ALCE: 0).
"""

from __future__ import annotations

from eval.types import Case, Cited, Response
from retrieval.citations import cited_sentences


def precision(case: Case, response: Response) -> float | None:
    """Share of the cited ids that support their sentence or are gold; None for an answer that cites nothing."""
    cited = len(response.cited) + response.phantom
    if not _answered(response) or not cited:
        return None
    return sum(chunk.supported or _gold(case, chunk) for chunk in response.cited) / cited


def recall(case: Case, response: Response) -> float | None:
    """Share of the sentences to prove that a citation proves; None where there is none to prove."""
    if not _answered(response) or response.sentences <= 0:
        return None
    proof = {name for chunk in response.cited if chunk.supported for name in chunk.names}
    proved = [s for s, ids in cited_sentences(response.text) if any(f"chunk_{i}" in proof for i in ids)]
    return min(1.0, len(dict.fromkeys(proved)) / response.sentences)


def support(case: Case, response: Response) -> float | None:
    """Share of the cited chunks that support their sentence; None for an answer that cites nothing known."""
    if not _answered(response) or not response.cited:
        return None
    return sum(chunk.supported for chunk in response.cited) / len(response.cited)


def cites_gold(case: Case, response: Response) -> float | None:
    """1 when a chunk that holds the answer is cited; None for a refusal, and where no such chunk is known."""
    if not _answered(response) or not case.answerable or not case.gold:
        return None
    return float(any(_gold(case, chunk) for chunk in response.cited))


def phantom_ids(case: Case, response: Response) -> float | None:
    """How many ids were cited that had not been shown."""
    return None if response.error else float(response.phantom)


def _answered(response: Response) -> bool:
    return not response.error and not response.refused


def _gold(case: Case, chunk: Cited) -> bool:
    return not set(chunk.names).isdisjoint(case.gold)
