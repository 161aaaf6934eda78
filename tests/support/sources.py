"""Documents to make datasets from, without files."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from finetune.generate.catalogue import Catalogue
from finetune.generate.fields import fields
from finetune.sources import SourceChunk, SourceDocument
from retrieval.facts import field_lines
from retrieval.types import Language


def document(
    text: str = "",
    title: str = "Redis",
    language: Language = "fr",
    number: int = 1,
    metadata: dict[str, Any] | None = None,
) -> SourceDocument:
    """A document of one chunk, headed by its fields as an index would have it."""
    head = field_lines(metadata or {})
    chunk = SourceChunk(number, f"{head}\n\n{text}".strip())
    return SourceDocument(number, f"{title}.md", title, language, (chunk,), metadata or {}, (number,))


def catalogue(folder: Path, *documents: SourceDocument, split: str = "train") -> Catalogue:
    """What these documents state, all in one split."""
    made = Catalogue(folder / "catalogue.sqlite3")
    for one in documents:
        made.add(one, fields(one))
    made.finish({one.id: split for one in documents})
    return made


def rng(seed: int = 1) -> random.Random:
    return random.Random(f"test:{seed}")
