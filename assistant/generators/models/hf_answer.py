"""One answer of a transformers model while it is computed in a thread: tokens in, pieces of text out."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from assistant.generators.base import Options
from assistant.generators.models.faults import timed_out

POLL = 0.1
"""Longest a wait goes without looking up: on Windows it does not feel Ctrl-C."""
BROKEN = "\ufffd"
"""What the first bytes of a character decode to."""


class Closed(Exception):
    """Raised within the model's own loop to end it."""


class _Ended(Exception):
    """The same, at a text that ends the answer."""


class Answer:
    """A transformers streamer: its `put` is given the prompt and then each token, from the thread that computes."""

    def __init__(self, tokenizer: Any, ends: Sequence[int], stop: str) -> None:
        self.closed = False
        """Set from any thread to end the answer at the next layer that is computed."""
        self.whole = False
        """Whether it came to its end by itself."""
        self._tokenizer, self._ends, self._stop = tokenizer, ends, stop
        self._heard: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        self._ids: list[int] | None = None
        """None until the prompt has been put."""
        self._shown = ""

    def compute(self, model: Any, prompt: Sequence[int], options: Options) -> None:
        """Run the model to the end of the answer; greedily at temperature 0. Raises Closed."""
        import torch

        if options.seed is not None:
            torch.manual_seed(options.seed)
        ids = torch.tensor([list(prompt)], device=model.device)
        greedy = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        sampled = {"do_sample": True, "temperature": options.temperature}
        with self._looking_up(model), suppress(_Ended):
            model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=options.max_tokens,
                eos_token_id=list(self._ends) or None,
                pad_token_id=self._ends[0] if self._ends else 0,
                streamer=self,
                num_beams=1,
                num_return_sequences=1,
                **(sampled if options.temperature > 0 else greedy),
            )
        self._show(self._text())

    @contextmanager
    def _looking_up(self, model: Any) -> Iterator[None]:
        """Ends a closed answer at the next layer: a long prompt is read in one go, without a token to end at."""
        import torch

        lists = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
        hooks = [layer.register_forward_pre_hook(self._check) for layers in lists for layer in layers]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _check(self, *_: Any) -> None:
        if self.closed:
            raise Closed

    def put(self, value: Any) -> None:
        """Called by transformers."""
        self._check()
        if self._ids is None:
            self._ids = []
            return
        self._ids.extend(value.flatten().tolist())
        self.whole = self._ids[-1] in self._ends
        text = self._text()
        self._show(text[: len(text) - self._uncertain(text)])
        if self.whole:
            raise _Ended

    def end(self) -> None:
        """Called by transformers after the last token."""

    def hear(self, what: BaseException | None) -> None:
        """The end of the answer, or what went wrong."""
        self._heard.put(what)

    def texts(self, name: str, deadline: float) -> Iterator[str]:
        """The pieces of text as they come. Raises what went wrong, and TimedOut."""
        while True:
            try:
                heard = self._heard.get(timeout=max(0.0, min(POLL, deadline - time.monotonic())))
            except queue.Empty:
                if time.monotonic() >= deadline:
                    raise timed_out(name) from None
                continue
            if heard is None:
                return
            if isinstance(heard, BaseException):
                raise heard
            yield heard

    def _text(self) -> str:
        """All of the answer so far: a token by itself does not always decode to its part of the text."""
        text: str = self._tokenizer.decode(
            self._ids or [], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        if self._stop and self._stop in text:
            self.whole = True
            text = text[: text.index(self._stop)]
        return text

    def _uncertain(self, text: str) -> int:
        """Length of the end that the next token may change: half a character, or the beginning of the stop text."""
        if text.endswith(BROKEN):
            return len(text) - len(text.rstrip(BROKEN))
        starts = (n for n in range(len(self._stop) - 1, 0, -1) if text.endswith(self._stop[:n]))
        return 0 if self.whole else next(starts, 0)

    def _show(self, text: str) -> None:
        if len(text) > len(self._shown):
            self._heard.put(text[len(self._shown) :])
            self._shown = text
