"""What is sent fits, nothing is dropped without need, and what is dropped is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.base import Options, Request, Sent, Turn
from assistant.generators.budget import RESERVE, affordable, fit
from assistant.generators.models.fake_model import FakeModel
from assistant.prompts import load_prompts
from assistant.settings import PromptSettings
from retrieval.errors import BadQuestion
from retrieval.types import Message, Passage

PROMPTS = load_prompts(PromptSettings(), Path())
OPTIONS = Options(max_tokens=100)


class Counting(FakeModel):
    """Says how often tokens were counted."""

    counted = 0

    def count(self, messages: Sequence[Message]) -> int:
        self.counted += 1
        return super().count(messages)


def passages(count: int, words: int = 50) -> tuple[Passage, ...]:
    text = " ".join(f"Sentence {i} of some words." for i in range(words // 5))
    return tuple(Passage(i, f"{i}.md", "", f"T{i}", (), text, 1.0, 0.0, 0.0) for i in range(1, count + 1))


def turns(count: int) -> tuple[Turn, ...]:
    return tuple(Turn(f"question {i}", f"answer {i} word {'word ' * 20}. [chunk_{i}] [chunk_9]") for i in range(count))


def request(
    count: int = 10, earlier: int = 3, words: int = 50, question: str = "Which port?", said: str = ""
) -> Request:
    return Request(question, "en", passages(count, words), said=said, history=turns(earlier))


def sent(asked: Request, context: int, options: Options = OPTIONS) -> Sent:
    return fit(asked, PROMPTS, FakeModel(), options, context)


def test_all_is_sent_when_it_fits_and_nothing_is_counted() -> None:
    model = Counting()
    made = fit(request(), PROMPTS, model, OPTIONS, 100_000)
    roles = [m.role for m in made.messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user", "assistant", "user"]
    assert (len(made.passages), made.dropped, model.counted) == (10, "", 0)
    assert made.messages[1].content == "question 0"
    assert "[chunk_" not in made.messages[2].content
    assert made.messages[2].content.startswith("answer 0 word")
    assert made.messages[-1].content.endswith("</document>\n\nQuestion: Which port?")


def test_what_fits_in_doubt_is_counted_once() -> None:
    model = Counting()
    whole = fit(request(), PROMPTS, model, OPTIONS, 100_000).messages
    context = model.count(whole) + OPTIONS.max_tokens + RESERVE
    model.counted = 0
    assert fit(request(), PROMPTS, model, OPTIONS, context).dropped == ""
    assert model.counted == 1
    assert fit(request(), PROMPTS, model, OPTIONS, context - 1).dropped == "1 earlier turn"


def test_earlier_turns_go_before_passages_the_oldest_first() -> None:
    whole = FakeModel().count(sent(request(), 100_000).messages) + OPTIONS.max_tokens + RESERVE
    made = sent(request(), whole - 20)
    assert (made.dropped, made.messages[1].content) == ("1 earlier turn", "question 1")
    made = sent(request(), whole - 150)
    assert made.dropped == "1 passage and 3 earlier turns"
    assert [p.chunk_id for p in made.passages] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_at_last_the_first_passage_is_cut_at_a_sentence() -> None:
    made = sent(request(3, 0, words=500), 600)
    (only,) = made.passages
    assert made.dropped == "2 passages and the end of the first passage"
    assert only.text.endswith("of some words.")
    assert 100 < len(only.text) < len(passages(1, 500)[0].text)
    assert only.text in made.messages[-1].content


def test_a_question_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BadQuestion, match="fake: reads 600 tokens: too few") as failed:
        sent(request(question="why " * 600), 600)
    assert failed.value.hint


def test_passages_that_do_not_fit_at_all_are_no_reason_to_answer_without_any() -> None:
    one = Passage(1, "a", "", "t", (), "word " * 900, 1.0, 0.0, 0.0)
    with pytest.raises(BadQuestion):
        sent(Request("Which?", "en", (one,)), 600)


def test_a_follow_up_is_sent_as_it_was_said_after_what_it_leans_on() -> None:
    asked = request(said="And its port?", question="What is the port of Gitea?")
    assert sent(asked, 100_000).messages[-1].content.endswith("And its port?")
    assert sent(asked, 420).messages[-1].content.endswith("What is the port of Gitea?")
    alone = request(0, 0, said="And its port?", question="What is the port of Gitea?")
    assert sent(alone, 100_000).messages[-1].content == "What is the port of Gitea?"


def test_the_answer_never_takes_more_than_half_of_the_context() -> None:
    assert affordable(Options(max_tokens=5000), 600).max_tokens == 300
    assert affordable(Options(max_tokens=50), 600).max_tokens == 50
    made = sent(request(), 600, Options(max_tokens=5000))
    assert FakeModel().count(made.messages) <= 300
    assert made.passages


def test_without_passages_the_model_is_asked_for_what_it_has_learnt() -> None:
    made = sent(request(0, 0), 4000)
    assert made.messages == (Message("system", PROMPTS.finetuned["en"].system), Message("user", "Which port?"))


@given(
    count=st.integers(0, 8),
    earlier=st.integers(0, 5),
    words=st.integers(5, 120),
    context=st.integers(300, 2500),
    most=st.integers(1, 3000),
)
def test_what_is_sent_always_fits(count: int, earlier: int, words: int, context: int, most: int) -> None:
    options = Options(max_tokens=most)
    asked = request(count, earlier, words)
    model = FakeModel()
    try:
        made = fit(asked, PROMPTS, model, options, context)
    except BadQuestion:
        smallest = fit(request(min(count, 1), 0, 5), PROMPTS, model, Options(max_tokens=1), 100_000).messages
        assert model.count(smallest) + affordable(options, context).max_tokens + RESERVE > context
        return
    assert model.count(made.messages) + affordable(options, context).max_tokens + RESERVE <= context
    whole = (len(made.passages), len(made.messages)) == (count, 2 + 2 * earlier)
    assert (made.dropped == "") == (whole and made.passages == asked.passages)
