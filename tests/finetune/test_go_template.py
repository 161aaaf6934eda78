"""A chat format in Ollama's words: the Go template writes what the model's own template does."""

from __future__ import annotations

from typing import Any

import pytest
from families import PHI3
from go_template import GoError, render
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import CHATML, NO_SYSTEM, SILENT_SYSTEM, tiny_tokenizer

from finetune.bases.chat_format import ChatFormat
from finetune.export.go_template import PROBES, TemplateFailed, Turns, turns_of
from retrieval.types import Message

QWEN = "{% if messages[0].role != 'system' %}<|im_start|>system\nBe useful.<|im_end|>\n{% endif %}" + CHATML
LLAMA3 = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set told = messages[0].content %}"
    "{% set messages = messages[1:] %}{% else %}{% set told = '' %}{% endif %}"
    "<|head|>system<|/head|>\n\nToday Date: 26 Jul 2024\n\n{{ told }}<|eot|>"
    "{% for m in messages %}<|head|>{{ m.role }}<|/head|>\n\n{{ m.content }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|head|>assistant<|/head|>\n\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set told = messages[0].content + '\n\n' %}"
    "{% set messages = messages[1:] %}{% else %}{% set told = '' %}{% endif %}"
    "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ told if loop.last else '' }}{{ m.content }}[/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
INST = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}{% else %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
)
ZEPHYR = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
HEADINGS = (
    "{% for m in messages %}### {{ m.role | capitalize }}:\n{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}### Assistant:\n{% endif %}"
)
BRACES = "{% for m in messages %}{{ '{{\"' }}{{ m.role }}{{ '\"}} {' }}{{ m.content }}{% endfor %}{{ '\"\"\"{{a' }}"
FORMATS = {
    "chatml": CHATML, "no system": NO_SYSTEM, "silent system": SILENT_SYSTEM, "qwen": QWEN, "llama3": LLAMA3,
    "mistral": MISTRAL, "inst": INST, "zephyr": ZEPHYR, "phi3": PHI3, "headings": HEADINGS, "braces": BRACES, "plain": "",
}  # fmt: skip
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=30).filter(
    lambda text: text == text.strip()
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    made = tiny_tokenizer()
    made.bos_token = "<|endoftext|>"
    return made


@pytest.fixture(params=FORMATS)
def chat(request: pytest.FixtureRequest, tokenizer: Any) -> ChatFormat:
    tokenizer.chat_template = FORMATS[request.param] or None
    return ChatFormat(tokenizer)


def in_ollama(template: str, messages: list[Message]) -> str:
    """As Ollama fills a template: system messages are also one of their own."""
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    return render(template, {"System": system, "Messages": [{"Role": m.role, "Content": m.content} for m in messages]})


def test_it_writes_every_conversation_as_the_model_was_trained(chat: ChatFormat) -> None:
    turns = turns_of(chat)
    for probe in PROBES:
        assert in_ollama(turns.go(), list(probe)) == turns.text(probe) == chat.text(probe)


@settings(max_examples=40)
@given(st.sampled_from(sorted(FORMATS)), st.one_of(st.none(), TEXT), st.lists(TEXT, min_size=1, max_size=5))
def test_of_any_texts(tokenizer: Any, name: str, system: str | None, said: list[str]) -> None:
    tokenizer.chat_template = FORMATS[name] or None
    said = said if len(said) % 2 else said[:-1]
    told = [Message("system", system)] if system is not None else []
    messages = [*told, *(Message("assistant" if i % 2 else "user", text) for i, text in enumerate(said))]
    chat = ChatFormat(tokenizer)
    assert in_ollama(turns_of(chat).go(), messages) == chat.text(messages)


def test_the_token_that_ollama_puts_in_front_is_left_out(tokenizer: Any) -> None:
    tokenizer.chat_template = LLAMA3
    chat = ChatFormat(tokenizer)
    bare = turns_of(chat).without("<|endoftext|>")
    for probe in PROBES:
        assert "<|endoftext|>" + in_ollama(bare.go(), list(probe)) == chat.text(probe)


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ loop.index }}: {{ m.content }}\n{% endfor %}",
        "{% for m in messages %}{{ m.content | upper }}\n{% endfor %}",
        "{{ messages[-1].content }}:",
        "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
    ],
)
def test_a_template_that_says_more_is_refused(tokenizer: Any, template: str) -> None:
    tokenizer.chat_template = template
    with pytest.raises(TemplateFailed, match="cannot be said in Ollama's") as error:
        turns_of(ChatFormat(tokenizer))
    assert "dyag export-gguf" in error.value.hint


def test_an_answer_that_is_begun_is_gone_on_with(tokenizer: Any) -> None:
    tokenizer.chat_template = CHATML
    begun = [Message("user", "Quel port ?"), Message("assistant", "Le port")]
    made = in_ollama(turns_of(ChatFormat(tokenizer)).go(), begun)
    assert made.endswith("<|im_start|>assistant\nLe port")


@given(st.lists(st.text(st.sampled_from('{}"\\ .-\na'), max_size=8), min_size=7, max_size=7))
def test_no_text_between_messages_is_read_as_a_mark(texts: list[str]) -> None:
    turns = Turns(texts[0], (texts[1], texts[2]), texts[3], *texts[4:])
    messages = [Message("system", "S"), Message("user", "U"), Message("assistant", "A"), Message("user", "V")]
    assert in_ollama(turns.go(), messages) == turns.text(messages)
    assert '"""' not in turns.go()


@pytest.mark.parametrize(
    "bad", ["{{ if .System }}", "{{ end }}", "{{ .Nothing }}", "{{ unknown 1 }}", "{{ $x }}", "{{ ", "{{{ . }}"]
)
def test_the_stand_in_for_go_is_as_strict(bad: str) -> None:
    with pytest.raises(GoError):
        render(bad, {"System": "", "Messages": []})


def test_trimming_as_go_does() -> None:
    assert render("a \n{{- .System -}}\n b", {"System": "x", "Messages": []}) == "axb"
