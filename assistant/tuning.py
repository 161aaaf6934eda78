"""The fusion weight, top-k and the refusal threshold, tuned on questions about the user's own documents.

Every question is searched once; other weights and other top-k are tried on the candidates that were found. The threshold is
tuned last, under the weight and the top-k that will be in force, because the chance to refuse depends on them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from assistant.app import App
from assistant.tuning_gold import MOST, Placed, documents_of
from eval.objectives import Judged, Searched, threshold_outcomes, top_k_outcomes, weight_outcomes
from eval.tune import ALPHA, Outcomes, Tuned, Value, cross_validated, too_few, undecided
from retrieval.errors import BadInput
from retrieval.search import DENSE_WEIGHT
from retrieval.text import detect_language

if TYPE_CHECKING:
    from assistant.answer import Answerer
    from eval.types import Case
    from retrieval.types import Language

Part = Literal["weight", "top-k", "threshold"]
SETTINGS: dict[Part, str] = {
    "weight": "search.dense_weight",
    "top-k": "search.top_k",
    "threshold": "answer.refuse_below",
}
"""In the order in which they are tuned."""
LEAST_OF_A_KIND = 10
"""Answerable questions, and unanswerable ones, without which a threshold cannot be judged."""
_GOLD = (
    "Cases name what holds the answer under `gold` (a document's own id, its path, or chunk_N), or give an answer "
    "that only one document states."
)


class NothingToTuneOn(BadInput):
    """The cases lack what a setting is tuned on."""


@dataclass
class Tuning:
    """One run over the settings, on cases that were placed in the library."""

    app: App
    cases: Sequence[Placed]
    parts: Sequence[Part]
    folds: int

    def run(self) -> tuple[Tuned, ...]:
        """What becomes of each setting. Raises NothingToTuneOn when the cases lack what every one of them needs."""
        made: list[Tuned] = []
        lacking: list[NothingToTuneOn] = []
        steps: dict[Part, Callable[[App], Tuned]] = {
            "weight": self._weight,
            "top-k": self._top_k,
            "threshold": self._threshold,
        }
        for part in [part for part in SETTINGS if part in self.parts]:
            try:
                made.append(self._tuned(part, steps[part], made))
            except NothingToTuneOn as error:
                lacking.append(error)
                made.append(undecided(SETTINGS[part], self._now(part), f"cannot be decided: {error.message}"))
        if len(lacking) == len(made):
            raise lacking[0]
        return tuple(made)

    def _tuned(self, part: Part, step: Callable[[App], Tuned], made: Sequence[Tuned]) -> Tuned:
        if elsewhere := self._set_elsewhere(SETTINGS[part]):
            return undecided(SETTINGS[part], self._now(part), f"left alone: {elsewhere} sets it, before dyag.toml")
        return step(changed(self.app, made))

    # the three settings --------------------------------------------------------------------------------------------------

    def _weight(self, app: App) -> Tuned:
        return self._decided(weight_outcomes(self.searched, app.settings.search.dense_weight))

    def _top_k(self, app: App) -> Tuned:
        search = app.settings.search
        # A list needs every passage that it has: where lists are asked for, there are not to be fewer.
        least = search.top_k if any(len(p.documents) > MOST for p in self.cases) else 0
        return self._decided(top_k_outcomes(self.searched, search.top_k, search.dense_weight, least, search.candidates))

    def _threshold(self, app: App) -> Tuned:
        current = app.settings.answer.refuse_below
        kinds = [sum(p.case.answerable for p in self.cases), sum(not p.case.answerable for p in self.cases)]
        if not all(kinds):
            which = "unanswerable" if kinds[0] else "answerable"
            raise NothingToTuneOn(
                f"none of the {len(self.cases)} cases is {which}, and a threshold has to tell both kinds apart",
                'Add questions that the documents do not answer, with `"answerable": false`.',
            )
        if min(kinds) < LEAST_OF_A_KIND:
            said = (
                f"{kinds[0]} cases are answerable and {kinds[1]} are not; {LEAST_OF_A_KIND} of either kind are needed"
            )
            return undecided("answer.refuse_below", current, f"cannot be decided: {said}")
        if reason := too_few([p.group for p in self.cases]):
            return undecided("answer.refuse_below", current, reason)
        return self._decided(threshold_outcomes(judged(app, self.cases), current))

    def _decided(self, outcomes: Outcomes) -> Tuned:
        return cross_validated(outcomes, self.folds, ALPHA / len(self.parts))

    # what they are tuned on ----------------------------------------------------------------------------------------------

    @cached_property
    def ranking(self) -> list[Placed]:
        """The cases whose answer is known to lie in one document, or a few."""
        return [p for p in self.cases if p.case.answerable and 0 < len(p.documents) <= MOST]

    @cached_property
    def searched(self) -> list[Searched]:
        """Every question with its candidates. Raises NothingToTuneOn."""
        if not self.ranking:
            raise NothingToTuneOn(
                f"none of the {len(self.cases)} cases names a document of this index, or gives an answer that only one states",
                _GOLD,
            )
        return searched(self.app, self.ranking)

    # settings in force ---------------------------------------------------------------------------------------------------

    def _now(self, part: Part) -> Value:
        section, _, key = SETTINGS[part].partition(".")
        value: Value = getattr(getattr(self.app.settings, section), key)
        return value

    def _set_elsewhere(self, name: str) -> str:
        """The place that sets a setting, where it goes before dyag.toml; else empty."""
        from assistant.settings import origins

        found = next(s for s in origins(self.app.home, self.app.overrides, warn=lambda text: None) if s.name == name)
        return "" if found.origin in ("default", "dyag.toml") else found.place


def changed(app: App, made: Iterable[Tuned]) -> App:
    """The assistant under what was tuned so far."""
    overrides = {t.setting: "none" if t.value is None else str(t.value) for t in made if t.changes}
    return App(app.home, {**app.overrides, **overrides}, app.screen) if overrides else app


def sample(cases: Sequence[Case], limit: int) -> list[Case]:
    """At most `limit` cases (0: all), drawn over the whole file, which is often ordered by document."""
    if not limit or limit >= len(cases):
        return list(cases)
    return [cases[i] for i in sorted(random.Random(1).sample(range(len(cases)), limit))]


def searched(app: App, cases: Sequence[Placed]) -> list[Searched]:
    """Every question with the candidates of both searches."""
    made = []
    with app.screen.progress(len(cases), "searching") as progress:
        for one in cases:
            language = _language(app, one.case.question)
            dense, lexical = app.searcher.candidates_for(one.case.question, language, app.settings.search.top_k)
            documents = documents_of(app.library, dense)
            unit = {chunk: chunk for chunk in dense} if one.chunks else {c: documents.get(c, -1) for c in dense}
            gold = one.chunks or one.documents
            proof = frozenset() if one.chunks else proof_of(app, one)
            made.append(Searched(one.group, dense, lexical, unit, gold, DENSE_WEIGHT[language], proof))
            progress.advance()
    return made


def proof_of(app: App, one: Placed) -> frozenset[int]:
    """The chunks of a case's documents that state one of its answers."""
    from eval.metrics.text import contains

    chunks = [chunk for document in one.documents for chunk in app.library.document_chunks(document)]
    return frozenset(c.id for c in chunks if contains(c.text, list(one.case.answers), one.case.language))


def judged(app: App, cases: Sequence[Placed]) -> list[Judged]:
    """Every question with the calibrated chance that the documents answer it."""
    from assistant.generators.load import load_generator
    from assistant.modes import MODES
    from assistant.refusal import calibration

    answerer = app.answerer_of(MODES["rag"], load_generator("extractive", app))
    made = []
    with app.screen.progress(len(cases), "judging") as progress:
        for one in cases:
            language = _language(app, one.case.question)
            chance = _chance(app, answerer, one.case.question)
            made.append(Judged(one.group, one.case.answerable, chance, calibration()[f"threshold_{language}"]))
            progress.advance()
    return made


def _chance(app: App, answerer: Answerer, question: str) -> float:
    from assistant.refusal import confidence

    found = app.searcher.search(question, app.settings.search.top_k, language=app.language())
    return confidence(answerer.request(found), answerer.knowledge)


def _language(app: App, question: str) -> Language:
    """As the search takes it."""
    return app.language() or detect_language(question, default="fr")
