"""A generator that asks a language model: prompt, budget, and the one retry layer, the same for every provider."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field

from assistant.generators.base import ChatModel, Cut, Delta, Events, Options, Request, Sent
from assistant.generators.budget import affordable, fit
from assistant.generators.models.faults import ContextTooLong
from assistant.generators.models.steady import steady
from assistant.generators.stop import until
from assistant.prompts import Prompts


@dataclass
class ModelGenerator:
    """Answers from the passages of a request; from what the model has learnt when it has none."""

    model: ChatModel
    prompts: Prompts
    options: Options
    reason: str = ""
    """Why `auto` chose it."""
    name: str = field(init=False)
    takes_time: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self.name = self.model.name

    def generate(self, request: Request) -> Events:
        """`Sent`, then the text; a `Cut` ends it when it was broken off. Raises GeneratorFailed before any text."""
        context = self.model.context()
        try:
            yield from self._asked(request, context)
        except ContextTooLong as fault:
            # The server counts otherwise than we do, or reads less than it told.
            named = fault.limit or context
            yield from self._asked(request, named if named < context else context // 2)

    def warm(self) -> None:
        """Load the model, or reach its server. Raises GeneratorFailed, ModelMissing."""
        self.model.context()

    def _asked(self, request: Request, context: int) -> Events:
        sent: Sent = fit(request, self.prompts, self.model, self.options, context)
        yield sent
        with closing(steady(self.model, sent.messages, affordable(self.options, context))) as pieces:
            for piece in until(pieces, self.options.stop):
                yield piece if isinstance(piece, Cut) else Delta(piece)
