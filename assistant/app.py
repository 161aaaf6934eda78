"""The one place where the parts are put together; each is loaded when first used."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from assistant.modes import mode_named, no_promoted_model
from assistant.screen import Screen
from assistant.workspace import Home, cache_folder
from retrieval.errors import BadSetting, NoIndex

if TYPE_CHECKING:
    from pathlib import Path

    from assistant.answer import Answerer, Rewrite
    from assistant.conversation import Conversation
    from assistant.generators.base import Generator
    from assistant.jobs.jobs import Jobs
    from assistant.journal.store import Journal
    from assistant.knowledge import IndexKnowledge
    from assistant.modes import Mode
    from assistant.prompts import Prompts
    from assistant.settings import Settings
    from finetune.runs.promotion import Promoted, Promotions
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
        self.on_its_way = ""
        """The command line of a command that evaluates on its way: it goes on with what was stopped."""
        self._promoted: Promoted | None = None
        """What was promoted when the generator was made."""

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
    def knowledge(self) -> IndexKnowledge:
        from assistant.knowledge import IndexKnowledge
        from retrieval.embed import MiniLM

        # Passages are read by the packaged model whatever the index was made with: the refusal is calibrated on it.
        reader = self.embedder if isinstance(self.embedder, MiniLM) else MiniLM(cache_folder(os.environ))
        return IndexKnowledge(self.searcher, reader)

    @property
    def generator(self) -> Generator:
        """What answers in the mode that is set; made once, and again when another run is promoted.

        Raises BadSetting, ModelMissing, NotPromoted.
        """
        self._follow_promotion()
        if "generator" not in self.__dict__:
            self.__dict__["generator"] = self.generator_of(mode_named(self.settings.answer.mode))
        made: Generator = self.__dict__["generator"]
        return made

    def generator_of(self, mode: Mode) -> Generator:
        """What answers in a mode. Raises NotPromoted; BadSetting, also when a mode needs a promoted run and there is none."""
        from assistant.generators import load_generator

        answer = self.settings.answer
        name = answer.finetuned_model or self._promoted_model() if mode.finetuned else answer.generator
        if not name:
            raise no_promoted_model(mode)
        if mode.finetuned and name in ("auto", "extractive"):
            raise BadSetting(f"{name} is no fine-tuned model.", "Name one: answer.finetuned_model=provider:model.")
        return load_generator(name, self)

    @property
    def answerer(self) -> Answerer:
        """The pipeline of the mode that is set, with its generator of now."""
        generator = self.generator
        if "answerer" not in self.__dict__:
            self.__dict__["answerer"] = self.answerer_of(mode_named(self.settings.answer.mode), generator)
        made: Answerer = self.__dict__["answerer"]
        return made

    def answerer_in(self, name: str) -> Answerer:
        """The pipeline of a mode by its name, whatever mode is set. Raises BadSetting, ModelMissing."""
        mode = mode_named(name)
        return self.answerer_of(mode, self.generator_of(mode))

    def answerer_of(self, mode: Mode, generator: Generator) -> Answerer:
        """The pipeline of a mode."""
        from assistant.answer import Answerer

        answer, chat = self.settings.answer, self.settings.chat
        return Answerer(
            self.searcher,
            self.knowledge,
            generator,
            mode,
            answer.max_words,
            answer.refuse_below,
            self._rewriter(generator),
            chat.history,
        )

    @property
    def promotions(self) -> Promotions:
        """Which run is promoted."""
        from finetune.runs.promotion import Promotions

        return Promotions(self.home.models)

    def _promoted_model(self) -> str:
        """`run:FOLDER` of the promoted run; empty for none. Raises NotPromoted when it is gone."""
        current = self.promotions.current()
        return f"run:{current.run().path}" if current else ""

    def _follow_promotion(self) -> None:
        """Forget what was made of another run than the one that is promoted now, by this process or another."""
        answer = self.settings.answer
        if answer.finetuned_model or not mode_named(answer.mode).finetuned:
            return
        now = self.promotions.current()
        if now != self._promoted:
            self.__dict__.pop("generator", None)
            self.__dict__.pop("answerer", None)
        self._promoted = now

    def _rewriter(self, generator: Generator) -> Rewrite | None:
        """What makes a follow-up stand alone: the generator's model, else rules, as `chat.followups` says."""
        from assistant.generators.model import ModelGenerator
        from assistant.rewrite import standalone
        from assistant.rewrite.model import ModelRewriter

        if self.settings.chat.followups == "off":
            return None
        if self.settings.chat.followups == "auto" and isinstance(generator, ModelGenerator):
            return ModelRewriter(generator.model, self.prompts)
        return standalone

    @cached_property
    def prompts(self) -> Prompts:
        from assistant.prompts import load_prompts

        return load_prompts(self.settings.prompts, self.home.path)

    @cached_property
    def journal(self) -> Journal:
        """Conversations and feedback; its file is made by the first that is written."""
        from assistant.journal.store import Journal

        return Journal(self.home.journal)

    @cached_property
    def conversation(self) -> Conversation:
        """What the chat is talking about."""
        from assistant.conversation import Conversation

        return Conversation(self)

    @cached_property
    def jobs(self) -> Jobs:
        """Long commands, each in a process of its own."""
        from assistant.jobs.jobs import Jobs

        return Jobs(self)

    def change(self, name: str, value: str) -> None:
        """Change a setting until the program ends, as --set does, and make the generator it leads to.

        Raises BadSetting, ModelMissing, GeneratorFailed; then nothing has changed.
        """
        stale = {"settings", "prompts", "generator", "answerer"}
        stale |= {"searcher", "knowledge"} if name.startswith(("search.", "index.")) else set()
        stale |= {"embedder"} if name.startswith("index.") else set()
        before = self.overrides
        kept = {part: self.__dict__.pop(part) for part in stale & self.__dict__.keys()}
        self.overrides = {**before, name: value}
        try:
            self.generator  # noqa: B018  (what is wrong with it is said now, not at the next question)
        except BaseException:
            for part in stale & self.__dict__.keys():
                del self.__dict__[part]
            self.__dict__.update(kept)
            self.overrides = before
            raise

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
            try:
                yield Sync(library, self.home.index, self.embedder, loader, progress, index.vectors, self.own_files)
            finally:
                library.close()

    @property
    def own_files(self) -> tuple[Path, ...]:
        """What dyag keeps under `data/`, which is never read as documents."""
        databases = (self.home.library.name, self.home.journal.name)
        kept = [name for base in databases for name in (base, f"{base}-journal")]
        names = ("index", "jobs", "finetuning", "evaluations", "tuning", "dyag.log", "index.lock", "prices.toml", *kept)
        return tuple(self.home.data / name for name in names)

    def _repair(self, damage: str) -> None:
        """Bring back a good generation from the library; nothing is embedded again."""
        from retrieval import generation
        from retrieval.sync import writer_lock

        self.screen.note(f"The index has to be rebuilt from the library ({damage}).")
        with writer_lock(self.home.lock):
            generation.build(self.home.index, self.library, self.embedder, self.settings.index.vectors)
