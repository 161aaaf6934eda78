"""The method that a run of `dyag gen-dataset` asks for, with the teacher that it may need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from retrieval.errors import BadInput
from retrieval.text import detect_language
from retrieval.types import Language

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.datasets.run import Wanted
    from assistant.datasets.source import Opened
    from finetune.augment.model import ToReword
    from finetune.methods import Method
    from finetune.teacher.calls import Calls
    from finetune.teacher.estimate import Work
    from finetune.teacher.method import Reading

FOUND = 10
"""Chunks of a search among which the right one must be."""
REWORDING_TOKENS = 60
"""Of two other ways to ask a question, in JSON."""


class Agreed(Exception):
    """The user has agreed to what a model will be asked; raised where that was all that was wanted."""


def calls_a_model(wanted: Wanted) -> bool:
    """Whether a language model is asked."""
    return wanted.method == "llm-based" or (wanted.method == "augmented" and bool(wanted.teacher))


@contextmanager
def method_of(app: App, wanted: Wanted, found: Opened, refusals: Mapping[Language, str]) -> Iterator[Method]:
    """The method; a teacher is closed at the end. Raises BadSetting when there is none and one is needed."""
    from finetune.methods import Rewording, by_augmenting, by_rules

    if not calls_a_model(wanted):
        yield by_augmenting(refusals) if wanted.method == "augmented" else by_rules(refusals)
        return
    from assistant.teacher import load_asker

    with load_asker(app, wanted.teacher or app.settings.answer.generator, wanted.workers) as asker:
        if wanted.method == "augmented":
            yield by_augmenting(refusals, Rewording(asker, _agree_to_rewording(app, wanted, asker)))
        else:
            yield _by_teacher(app, wanted, found, refusals, asker)


def _by_teacher(app: App, wanted: Wanted, found: Opened, refusals: Mapping[Language, str], asker: Calls) -> Method:
    from assistant.prompts import is_refusal
    from finetune.methods import Teaching, by_teacher

    search, number = found.search, found.source.number
    assert search is not None

    def find(question: str) -> Sequence[int]:
        return [number(p.chunk_id) for p in search(question, detect_language(question, default="fr"), FOUND)]

    return by_teacher(refusals, Teaching(asker, asker, find, _agree_to_teaching(app, wanted, asker), is_refusal))


def _agree_to_teaching(app: App, wanted: Wanted, asker: Calls) -> Callable[[Sequence[Reading]], None]:
    from finetune.methods import PER_CHUNK
    from finetune.teacher.estimate import teaching

    def agree(readings: Sequence[Reading]) -> None:
        _agree(app, wanted, asker, teaching(asker.name, asker.name, readings, PER_CHUNK, asker.is_kept))

    return agree


def _agree_to_rewording(app: App, wanted: Wanted, asker: Calls) -> Callable[[Sequence[ToReword]], None]:
    from finetune.methods import WORDINGS
    from finetune.teacher.estimate import work_of

    def agree(asked: Sequence[ToReword]) -> None:
        prompts = [one.messages(WORDINGS) for one in asked]
        _agree(app, wanted, asker, [work_of(asker.name, prompts, REWORDING_TOKENS, asker.is_kept)])

    return agree


def _agree(app: App, wanted: Wanted, asker: Calls, works: Sequence[Work]) -> None:
    """Say what will be read, written and paid for, and ask. Raises BadInput when the answer is no."""
    from assistant.teacher import confirm
    from finetune.prices import load_prices
    from finetune.teacher.estimate import estimate

    told = estimate(works, load_prices(app.home.data / "prices.toml"), len(asker.asks))
    if not confirm(told, app.screen, wanted.yes):
        raise BadInput("Nothing was asked, and nothing was written.", "Say yes, or add --yes, to go on.")
    if wanted.only_agree:
        raise Agreed
