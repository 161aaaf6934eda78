"""A generator over a model: what it yields, and what it does when the server reads less than we count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from assistant.generators.base import Cut, Delta, Event, Options, Request, Sent, Turn
from assistant.generators.model import ModelGenerator
from assistant.generators.models.fake_model import FakeModel, Reply
from assistant.generators.models.faults import ContextTooLong, Unauthorized
from assistant.prompts import load_prompts
from assistant.settings import PromptSettings
from retrieval.errors import GeneratorFailed
from retrieval.types import Message, Passage

PROMPTS = load_prompts(PromptSettings(), Path())
PASSAGES = tuple(
    Passage(i, f"{i}.md", "", "T", (), "The port is 3000. " + "More words. " * 40, 1.0, 0.0, 0.0) for i in range(1, 6)
)
ASKED = Request("Which port?", "en", PASSAGES, history=(Turn("Who?", "Nobody."),))


def generator(*replies: Reply, options: Options | None = None) -> tuple[ModelGenerator, FakeModel]:
    model = FakeModel(replies=replies or None)
    return ModelGenerator(model, PROMPTS, options or Options()), model


def text(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def test_what_is_sent_is_told_before_the_answer() -> None:
    made, model = generator(Reply("Port 3000 [chunk_1]."))
    first, *rest = made.generate(ASKED)
    assert isinstance(first, Sent)
    assert first.messages == model.history[0]
    assert (first.passages, first.dropped) == (PASSAGES, "")
    assert text(rest) == "Port 3000 [chunk_1]."
    assert (made.name, made.takes_time, made.reason) == ("fake:", True, "")


def test_nothing_is_asked_before_the_answer_is_wanted() -> None:
    made, model = generator(Reply("a"))
    with closing(made.generate(ASKED)) as events:
        next(events)
    assert model.history == []


def test_an_answer_that_breaks_off_is_kept_and_ends_with_the_reason() -> None:
    made, _ = generator(Reply("Port 30", fault="reset"))
    *rest, last = made.generate(ASKED)
    assert text(rest) == "Port 30"
    assert isinstance(last, Cut)
    assert "reset" in last.reason


def test_a_fault_before_the_answer_is_raised() -> None:
    made, _ = generator(Reply(fault="401"))
    with pytest.raises(Unauthorized):
        list(made.generate(ASKED))


class Small(FakeModel):
    """A server that says at the first question, or every time, how little it reads."""

    limit: int | None = None
    always = False

    def stream(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        self.asked = options
        if self.always or not self.history:
            self.history.append(tuple(messages))
            raise ContextTooLong("too long", "", self.limit)
        return super().stream(messages, options)


@pytest.mark.parametrize("limit", [700, None, 99_999])
def test_a_server_that_reads_less_is_asked_again_with_less(limit: int | None) -> None:
    model = Small(replies=[Reply("Port 3000.")], window=2000)
    model.limit = limit
    events = list(ModelGenerator(model, PROMPTS, Options()).generate(ASKED))
    first, second = (event for event in events if isinstance(event, Sent))
    assert first.dropped == ""
    assert "passage" in second.dropped
    assert "1 earlier turn" in second.dropped
    assert model.count(second.messages) + model.asked.max_tokens <= (700 if limit == 700 else 1000)
    assert text(events) == "Port 3000."


def test_a_server_that_goes_on_refusing_is_asked_twice() -> None:
    model = Small(window=1400)
    model.always = True
    with pytest.raises(ContextTooLong):
        list(ModelGenerator(model, PROMPTS, Options()).generate(ASKED))
    assert len(model.history) == 2


def test_an_answer_that_nobody_reads_any_more_is_broken_off() -> None:
    made, model = generator(Reply("x" * 1000, delay=0.01))
    with closing(made.generate(ASKED)) as events:
        next(events)
        next(events)
    assert model._closed.is_set()


def test_a_model_is_reached_when_it_is_warmed() -> None:
    class Gone(FakeModel):
        def context(self) -> int:
            raise GeneratorFailed("gone")

    with pytest.raises(GeneratorFailed, match="gone"):
        ModelGenerator(Gone(), PROMPTS, Options()).warm()
