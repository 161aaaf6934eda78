"""What asking a teacher will take, told before it starts: calls, tokens, dollars, time. All of it is rough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from finetune.prices import Prices
from finetune.teacher.prompts import Reading, answering, asking
from retrieval.types import Message

LOCAL = ("ollama", "hf", "fake")
"""Providers that run on machines of one's own."""
BYTES_PER_TOKEN = 3.5
"""Of prose in French and English; names and figures take more tokens."""
PER_MESSAGE = 4
"""Tokens that a chat template puts around a message."""
QUESTION_TOKENS = 130
"""Of a question with its answer, quote and type in JSON."""
ANSWER_TOKENS = 50
"""Of a second answer."""
TOKENS_PER_SECOND = 40.0
"""That one worker is assumed to get from a model."""
WAIT_SECONDS = 1.0
"""Assumed before the first of them."""
PASSAGES = 5
"""Of a second answer's prompt; see method.SHOWN."""

Messages = Sequence[Message]
Kept = Callable[[Messages], bool]


@dataclass(frozen=True)
class Work:
    """Calls to one model. Tokens are of those that are still to be made."""

    model: str
    calls: int
    kept: int
    """Calls that were made and paid before."""
    prompt_tokens: int
    output_tokens: int

    @property
    def local(self) -> bool:
        return self.model.partition(":")[0] in LOCAL

    @property
    def left(self) -> int:
        return self.calls - self.kept


@dataclass(frozen=True)
class Estimate:
    """What some work will take."""

    works: tuple[Work, ...]
    workers: int
    dollars: float | None
    """None when the price of a model is not known."""
    as_of: str
    """The day the prices are of; empty when none is needed, or known."""

    @property
    def free(self) -> bool:
        """Whether nobody is paid: every model runs on a machine of one's own."""
        return all(work.local for work in self.works)

    @property
    def calls(self) -> int:
        return sum(work.calls for work in self.works)

    @property
    def kept(self) -> int:
        return sum(work.kept for work in self.works)

    @property
    def seconds(self) -> float:
        """Assuming TOKENS_PER_SECOND for each worker."""
        each = sum(work.left * WAIT_SECONDS + work.output_tokens / TOKENS_PER_SECOND for work in self.works)
        return each / max(1, self.workers)

    def lines(self) -> list[str]:
        """For a person to read before saying yes."""
        prompt, output = (sum(getattr(work, f"{kind}_tokens") for work in self.works) for kind in ("prompt", "output"))
        kept = f", {self.kept} of them paid before" if self.kept else ""
        each = f"{self.workers} worker{'s' * (self.workers > 1)} of {TOKENS_PER_SECOND:g} tokens a second"
        return [
            f"calls: about {self.calls} to {' and '.join(dict.fromkeys(work.model for work in self.works))}{kept}",
            f"tokens: about {prompt:,} to read and {output:,} to write",
            f"cost: {self._cost()}",
            f"time: about {_time(self.seconds)}, assuming {each}",
        ]

    def _cost(self) -> str:
        if self.free:
            return "free, on a machine of one's own"
        if self.dollars is None:
            return "price unknown; data/prices.toml may name it"
        return f"about ${self.dollars:.2f}, by the prices of {self.as_of}"


def estimate(works: Iterable[Work], prices: Prices, workers: int) -> Estimate:
    """What the work will take altogether."""
    works = tuple(works)
    paid = [(work, prices.of(work.model)) for work in works if not work.local]
    dollars: float | None = 0.0
    for work, price in paid:
        if price is None or dollars is None:
            dollars = None
        else:
            dollars += (work.prompt_tokens * price.input + work.output_tokens * price.output) / 1e6
    days = {price.as_of for _, price in paid if price is not None}
    return Estimate(works, workers, dollars, ", ".join(sorted(days)) if dollars is not None else "")


def work_of(model: str, prompts: Iterable[Messages], output_tokens: int, kept: Kept) -> Work:
    """One call for each prompt, each with about so many tokens of output."""
    calls = done = tokens = 0
    for messages in prompts:
        calls += 1
        if kept(messages):
            done += 1
        else:
            tokens += tokens_of(messages)
    return Work(model, calls, done, tokens, (calls - done) * output_tokens)


def teaching(teacher: str, judge: str, readings: Iterable[Reading], per_chunk: int, kept: Kept) -> tuple[Work, Work]:
    """The calls about some chunks, and those for second answers: one for each question, and for a refusal, at most."""
    sizes: list[int] = []

    def prompts() -> Iterable[Messages]:
        for reading in readings:
            sizes.append(len(reading.text.encode("utf-8", "replace")))
            yield asking(reading, per_chunk)

    asked = work_of(teacher, prompts(), (per_chunk + 1) * QUESTION_TOKENS, kept)
    # What is found is taken to be as long as what is read; where a chunk was paid for, so were its second answers.
    found = ["x" * (sum(sizes) // max(1, len(sizes)))] * PASSAGES
    prompt = tokens_of(answering("x" * 80, found, "x" * 50, "fr"))
    each = per_chunk + 1
    blind = Work(
        judge, asked.calls * each, asked.kept * each, asked.left * each * prompt, asked.left * each * ANSWER_TOKENS
    )
    return asked, blind


def tokens_of(messages: Messages) -> int:
    """A guess at the tokens of a prompt."""
    return sum(round(len(m.content.encode("utf-8", "replace")) / BYTES_PER_TOKEN) + PER_MESSAGE for m in messages)


def _time(seconds: float) -> str:
    if seconds < 60:
        return "a minute at most"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
