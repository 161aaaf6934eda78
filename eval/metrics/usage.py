"""What an answer takes: time, tokens, money; and whether the model ended by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.types import Case, Response


def latency(case: Case, response: Response) -> float | None:
    """Seconds to the whole answer; None for a failed case."""
    return None if response.error else response.seconds


def first_token(case: Case, response: Response) -> float | None:
    """Seconds to the first token, where it is known."""
    return None if response.error else response.first_token_seconds


def tokens(case: Case, response: Response) -> float | None:
    """Tokens of prompt and answer together, where either is known."""
    known = [count for count in (response.prompt_tokens, response.tokens) if count is not None]
    return float(sum(known)) if known else None


def cost(case: Case, response: Response) -> float | None:
    """US dollars, where a price is known."""
    return response.cost


def stopped(case: Case, response: Response) -> float | None:
    """1 when the model ended its answer by itself, where that is known."""
    return None if response.error or response.stopped is None else float(response.stopped)


def failed(case: Case, response: Response) -> float:
    """1 for a case without an answer because something failed."""
    return float(bool(response.error))


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
