"""A teacher put together: from a generator's name to what asks it, with its budget shown and agreed to before it starts."""

from __future__ import annotations

import math
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Self

from assistant.command import BadUsage
from assistant.generators.base import ChatModel, Cut, Options
from assistant.generators.load import environment, load_model
from assistant.generators.models.faults import (
    ConnectionLost,
    ContextTooLong,
    Empty,
    Malformed,
    RateLimited,
    Rejected,
    ServerFailed,
    TimedOut,
    Truncated,
)
from assistant.generators.models.steady import steady
from assistant.prompts.fence import harmless
from finetune.teacher.calls import Calls, Unanswered
from finetune.teacher.pace import Limited
from finetune.teacher.replies import Replies
from retrieval.errors import BadSetting, GeneratorFailed
from retrieval.types import Message

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.screen import Screen
    from finetune.teacher.estimate import Estimate

MAX_TOKENS = 1024
"""Longest reply: some questions with answers and quotes. `model.max_tokens` may raise it."""
MOST_WORKERS = 64
_EXAMPLES = "such as openai:gpt-4o-mini, ollama:llama3.1 or hf:./folder"
_FILTERED = re.compile(r"content[ _-]?(?:filter|management|policy)", re.IGNORECASE)
_PASSING = (ServerFailed, TimedOut, ConnectionLost, Malformed)
"""What may be over when the next question is asked."""


def load_asker(app: App, name: str, workers: int, heard: Callable[[], None] = lambda: None) -> Calls:
    """What asks the language model of this name, several times at once; `heard` is told of each reply.

    Replies are kept in `data/finetuning/teacher.sqlite3`, except those of `fake:`, whose script changes. A model in this
    process answers one question at a time. Raises BadSetting, ModelMissing, and what the file of replies raises.
    """
    name = _language_model(app, name)
    provider = name.partition(":")[0]
    count = 1 if provider in ("hf", "fake") else max(1, min(workers, MOST_WORKERS))
    settings, environ = app.settings.model, environment(app.home.env)
    models = [load_model(name, settings, environ, app.home.path) for _ in range(count)]
    options = Options(settings.temperature, max(MAX_TOKENS, settings.max_tokens), settings.timeout, settings.seed)
    decides = {"temperature": options.temperature, "max_tokens": options.max_tokens, "seed": options.seed}
    replies = None if provider == "fake" else Replies(app.home.data / "finetuning" / "teacher.sqlite3")
    return Calls(models[0].name, [ModelAsk(model, options) for model in models], decides, replies, heard=heard)


class ModelAsk:
    """One question to a model, its faults as those of a teacher."""

    def __init__(self, model: ChatModel, options: Options) -> None:
        self._model, self._options = _Whole(model), options
        self.close = model.close

    def __call__(self, messages: Sequence[Message], stopped: threading.Event) -> str:
        sent = [Message(m.role, harmless(m.content) if m.role == "user" else m.content) for m in messages]
        try:
            return _answer(self._model, sent, self._options, stopped)
        except RateLimited as fault:
            raise Limited(fault.retry_after, fault) from None
        except (Empty, Truncated, ContextTooLong) as fault:
            raise Unanswered(_REASONS[type(fault)], fault, final=True) from None
        except _PASSING as fault:
            raise Unanswered("the teacher did not answer", fault, final=False) from None
        except Rejected as fault:
            if not _FILTERED.search(fault.message):
                raise
            raise Unanswered("the teacher's content filter refuses", fault, final=True) from None


def confirm(estimate: Estimate, screen: Screen, yes: bool) -> bool:
    """Show what it will take, and whether the user agrees; what is free is not asked about.

    Raises BadUsage where nobody can be asked.
    """
    for line in estimate.lines():
        screen.note(line)
    if yes or estimate.free or estimate.kept == estimate.calls:
        return True
    if not sys.stdin.isatty():
        message = "Nobody can be asked here whether to send documents to that model, and to pay for it."
        raise BadUsage(message, "Add --yes to go on without being asked.")
    screen.note("Send the documents there, and go on? [y/N]")
    return sys.stdin.readline().strip().casefold() in ("y", "yes", "o", "oui")


_REASONS = {
    Empty: "the teacher's reply is empty",
    Truncated: "the teacher's reply is longer than model.max_tokens",
    ContextTooLong: "the chunk is too long for the teacher",
}


def _language_model(app: App, name: str) -> str:
    """The name of a language model, `auto` resolved. Raises BadSetting for the extractive generator."""
    from assistant.named_models import model_named

    name = model_named(app.settings, name)
    if name == "auto":
        from assistant.generators.auto import choose

        name, reason = choose(app.settings.model, environment(app.home.env))
        if name == "extractive":
            raise BadSetting(f"There is no teacher ({reason}).", f"Name a language model, {_EXAMPLES}.")
    if name == "extractive":
        message = "`extractive` writes no sentences, so it cannot be a teacher."
        raise BadSetting(message, f"Name a language model, {_EXAMPLES}.")
    return name


def _answer(model: ChatModel, messages: Sequence[Message], options: Options, stopped: threading.Event) -> str:
    """The whole reply; broken off soon after `stopped` is set."""

    def clock() -> float:
        return math.inf if stopped.is_set() else time.monotonic()

    def sleep(seconds: float) -> None:
        if stopped.wait(seconds):
            raise GeneratorFailed(f"{model.name} was broken off.")

    with closing(steady(model, messages, options, clock=clock, sleep=sleep)) as pieces:
        return "".join(piece for piece in pieces if not isinstance(piece, Cut))


class _Whole:
    """A model whose answer comes in one piece: one that broke off may be asked for again, nobody has seen it yet.

    A limit is not waited for here: all workers wait for it, above.
    """

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        self._model = model
        self.context, self.count, self.close = model.context, model.count, model.close

    def twin(self) -> Self:
        return type(self)(self._model.twin())

    def stream(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        return self._joined(self._model.stream(messages, options))

    def _joined(self, stream: Iterator[str]) -> Iterator[str]:
        pieces: list[str] = []
        try:
            pieces.extend(stream)
        except Truncated:
            if not "".join(pieces).strip():
                raise
        except RateLimited as fault:
            fault.retry = False
            raise
        yield "".join(pieces)
