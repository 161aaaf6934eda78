"""The one place where the parts are put together; each is loaded when first used."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from assistant.screen import Screen
from assistant.workspace import Home, cache_folder
from retrieval.errors import BadSetting, NoIndex

if TYPE_CHECKING:
    from assistant.answer import Answerer
    from assistant.settings import Settings
    from retrieval.embed import Embedder
    from retrieval.library import Library
    from retrieval.search import Searcher
    from retrieval.sync import Progress, Sync
    from retrieval.types import Language


class App:
    """What a command receives: the workspace, its settings, the screen, and the assistant itself."""

    def __init__(self, home: Home, overrides: Mapping[str, str], screen: Screen | None = None) -> None:
        self.home = home
        self.overrides = overrides
        self.screen = screen or Screen()

    @cached_property
    def settings(self) -> Settings:
        from assistant.settings import load_settings

        return load_settings(self.home, self.overrides, warn=self.screen.note)

    @cached_property
    def embedder(self) -> Embedder:
        from retrieval.embed import load_embedder

        index = self.settings.index
        return load_embedder(index.embedder, cache_folder(os.environ), index.threads)

    @cached_property
    def library(self) -> Library:
        """The library, for reading. Raises NoIndex when there is none."""
        from retrieval.library import Library

        if not self.home.library.is_file():
            raise NoIndex(
                f"Nothing has been indexed in {self.home.path} yet.",
                "Run `dyag index PATH` on your documents, or name another workspace with --home.",
            )
        return Library(self.home.library)

    @cached_property
    def searcher(self) -> Searcher:
        from retrieval.search import Searcher

        search = self.settings.search
        return Searcher(
            self.library,
            self.home.index,
            self.embedder,
            self._repair,
            dense_weight=search.dense_weight,
            candidates=search.candidates,
        )

    @cached_property
    def answerer(self) -> Answerer:
        from assistant.answer import Answerer
        from assistant.generators import load_generator
        from assistant.knowledge import IndexKnowledge
        from retrieval.embed import MiniLM

        answer = self.settings.answer
        # Passages are read by the packaged model whatever the index was made with: the refusal is calibrated on it.
        reader = self.embedder if isinstance(self.embedder, MiniLM) else MiniLM(cache_folder(os.environ))
        knowledge = IndexKnowledge(self.searcher, reader)
        return Answerer(
            self.searcher,
            knowledge,
            load_generator(answer.generator, knowledge),
            require_mode(answer.mode),
            answer.max_words,
            answer.refuse_below,
        )

    def language(self, choice: str | None = None) -> Language | None:
        """The question language that was asked for, None to detect it."""
        wanted = choice or self.settings.answer.language
        return None if wanted == "auto" else wanted  # type: ignore[return-value]

    @contextmanager
    def writer(self, progress: Progress) -> Iterator[Sync]:
        """A sync of this workspace, under the writer's lock. Raises Busy."""
        from retrieval.library import Library
        from retrieval.load.loader import Limits, Loader
        from retrieval.sync import Sync, writer_lock

        index = self.settings.index
        limits = Limits(index.parse_seconds, index.parse_memory_mb, index.max_file_mb)
        with writer_lock(self.home.lock), Loader(limits) as loader:
            library = Library(self.home.library, create=True)
            own = tuple(
                self.home.data / name
                for name in ("index", "library.sqlite3", "library.sqlite3-journal", "dyag.log", "index.lock")
            )
            try:
                yield Sync(library, self.home.index, self.embedder, loader, progress, index.vectors, own)
            finally:
                library.close()

    def _repair(self, damage: str) -> None:
        """Bring back a good generation from the library; nothing is embedded again."""
        from retrieval import generation
        from retrieval.sync import writer_lock

        self.screen.note(f"The index has to be rebuilt from the library ({damage}).")
        with writer_lock(self.home.lock):
            generation.build(self.home.index, self.library, self.embedder, self.settings.index.vectors)


def require_mode(mode: str) -> str:
    """`rag`; the other modes need a promoted model. Raises BadSetting."""
    if mode != "rag":
        raise BadSetting(f"The mode {mode} needs a promoted model, and there is none.", "Use answer.mode=rag.")
    return mode
