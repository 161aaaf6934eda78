"""The method that a run of `dyag gen-dataset` asks for, with the teacher that it may need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from retrieval.errors import BadInput
from retrieval.types import Language

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.datasets.run import Wanted
    from assistant.datasets.source import Opened
    from finetune.methods import Method
    from finetune.teacher.calls import Calls
    from finetune.teacher.method import Reading

FOUND = 10
"""Chunks of a search among which the right one must be."""


@contextmanager
def method_of(app: App, wanted: Wanted, found: Opened, refusals: Mapping[Language, str]) -> Iterator[Method]:
    """The method; a teacher is closed at the end. Raises BadSetting when there is none and one is needed."""
    from finetune.methods import by_augmenting, by_rules

    if wanted.method == "llm-based":
        with _teacher(app, wanted) as asker:
            yield _by_teacher(app, wanted, found, refusals, asker)
    elif wanted.method == "augmented":
        yield by_augmenting(refusals)
    else:
        yield by_rules(refusals)


@contextmanager
def _teacher(app: App, wanted: Wanted) -> Iterator[Calls]:
    from assistant.teacher import load_asker

    with load_asker(app, wanted.teacher or app.settings.answer.generator, wanted.workers) as asker:
        yield asker


def _by_teacher(app: App, wanted: Wanted, found: Opened, refusals: Mapping[Language, str], asker: Calls) -> Method:
    from finetune.methods import Teaching, by_teacher

    search, number = found.search, found.source.number
    assert search is not None

    def find(question: str) -> Sequence[int]:
        from retrieval.text import detect_language

        return [number(p.chunk_id) for p in search(question, detect_language(question, default="fr"), FOUND)]

    return by_teacher(refusals, Teaching(asker, asker, find, _agreement(app, wanted, asker)))


def _agreement(app: App, wanted: Wanted, asker: Calls) -> Callable[[Sequence[Reading]], None]:
    """Says what will be read and paid for, and asks."""

    def agree(readings: Sequence[Reading]) -> None:
        from assistant.teacher import confirm
        from finetune.methods import PER_CHUNK
        from finetune.prices import load_prices
        from finetune.teacher.estimate import estimate, teaching

        works = teaching(asker.name, asker.name, readings, PER_CHUNK, asker.is_kept)
        told = estimate(works, load_prices(app.home.data / "prices.toml"), len(asker.asks))
        if not confirm(told, app.screen, wanted.yes):
            raise BadInput("Nothing was asked and nothing written.", "Say yes, or add --yes, to go on.")

    return agree
