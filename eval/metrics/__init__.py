"""Metrics: each a small function of a case and its response. Unscored is None, and never zero."""

from eval.metrics.aggregate import Aggregated, Summary, summary
from eval.metrics.bert import with_bert_scores
from eval.metrics.catalogue import METRICS, Metric, score
from eval.metrics.refusals import Refusals
from eval.metrics.semantic import Embed

__all__ = ["METRICS", "Aggregated", "Embed", "Metric", "Refusals", "Summary", "score", "summary", "with_bert_scores"]
