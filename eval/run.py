"""Running an evaluation: every case asked once, several at a time, each answer kept as it comes.

A case that gets no answer is counted and does not end the evaluation; many in a row do, for then it is the generator that
is out of order. Whatever ends it, what was answered stays in the log, and the next call asks only the rest.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.general.score import general_scores
from eval.log import AnswerLog, case_key
from eval.metrics import score
from eval.types import GENERAL, Answerer, Case, Response, Scored
from retrieval.errors import BadQuestion, UserError

if TYPE_CHECKING:
    from eval.metrics import Embed

IN_A_ROW = 5
"""Cases without an answer, one after the other, that mean that the generator is out of order."""
POLL = 0.1
"""Longest a wait goes without looking up: on Windows it does not feel Ctrl-C."""
JOIN_SECONDS = 5.0
"""Longest wait for the answers that are being given when an evaluation is stopped."""

Progress = Callable[[int, int], None]
"""Is told (cases done, cases in all), first of those that were answered before."""
Outcome = tuple[int, Response | BaseException]
"""The place of a case, and what came of it."""


class EvaluationStopped(UserError):
    """The generator does not answer any more; the hint says what was kept."""


def evaluate(
    cases: Sequence[Case],
    answer: Answerer,
    log: Path,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
    embed: Embed | None = None,
    *,
    identity: str = "",
    earlier: Sequence[Path] = (),
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[Scored, ...]:
    """Every case with its response and scores, in their order; `answer` is called from `workers` threads.

    `identity` tells what is measured from anything else: of the answers in `earlier` logs only its own are used.
    Raises EvaluationStopped, NoSpace, NoAccess, and what `answer` raises that is no UserError.
    """
    kept = AnswerLog(log)
    known = {key: response for path in earlier for key, response in AnswerLog(path).read()[0].items()}
    known |= kept.mend(tell)
    keys = [case_key(case, identity) for case in cases]
    responses = {place: known[key] for place, key in enumerate(keys) if key in known}
    progress(len(responses), len(cases))
    pool = _Pool(cases, [place for place in range(len(cases)) if place not in responses], answer, workers)
    try:
        for place, response in _responses(pool, keys, kept):
            responses[place] = response
            progress(len(responses), len(cases))
    finally:
        for place, outcome in pool.stop():  # what came meanwhile
            if isinstance(outcome, Response):
                kept.append(keys[place], outcome)
    return _together([Scored(case, responses[i], score(case, responses[i], embed)) for i, case in enumerate(cases)])


def _together(scored: Sequence[Scored]) -> tuple[Scored, ...]:
    """Cases of a general suite are right as the gate counts them: a refusal only beside an answer to its twin."""
    strict = general_scores(one for one in scored if one.case.type.startswith(GENERAL))
    return tuple(
        replace(one, scores={**one.scores, "success": strict[one.case.id]}) if one.case.id in strict else one
        for one in scored
    )


def _responses(pool: _Pool, keys: Sequence[str], kept: AnswerLog) -> Iterator[tuple[int, Response]]:
    """Each response, an answer once it is kept. Raises EvaluationStopped, and what is no UserError."""
    failed = 0
    for place, outcome in pool.outcomes():
        if isinstance(outcome, Response):
            kept.append(keys[place], outcome)
            failed = 0
            yield place, outcome
            continue
        if not isinstance(outcome, UserError):
            raise outcome
        # A question that nobody can be asked says nothing of the generator.
        failed += not isinstance(outcome, BadQuestion)
        if failed >= IN_A_ROW:
            hint = f"{outcome.hint} What was answered is kept.".strip()
            raise EvaluationStopped(f"{failed} cases in a row got no answer: {outcome.message}", hint) from outcome
        yield place, Response("", error=outcome.message)


class _Pool:
    """Threads that ask; they end with the process, whatever they wait for."""

    def __init__(self, cases: Sequence[Case], places: Sequence[int], answer: Answerer, workers: int) -> None:
        self._cases, self._answer = cases, answer
        self._todo, self._left = deque(places), len(places)
        self._done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._stopped = threading.Event()
        count = min(workers, len(places))
        self._threads = [threading.Thread(target=self._work, name="eval", daemon=True) for _ in range(count)]

    def outcomes(self) -> Iterator[Outcome]:
        """What came of each case, as they finish."""
        for thread in self._threads:
            thread.start()
        while self._left:
            try:
                outcome = self._done.get(timeout=POLL)
            except queue.Empty:
                continue
            self._left -= 1
            yield outcome

    def stop(self) -> Iterator[Outcome]:
        """Ask nothing more; what came since."""
        self._stopped.set()
        deadline = time.monotonic() + JOIN_SECONDS
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        while not self._done.empty():
            yield self._done.get()

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                place = self._todo.popleft()
            except IndexError:
                return
            outcome: Response | BaseException
            try:
                outcome = self._answer(self._cases[place])
            except BaseException as error:  # noqa: BLE001  (it is raised again in the thread that waits)
                outcome = error
            self._done.put((place, outcome))
