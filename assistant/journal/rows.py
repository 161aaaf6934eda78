"""A turn as a row of the journal, and back."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.journal.values import Interaction
from assistant.sanitize import without_passwords
from retrieval.database import Database
from retrieval.types import Answer, Citation, Message, Passage

_COPIED = (
    "question", "searched", "language", "mode", "generator", "generation", "unknown_citations", "answer", "refused",
    "partial", "dropped", "confidence", "seconds",
)  # fmt: skip
"""Fields of an answer that are columns of the same name."""
_NAMES = ("id", "session_id", *_COPIED, "settings", "passages", "messages", "citations", "author", "created")
COLUMNS = ", ".join(_NAMES)


def row_of(session_id: int, answer: Answer, settings: Mapping[str, Any], author: str, created: float) -> dict[str, Any]:
    """The columns of a new turn. Settings that are secret are left out."""
    passages = _json(answer.passages)
    return {
        "session_id": session_id,
        **{name: storable(getattr(answer, name)) for name in _COPIED},
        "settings": json.dumps(_public(settings), default=str),
        "passages": _packed(passages),
        "messages": _packed(_json(answer.messages), passages) if answer.messages else b"",
        "citations": _json(answer.citations),
        "author": storable(author),
        "created": created,
    }


def interaction_of(row: Sequence[Any], file: Database) -> Interaction:
    """The turn of a row of `COLUMNS`. Raises LibraryDamaged."""
    fields = dict(zip(_NAMES, row, strict=True))
    try:
        passages = _unpacked(fields["passages"])
        messages = _unpacked(fields["messages"], passages) if fields["messages"] else "[]"
        made = {
            "refused": bool(fields["refused"]),
            "settings": file.parsed(fields["settings"], dict),
            "passages": tuple(Passage(**{**p, "headings": tuple(p["headings"])}) for p in file.parsed(passages, list)),
            "messages": tuple(Message(**m) for m in file.parsed(messages, list)),
            "citations": tuple(Citation(**c) for c in file.parsed(fields["citations"], list)),
        }
        return Interaction(**{**fields, **made})
    except (zlib.error, UnicodeDecodeError, KeyError, TypeError) as error:
        raise file.damaged(f"answer {row[0]}: {error}") from error


def storable(value: Any) -> Any:
    """A text without the halves of characters that a terminal in another encoding leaves; SQLite takes none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _public(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Without the values that are secret, at any depth, and the passwords in addresses."""
    from assistant.settings import SECRET

    kept = {name: value for name, value in settings.items() if not name.endswith(SECRET)}
    return {name: _shown(value) for name, value in kept.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _public(value)
    return without_passwords(value) if isinstance(value, str) else value


def _json(values: Sequence[Any]) -> str:
    return json.dumps([dataclasses.asdict(value) for value in values])


def _packed(text: str, known: str = "") -> bytes:
    """Compressed; `known`: a text that this one repeats, whose repetitions then cost nearly nothing."""
    packer = zlib.compressobj(zdict=known.encode()) if known else zlib.compressobj()
    return packer.compress(text.encode()) + packer.flush()


def _unpacked(data: bytes, known: str = "") -> str:
    """Raises zlib.error."""
    unpacker = zlib.decompressobj(zdict=known.encode()) if known else zlib.decompressobj()
    return (unpacker.decompress(data) + unpacker.flush()).decode()
