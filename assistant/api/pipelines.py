"""What answers in each mode of a served workspace, and in the place of what: loaded once, shared by many answers.

In the modes finetuned and hybrid that is the first there is of: the folder that IA_MODEL_PATH names, the setting
answer.finetuned_model, the promoted run, the newest finished one. Another is taken when that changes.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from assistant.api.gate import Gate
from assistant.modes import mode_named, no_promoted_model
from assistant.sanitize import without_passwords
from retrieval.errors import NotFound

if TYPE_CHECKING:
    from assistant.answer import Answerer
    from assistant.api.options import Options
    from assistant.app import App
    from assistant.generators.base import ChatModel, Generator
    from assistant.modes import Mode

VARIABLE = "IA_MODEL_PATH"


@dataclass(frozen=True)
class Wishes:
    """How one answer is to be generated, where it is not as the settings say; only a language model reads them."""

    temperature: float | None = None
    max_tokens: int | None = None
    """At most the setting model.max_tokens is given."""
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass
class Loaded:
    """A generator that is loaded, and the gate before it."""

    name: str
    generator: Generator
    gate: Gate
    _idle: deque[ChatModel] = field(default_factory=deque)
    """Twins of its model that nobody uses; their connections stay open."""

    @contextmanager
    def lent(self, wishes: Wishes) -> Iterator[tuple[Generator, ChatModel | None]]:
        """The generator for one answer, and its model, which can be broken off without the others."""
        from assistant.generators.model import ModelGenerator

        if not isinstance(self.generator, ModelGenerator):
            yield self.generator, None
            return
        try:
            model = self._idle.pop()
        except IndexError:
            model = self.generator.model.twin()
        own = self.generator.options
        given = {"temperature": wishes.temperature, "seed": wishes.seed, "stop": wishes.stop or None}
        options = replace(own, **{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]
        options = replace(options, max_tokens=min(wishes.max_tokens or own.max_tokens, own.max_tokens))
        try:
            yield replace(self.generator, model=model, options=options), model
        finally:
            self._idle.append(model)


class Pipelines:
    """The generators of a workspace. For any number of threads."""

    def __init__(self, app: App, options: Options) -> None:
        self._app, self._options = app, options
        self._loading = threading.Lock()
        self._of: dict[bool, Loaded] = {}
        """By whether it is the fine-tuned one."""

    def loaded(self, mode: Mode) -> Loaded:
        """What answers in a mode now; loads it when it is not. Raises NotFound when no model was trained, and what loading does."""
        with self._loading:
            name = self.name_of(mode)
            found = self._of.get(mode.finetuned)
            if found is None or found.name != name:
                found = self._of[mode.finetuned] = self._load(name)
            return found

    def settled(self, mode: Mode) -> Loaded | None:
        """What answers in a mode, where that is loaded and no promotion changes it."""
        return None if mode.finetuned else self._of.get(False)

    def answerer(self, mode: Mode, generator: Generator) -> Answerer:
        """The pipeline of a mode."""
        return self._app.answerer_of(mode, generator)

    def name_of(self, mode: Mode) -> str:
        """`provider:model` of what answers in a mode. Raises NotFound."""
        answer = self._app.settings.answer
        if not mode.finetuned:
            return answer.generator
        if name := self._named or answer.finetuned_model or self._trained():
            return name
        missing = no_promoted_model(mode)
        raise NotFound(missing.message, missing.hint)

    def shown(self, mode: Mode) -> str:
        """The name of what answers in a mode: what was loaded for it, else what would be. Raises NotFound."""
        name, found = self.name_of(mode), self._of.get(mode.finetuned)
        return without_passwords(found.generator.name if found and found.name == name else name)

    def warm(self) -> None:
        """Load what answers the first question in the mode that is set."""
        mode = mode_named(self._app.settings.answer.mode)
        self.answerer(mode, self.loaded(mode).generator).warm()

    def _load(self, name: str) -> Loaded:
        from assistant.generators import load_generator
        from assistant.generators.model import ModelGenerator
        from assistant.generators.models.hf_model import HfModel

        generator = load_generator(name, self._app)
        generator.warm()
        here = isinstance(generator, ModelGenerator) and isinstance(generator.model, HfModel)
        # A model in this process computes one answer at a time; the next waits before its own time begins.
        return Loaded(name, generator, Gate(1 if here else self._options.max_answers, self._options.max_waiting))

    def _trained(self) -> str:
        """The promoted run, else the newest that is finished; empty for none. Raises NotPromoted."""
        from finetune.runs.store import Runs

        if current := self._app.promotions.current():
            return f"run:{current.run().path}"
        newest = next((run for run in Runs(self._app.home.models).all() if run.state == "done"), None)
        return f"run:{newest.path}" if newest else ""

    @cached_property
    def _named(self) -> str:
        """What IA_MODEL_PATH names; empty for nothing."""
        from assistant.generators.load import environment
        from finetune.runs.store import Runs

        path = os.environ.get(VARIABLE) or environment(self._app.home.env).get(VARIABLE, "")
        if not path:
            return ""
        try:
            return f"run:{Runs(self._app.home.models).find(path).path}"
        except NotFound:
            return f"hf:{path}"
