"""Semantic similarity: the cosine of two embeddings, by whatever embedder is handed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eval.metrics.gold import bare, references
from eval.metrics.overlap import comparable
from eval.types import Case, Response

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Embed = Callable[[list[str]], NDArray[np.floating]]
    """Texts to vectors, shape (texts, dimension); they need not be of length 1."""
else:
    Embed = Callable


def similarity(case: Case, response: Response, embed: Embed) -> float | None:
    """Cosine (-1 to 1) of the answer and the nearest reference; None where one of them is empty or a vector is zero."""
    if response.refused or not comparable(case, response) or not bare(response.text):
        return None
    import numpy as np

    vectors = np.asarray(embed([bare(response.text), *references(case)]), dtype=float)
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(lengths).all() or not lengths.all():
        return None
    said, *golds = vectors / lengths[:, None]
    return float(max(said @ gold for gold in golds))
