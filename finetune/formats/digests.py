"""Rows as numbers of 8 bytes, so that millions can be compared: as they stand, and whatever their case and accents."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from finetune.formats.contexts import without_documents
from finetune.formats.row import Row
from retrieval.text import fold, words


def digest(parts: Iterable[str]) -> int:
    """The same for the same texts, on any machine."""
    said = blake2b(digest_size=8)
    for part in parts:
        data = part.encode("utf-8", "replace")
        said.update(len(data).to_bytes(8, "big") + data)
    return int.from_bytes(said.digest(), "big")


def exact(row: Row) -> int:
    """Rows that teach the same, word for word."""
    return digest((row.kind, str(row.label), *row.texts()))


def near(row: Row) -> int:
    """Rows that teach the same, but for case, accents and punctuation."""
    return digest((row.kind, str(row.label), *map(plain, row.texts())))


def prompt(row: Row) -> int:
    """Rows that are asked the same (the documents in the prompt included); pairs and ratings also answer the same."""
    if row.kind in ("dpo", "kto", "text"):
        return near(row)
    return digest(plain(message.content) for message in row.prompt if message.role != "system")


def question(row: Row) -> int:
    """Rows that ask the same in the same conversation, whatever documents stand with it; of a text, the text."""
    asked = [without_documents(message.content) for message in row.prompt if message.role != "system"]
    return digest(map(plain, asked or [row.answer]))


@lru_cache(maxsize=16)
def plain(text: str) -> str:
    """The words of a text, without case, accents and punctuation; a text without words as it is."""
    return " ".join(words(text.lower() if text.isascii() else fold(text))) or text.strip()
