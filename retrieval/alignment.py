"""Late interaction: how well each part of a text answers to each token of a question.

The MaxSim of ColBERT (Khattab & Zaharia 2020) on the token states of the packaged MiniLM, which was not trained for it:
a token's state knows its sentence and its neighbours, so "he" in a passage about Newton is near "Newton" in a question.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Alignment:
    """Cosines of a question's tokens with a text's tokens."""

    cosines: npt.NDArray[np.float32]
    """Shape (tokens of the question, tokens of the text)."""
    offsets: tuple[tuple[int, int], ...]
    """Character span of each token of the text, in order."""

    def best(self, start: int = 0, end: int | None = None) -> npt.NDArray[np.float32]:
        """For each token of the question, its best cosine within these characters; zeros where no token lies."""
        first = bisect_left(self.offsets, start, key=itemgetter(0))
        after = len(self.offsets) if end is None else bisect_right(self.offsets, end, key=itemgetter(1))
        if first >= after or not len(self.cosines):
            return np.zeros(max(1, len(self.cosines)), np.float32)
        found: npt.NDArray[np.float32] = self.cosines[:, first:after].max(axis=1)
        return found


State = tuple[npt.NDArray[np.float32], tuple[tuple[int, int], ...]]
"""A text's tokens: their unit states, and their character spans."""


def align(question: State, texts: Sequence[State]) -> list[Alignment]:
    """Alignment of the question with each text, each as the model's `token_states` of it."""
    asked, _ = question
    return [Alignment(asked @ states.T, offsets) for states, offsets in texts]
