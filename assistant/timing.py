"""How fast two models answer, measured in turns: what else a machine does meanwhile slows both down alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING

from eval.pairs import group_of
from eval.types import Case

if TYPE_CHECKING:
    from assistant.app import App

TIMED = 24
"""Cases that both are timed on: enough for a median, and a minute for the slowest model that anybody waits for."""
TURNS = (False, True, True, False, False, True, True, False)
"""Whose turn it is, the new one's or not: a machine that gets slower all the while slows both alike. Both are never in memory
at once: together they may not fit."""
Times = Mapping[str, tuple[float, float]]
"""Case id to the seconds that its answer took before and after."""


def timed(app: App, mode: str, before: str, after: str, cases: Sequence[Case], seed: int) -> Times:
    """The seconds that two models take for some of the cases, each loaded and warm before it is timed.

    Raises what asking a model does.
    """
    found: dict[tuple[bool, str], float] = {}
    chosen = spread(cases, TIMED)
    parts = {new: iter([chosen[i :: len(TURNS) // 2] for i in range(len(TURNS) // 2)]) for new in (False, True)}
    with app.screen.progress(2 * len(chosen), "Timing") as bar:
        for new, turns in groupby(TURNS):
            turn = [case for _ in turns for case in next(parts[new])]
            for case, seconds in _asked(app, mode, after if new else before, turn, seed):
                found[new, case.id] = seconds
                bar.advance(1)
    return {case.id: (found[False, case.id], found[True, case.id]) for case in chosen}


def _asked(app: App, mode: str, model: str, cases: Sequence[Case], seed: int) -> Iterator[tuple[Case, float]]:
    from assistant.evaluation import measured

    if not cases:
        return
    with closing(measured(app, mode, model, "", 1, seed)) as asked:
        asked.warm()
        asked.answer(cases[0])  # the first answer of a model is slower than those that follow
        for case in cases:
            yield case, asked.answer(case).seconds


def spread(cases: Sequence[Case], count: int) -> list[Case]:
    """At most so many cases, of as many documents as there are: the first of each, then the second of each…"""
    seen: dict[str, int] = {}
    turns: list[tuple[int, int, Case]] = []
    for place, case in enumerate(cases):
        group = group_of(case)
        seen[group] = seen.get(group, -1) + 1
        turns.append((seen[group], place, case))
    return [case for *_, case in sorted(turns, key=lambda turn: turn[:2])[:count]]
