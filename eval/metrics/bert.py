"""BERTScore (Zhang et al. 2020), where the package bert-score is installed; its model is fetched on first use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import get_args

from eval.metrics.gold import bare, references
from eval.metrics.overlap import comparable
from eval.types import Scored
from retrieval.errors import ModelMissing
from retrieval.types import Language

PACKAGE = "bert_score"


def installed() -> bool:
    """Whether BERTScore can be computed here."""
    return find_spec(PACKAGE) is not None


def check_installed() -> None:
    """Raises ModelMissing."""
    if not installed():
        raise ModelMissing("BERTScore needs the package bert-score.", "pip install bert-score, or leave it out.")


def with_bert_scores(scored: Sequence[Scored]) -> tuple[Scored, ...]:
    """The cases with their BERTScore F1 among their scores. Raises ModelMissing."""
    check_installed()
    found: dict[int, float] = {}
    for language in get_args(Language):
        chosen = [i for i, s in enumerate(scored) if s.case.language == language and _has_text(s)]
        found |= dict(zip(chosen, _f1([scored[i] for i in chosen], language), strict=True))
    return tuple(replace(s, scores={**s.scores, PACKAGE: found.get(i)}) for i, s in enumerate(scored))


def _has_text(scored: Scored) -> bool:
    said = bare(scored.response.text)
    return bool(said) and not scored.response.refused and comparable(scored.case, scored.response)


def _f1(scored: Sequence[Scored], language: Language) -> list[float]:
    if not scored:
        return []
    said = [bare(s.response.text) for s in scored]
    golds = [list(references(s.case)) for s in scored]
    try:
        f1 = import_module(PACKAGE).score(said, golds, lang=language)[2]
    except OSError as error:
        raise ModelMissing(
            f"The model of BERTScore cannot be loaded: {error}.", "Fetch it, or leave it out."
        ) from error
    return [float(value) for value in f1]
