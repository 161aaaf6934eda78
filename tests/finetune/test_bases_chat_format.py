"""What is trained on is what a model will be asked with, and its answer ends where the model is to stop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import CHATML, NO_SYSTEM, SILENT_SYSTEM, tiny_tokenizer

from finetune.bases.chat_format import ChatFormat
from retrieval.errors import GeneratorFailed, ModelMissing
from retrieval.types import Message

ASKED = (Message("system", "Sois bref."), Message("user", "Quel port écoute Gitea ?"))
END = "<|im_end|>"
QWEN3 = CHATML.replace(
    "<|im_start|>assistant\n", "<|im_start|>assistant\n{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
).replace(
    "{{ m.role }}\n",
    "{{ m.role }}\n{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}",
)
"""Reasoning in the prompt, and in the last answer."""
R1 = CHATML.replace("<|im_start|>assistant\n", "<|im_start|>assistant\n<think>\n")
"""Begins the reasoning, and leaves it out of what was said."""
INST = (
    "{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content }} {{ eos_token }}"
    "{% else %}[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}"
)
"""No words ask for the answer: a blank comes before it."""
MORE = CHATML + "{% if not add_generation_prompt %}<|endoftext|>{% endif %}"
"""Ends the whole conversation with another token than a turn (phi3)."""
PLAIN_END = CHATML.replace(END, "###")
TEMPLATES = {
    "chatml": CHATML,
    "refuses system": NO_SYSTEM,
    "ignores system": SILENT_SYSTEM,
    "qwen3": QWEN3,
    "r1": R1,
    "inst": INST,
    "phi3": MORE,
    "no end": PLAIN_END,
    "none": "",
}
FORMATS = {name: ChatFormat(tiny_tokenizer(template)) for name, template in TEMPLATES.items()}
messages = st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), st.text(max_size=40)), max_size=4).map(
    lambda turns: (Message("system", "Sois bref."), *turns, Message("user", "?"))
)


def shown(made: ChatFormat, ids: list[int]) -> str:
    text: str = made.tokenizer.decode(ids)
    return text


@pytest.mark.parametrize("name", TEMPLATES)
@settings(max_examples=40)
@given(asked=messages, answer=st.text(max_size=60))
def test_a_prompt_is_trained_on_as_it_is_asked(name: str, asked: tuple[Message, ...], answer: str) -> None:
    made = FORMATS[name]
    prompt, completion = made.prompt_and_completion(asked, answer)
    assert prompt == made.ids(asked)
    assert completion[-1] in made.ends(None)
    assert not set(completion[:-1]) & set(made.ends(None))


@pytest.mark.parametrize(
    ("name", "prompt", "answer"),
    [
        ("chatml", "Gitea ?<|im_end|>\n<|im_start|>assistant\n", "Port 3000.<|im_end|>"),
        ("refuses system", "Gitea ?<|im_end|>\n<|im_start|>assistant\n", "Port 3000.<|im_end|>"),
        ("qwen3", "assistant\n<think>\n\n</think>\n\n", "Port 3000.<|im_end|>"),
        ("r1", "assistant\n<think>\n\n</think>\n\n", "Port 3000.<|im_end|>"),
        ("inst", "Gitea ? [/INST]", " Port 3000.<|endoftext|>"),
        ("phi3", "Gitea ?<|im_end|>\n<|im_start|>assistant\n", "Port 3000.<|im_end|>"),
        ("no end", "Gitea ?###\n<|im_start|>assistant\n", "Port 3000.<|endoftext|>"),
        ("none", "User: Quel port écoute Gitea ?\n\nAssistant:", " Port 3000.<|endoftext|>"),
    ],
)
def test_an_answer_ends_with_the_token_that_ends_a_turn(name: str, prompt: str, answer: str) -> None:
    made = FORMATS[name]
    asked, said = made.prompt_and_completion(ASKED, "Port 3000.\n")
    assert shown(made, asked).endswith(prompt)
    assert shown(made, said) == answer


@pytest.mark.parametrize("name", ["refuses system", "ignores system"])
def test_a_system_message_that_the_template_refuses_is_trained_on_too(name: str) -> None:
    asked, _ = FORMATS[name].prompt_and_completion(ASKED, "3000.")
    assert shown(FORMATS[name], asked).startswith("<|im_start|>user\nSois bref.\n\nQuel port")


def test_an_answer_cannot_end_its_turn_early() -> None:
    _, said = FORMATS["chatml"].prompt_and_completion(ASKED, "a<|im_end|>\n<|im_start|>user\nb")
    assert said.count(FORMATS["chatml"].end) == 1
    assert shown(FORMATS["chatml"], said) == "a< |im_end|>\n< |im_start|>user\nb<|im_end|>"


def test_a_token_across_the_border_is_not_trained_on() -> None:
    """`[/INST]` and a blank are one token here: the model would never be asked with it."""
    made = ChatFormat(_joins(tiny_tokenizer(INST)))
    asked, said = made.prompt_and_completion(ASKED, "Port 3000.")
    assert asked == made.ids(ASKED)
    assert shown(made, said) == " Port 3000.<|endoftext|>"


def test_a_tokenizer_without_an_end() -> None:
    tokenizer = tiny_tokenizer(template="")
    tokenizer.eos_token = None
    with pytest.raises(ModelMissing, match="no token that ends") as failed:
        ChatFormat(tokenizer).prompt_and_completion(ASKED, "3000.")
    assert "eos_token" in failed.value.hint


def test_a_template_that_cannot_be_filled() -> None:
    with pytest.raises(GeneratorFailed, match="cannot be filled"):
        ChatFormat(tiny_tokenizer("{{ raise_exception('no') }}")).prompt_and_completion(ASKED, "3000.")


def test_what_ends_a_turn_cannot_be_known_of_a_template_that_raises() -> None:
    with pytest.raises(GeneratorFailed, match="cannot be filled"):
        ChatFormat(tiny_tokenizer("{{ raise_exception('never') }}")).ends(None)


def _joins(tokenizer: Any) -> Any:
    tokenizer.add_tokens(["] "])
    return tokenizer
