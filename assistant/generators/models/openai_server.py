"""What an OpenAI-compatible server tells of a model: its context and its tokens. The protocol itself has neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from assistant.generators.models.tokens import PER_MESSAGE, estimate, tiktoken_counter
from retrieval.types import Message

OPENAI = "https://api.openai.com/v1"
UNKNOWN_CONTEXT = 8192
# Tokens, by the longest prefix of a model's name; OpenAI's own models have at least 128,000 since gpt-4-turbo.
OPENAI_CONTEXT = {
    "": 128_000, "gpt-3.5": 16_385, "gpt-4": 8192, "gpt-4-turbo": 128_000, "gpt-4o": 128_000, "gpt-4.1": 1_047_576,
    "gpt-5": 400_000, "o1": 200_000, "o3": 200_000, "o4": 200_000,
}  # fmt: skip
# Names of the context in a server's list of models: vLLM; OpenRouter and Together; Groq; Mistral; SGLang.
_IN_LIST = ("max_model_len", "context_length", "context_window", "max_context_length", "max_total_tokens")

Ask = Callable[[str, Any], Any]
"""(address, body or None for GET) to the parsed answer; None when the server does not know the address."""
Count = Callable[[Sequence[Message]], int | None]


def context_of(ask: Ask, base_url: str, model: str) -> int:
    """Tokens the model reads on this server."""
    if is_openai(base_url):
        base = model.removeprefix("ft:")
        return OPENAI_CONTEXT[max((p for p in OPENAI_CONTEXT if base.startswith(p)), key=len)]
    return next((n for n in _told(ask, base_url, model) if n), UNKNOWN_CONTEXT)


def counters(ask: Ask, base_url: str, model: str) -> Iterator[Count]:
    """Ways to count tokens, best first; one that does not work here answers None. The last always works."""
    root = _root(base_url)

    def vllm(messages: Sequence[Message]) -> int | None:
        sent = [{"role": m.role, "content": m.content} for m in messages]
        return _number(ask(f"{root}/tokenize", {"model": model, "messages": sent}), "count")

    def llama_cpp(messages: Sequence[Message]) -> int | None:
        answer = ask(f"{root}/tokenize", {"content": "\n".join(m.content for m in messages)})
        tokens = answer.get("tokens") if isinstance(answer, dict) else None
        # A server of another kind may answer with an empty list.
        return len(tokens) + PER_MESSAGE * len(messages) if isinstance(tokens, list) and tokens else None

    if not is_openai(base_url):
        yield from (vllm, llama_cpp)
    if (tiktoken := tiktoken_counter(model)) is not None:
        yield lambda messages: sum(tiktoken(m.content) + PER_MESSAGE for m in messages)
    yield estimate


def is_openai(base_url: str) -> bool:
    return base_url.startswith("https://api.openai.com")


def _told(ask: Ask, base_url: str, model: str) -> Iterator[int | None]:
    root = _root(base_url)
    entry = _entry(ask(f"{base_url}/models", None), model)
    yield next((n for name in _IN_LIST if (n := _number(entry, name))), None)
    props = ask(f"{root}/props", None)  # llama.cpp
    yield _number(props.get("default_generation_settings") if isinstance(props, dict) else None, "n_ctx")
    loaded = ask(f"{root}/api/v0/models/{model}", None)  # LM Studio
    yield _number(loaded, "loaded_context_length") or _number(loaded, "max_context_length")


def _entry(listed: Any, model: str) -> Any:
    """The model's entry in a list of models, whatever came."""
    entries = listed.get("data") if isinstance(listed, dict) else None
    named = [e for e in entries if isinstance(e, dict) and e.get("id") == model] if isinstance(entries, list) else []
    return named[0] if named else None


def _number(data: Any, key: str) -> int | None:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _root(base_url: str) -> str:
    return base_url.removesuffix("/v1")
