"""Tokens of messages where the model's own tokenizer cannot be asked."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from retrieval.types import Message

PER_MESSAGE = 4
"""Tokens that a chat template puts around a message."""
# Tokenizers in use give prose 3.5 to 5 bytes a token, names and figures fewer.
BYTES_PER_TOKEN = 3
ENCODINGS = "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"


def estimate(messages: Sequence[Message]) -> int:
    """A cautious guess: seldom less than the true number."""
    return sum(-(-len(m.content.encode("utf-8", "replace")) // BYTES_PER_TOKEN) + PER_MESSAGE for m in messages)


def tiktoken_counter(model: str) -> Callable[[str], int] | None:
    """OpenAI's tokenizer when it is installed, knows the model and has its file already: it would download it."""
    if importlib.util.find_spec("tiktoken") is None:
        return None
    tiktoken: Any = importlib.import_module("tiktoken")
    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None
    file = hashlib.sha1(ENCODINGS.format(name=name).encode(), usedforsecurity=False).hexdigest()
    if not (_tiktoken_folder() / file).is_file():
        return None
    encoding = tiktoken.get_encoding(name)
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def _tiktoken_folder() -> Path:
    named = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    return Path(named) if named else Path(tempfile.gettempdir()) / "data-gym-cache"
