"""Reports for people: an evaluation or a comparison as Markdown, or as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from eval.comparison import Comparison
from eval.types import Evaluation, Identity

__all__ = ["comparison_html", "comparison_markdown", "html", "markdown"]


def markdown(evaluation: Evaluation) -> str:
    """The report of an evaluation as Markdown."""
    from eval.report.as_markdown import write_markdown
    from eval.report.of_evaluation import evaluation_report

    return write_markdown(evaluation_report(evaluation))


def html(evaluation: Evaluation) -> str:
    """The report of an evaluation as a page."""
    from eval.report.as_html import write_html
    from eval.report.of_evaluation import evaluation_report

    return write_html(evaluation_report(evaluation))


def comparison_markdown(comparison: Comparison, identities: Sequence[Identity] = (), command: str = "") -> str:
    """The report of a comparison as Markdown; `identities` of its sides and `command`, where known, are told."""
    from eval.report.as_markdown import write_markdown
    from eval.report.of_comparison import comparison_report

    return write_markdown(comparison_report(comparison, identities, command))


def comparison_html(comparison: Comparison, identities: Sequence[Identity] = (), command: str = "") -> str:
    """The report of a comparison as a page; `identities` of its sides and `command`, where known, are told."""
    from eval.report.as_html import write_html
    from eval.report.of_comparison import comparison_report

    return write_html(comparison_report(comparison, identities, command))
