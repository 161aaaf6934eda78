"""Every metric that a single case has, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from eval.metrics import citations, matches, overlap, ranking, refusals, squad, usage
from eval.metrics.semantic import Embed, similarity
from eval.types import Case, Response

Aggregate = Literal["mean", "sum", "p50", "corpus"]


@dataclass(frozen=True)
class Metric:
    """One number of a case, and how the numbers of many become one."""

    name: str
    score: Callable[[Case, Response], float | None]
    better: Literal["higher", "lower"]
    unit: Literal["share", "seconds", "count", "dollars"]
    summary: str
    aggregate: Aggregate = "mean"
    """`corpus`: computed anew over all texts, not from the scores of the cases."""


def _unscored(case: Case, response: Response) -> None:
    """Needs more than the case and its response."""


_ALL = (
    Metric("success", matches.success, "higher", "share", "right value given, or refused where there is no answer"),
    Metric("exact_match", matches.exact_match, "higher", "share", "is a right answer, after normalisation"),
    Metric("f1", matches.f1, "higher", "share", "token F1 with the nearest right answer"),
    Metric("contains", matches.contains_gold, "higher", "share", "holds a right answer, token by token"),
    Metric("numeric_match", matches.numbers_match, "higher", "share", "holds every number of a right answer"),
    Metric("squad_em", squad.squad_em, "higher", "share", "exact match as SQuAD 2 defines it (English)"),
    Metric("squad_f1", squad.squad_f1, "higher", "share", "token F1 as SQuAD 2 defines it (English)"),
    Metric("bleu", overlap.bleu, "higher", "share", "BLEU (sacrebleu), 0 to 1", "corpus"),
    Metric("chrf", overlap.chrf, "higher", "share", "chrF (sacrebleu), 0 to 1", "corpus"),
    Metric("rouge_l", overlap.rouge_l, "higher", "share", "ROUGE-L F-measure over our tokens"),
    Metric("semantic", _unscored, "higher", "share", "cosine of the answer and the nearest reference"),
    Metric("bert_score", _unscored, "higher", "share", "BERTScore F1, where asked for (`--bert-score`)"),
    Metric("citation_precision", citations.precision, "higher", "share", "cited chunks that support or are gold"),
    Metric("citation_recall", citations.recall, "higher", "share", "sentences that a citation proves"),
    Metric("support", citations.support, "higher", "share", "cited chunks that support their sentence"),
    Metric("cites_gold", citations.cites_gold, "higher", "share", "cites a chunk that holds the answer"),
    Metric("phantom_ids", citations.phantom_ids, "lower", "count", "ids cited that were not shown", "sum"),
    Metric("refusal_precision", refusals.precision, "higher", "share", "of the refusals, those that were right"),
    Metric("refusal_recall", refusals.recall, "higher", "share", "of the unanswerable questions, those refused"),
    Metric("answer_rate", refusals.answer_rate, "higher", "share", "of the answerable questions, those answered"),
    *(
        Metric(f"recall@{k}", ranking.recall_at(k), "higher", "share", f"gold among the first {k} passages")
        for k in ranking.DEPTHS
    ),
    Metric("mrr@10", ranking.mrr, "higher", "share", "1 / rank of the first gold passage, in the first 10"),
    Metric("ndcg@10", ranking.ndcg, "higher", "share", "discounted gain of the gold passages in the first 10"),
    Metric("latency", usage.latency, "lower", "seconds", "time to the whole answer", "p50"),
    Metric("first_token", usage.first_token, "lower", "seconds", "time to the first token", "p50"),
    Metric("tokens", usage.tokens, "lower", "count", "tokens of prompt and answer"),
    Metric("cost", usage.cost, "lower", "dollars", "price of the answers", "sum"),
    Metric("stop_rate", usage.stopped, "higher", "share", "answers that end by themselves, not at max_tokens"),
    Metric("errors", usage.failed, "lower", "share", "cases without an answer because something failed"),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})


def score(case: Case, response: Response, embed: Embed | None = None) -> dict[str, float | None]:
    """Every metric of a single case; None where it does not apply, and for a value that is not finite."""
    scores = {name: metric.score(case, response) for name, metric in METRICS.items()}
    if embed is not None:
        scores["semantic"] = similarity(case, response, embed)
    return {name: value if value is not None and math.isfinite(value) else None for name, value in scores.items()}
