"""A transformers model in this process: `hf:org/name`, a folder, or the folder of a LoRA adapter."""

from __future__ import annotations

import atexit
import copy
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from assistant.generators.base import Options
from assistant.generators.models.faults import ContextTooLong, truncated
from assistant.generators.models.hf_answer import Answer, Closed
from assistant.generators.models.thinking import without_thinking
from finetune.bases.chat_format import ChatFormat
from finetune.bases.files import find
from finetune.bases.load import Loaded, Wanted
from finetune.runs.use import load_trained, of_folder
from retrieval.errors import GeneratorFailed
from retrieval.types import Message

JOIN_SECONDS = 5.0
"""Longest wait for the end of a computation that nobody wants any more: that of one layer."""
_COMPUTING: dict[threading.Thread, Answer] = {}


class HfModel:
    """One model, loaded once, when first used or warmed."""

    def __init__(self, name: str, wanted: Wanted, home: Path = Path()) -> None:
        self.name = name
        self._wanted = wanted
        self._home = home  # the base of an adapter may be named relative to it
        self._loading, self._computing = threading.Lock(), threading.Lock()
        self._answers: set[Answer] = set()

    def context(self) -> int:
        """Tokens it reads. Raises ModelMissing and BadSetting, as all that loads the model."""
        return self._loaded.context

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the messages in the model's own template."""
        return len(self._format.ids(messages))

    def warm(self) -> None:
        """Load the model now."""
        self.context()

    def stream(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        """The answer as it comes. Raises ContextTooLong, TimedOut, and Truncated after the text."""
        return without_thinking(self._texts(messages, options))

    def close(self) -> None:
        """End every answer; the model stays loaded."""
        for answer in list(self._answers):
            answer.closed = True

    def twin(self) -> Self:
        """With the same weights, once they were loaded; one of all twins computes at a time."""
        made = copy.copy(self)
        made._answers = set()
        return made

    def _texts(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        prompt = self._format.ids(messages)
        options = replace(options, max_tokens=min(options.max_tokens, self._room(prompt)))
        answer = Answer(self._loaded.tokenizer, self._ends, self._format.stop)
        self._answers.add(answer)
        thread = threading.Thread(target=self._compute, args=(answer, prompt, options), name="hf", daemon=True)
        deadline = time.monotonic() + options.timeout
        _COMPUTING[thread] = answer
        thread.start()
        try:
            yield from answer.texts(self.name, deadline)
        finally:
            answer.closed = True
            self._answers.discard(answer)
            thread.join(JOIN_SECONDS)
        if not answer.whole:
            raise truncated(self.name, options.max_tokens)

    def _room(self, prompt: Sequence[int]) -> int:
        """Tokens left for the answer."""
        context = self.context()
        if len(prompt) >= context:
            message = f"{self.name}: the prompt has {len(prompt)} tokens, and the model reads {context}."
            raise ContextTooLong(message, "Lower search.top_k or chat.history.", context)
        return context - len(prompt)

    def _compute(self, answer: Answer, prompt: Sequence[int], options: Options) -> None:
        """The work of the thread. One answer at a time: the random numbers are the process's."""
        try:
            with self._computing:
                answer.compute(self._loaded.model, prompt, options)
            answer.hear(None)
        except Closed:
            answer.hear(GeneratorFailed(f"{self.name} was broken off."))
        except BaseException as error:  # noqa: BLE001  (it is raised again in the thread that reads)
            full = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
            answer.hear(_out_of_memory(self.name) if full else error)
        finally:
            _COMPUTING.pop(threading.current_thread(), None)

    @property
    def _loaded(self) -> Loaded:
        with self._loading:
            return self._model

    @cached_property
    def _model(self) -> Loaded:
        folder = find(self._wanted.source, self.name)
        return load_trained(of_folder(folder, self._home), self._wanted, self.name)

    @cached_property
    def _format(self) -> ChatFormat:
        return ChatFormat(self._loaded.tokenizer)

    @cached_property
    def _ends(self) -> list[int]:
        return self._format.ends(self._loaded.model.generation_config.eos_token_id)


@atexit.register
def _end_all() -> None:
    """torch aborts a process that ends while it computes."""
    for answer in list(_COMPUTING.values()):
        answer.closed = True
    for thread in list(_COMPUTING):
        thread.join(JOIN_SECONDS)


def _out_of_memory(name: str) -> GeneratorFailed:
    hint = "Lower search.top_k or model.context, set model.quantize=4bit, or end other programs."
    return GeneratorFailed(f"{name}: the memory is full.", hint)
