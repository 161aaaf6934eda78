"""`auto`: the best generator that somebody has configured on purpose.

1. a server of OpenAI's protocol that was named (model.base_url, else OPENAI_BASE_URL) and answers: its first chat model
2. a key in dyag's own settings (model.api_key), and no such server: OpenAI's small model
3. OLLAMA_HOST, where it is set and a server answers there: its first chat model
4. the extractive generator

OPENAI_API_KEY in the environment is not enough: documents are not sent to a company because a key happens to lie around.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from assistant.generators.load import key_of, server
from retrieval.errors import GeneratorFailed

if TYPE_CHECKING:
    from assistant.generators.models.ollama_model import OllamaModel
    from assistant.generators.models.openai_model import OpenAIModel
    from assistant.settings import ModelSettings

SMALL_OPENAI = "openai:gpt-4o-mini"
_NO_CHAT = re.compile(
    r"embed|rerank|whisper|tts|moderation|dall-e|transcribe|image|\b(?:bge|e5|gte|minilm|clip|all-minilm)\b",
    re.IGNORECASE,
)


class Choice(NamedTuple):
    """What `auto` takes, and why, in one line."""

    name: str
    reason: str


def choose(settings: ModelSettings, environ: Mapping[str, str]) -> Choice:
    """The generator for `auto`; asks the servers that are configured, for some seconds at most. Raises BadSetting."""
    notes = []
    url, place = server(settings, environ)
    if url:
        from assistant.generators.models.openai_model import OpenAIModel

        found = _first("openai", OpenAIModel("openai:", "", url, key_of(settings, environ)), place)
        if found.name:
            return found
        notes.append(found.reason)
    elif settings.api_key:
        return Choice(SMALL_OPENAI, "auto: model.api_key is set")
    if host := environ.get("OLLAMA_HOST"):
        from assistant.generators.models.ollama_model import OllamaModel

        found = _first("ollama", OllamaModel("ollama:", "", host), "OLLAMA_HOST")
        if found.name:
            return Choice(found.name, "; ".join([found.reason, *notes]))
        notes.append(found.reason)
    return Choice("extractive", "auto: " + ("; ".join(notes) or "no model is configured"))


def _first(provider: str, model: OpenAIModel | OllamaModel, place: str) -> Choice:
    """The first model of a server that chats; without a name, and with the reason, when there is none."""
    try:
        names = [name for name in model.models() if not _NO_CHAT.search(name)]
    except GeneratorFailed as fault:
        return Choice("", f"{place} was tried: {fault.message.removesuffix('.')}")
    finally:
        model.close()
    if not names:
        return Choice("", f"{place} answers, and lists no chat model")
    first = "its only model" if len(names) == 1 else f"first of {len(names)} models"
    return Choice(f"{provider}:{names[0]}", f"auto: {place} answers, {first}")
