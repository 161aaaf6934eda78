"""A cheap, deterministic embedder: hashed bags of words. Texts that share words are near; nothing is loaded."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from retrieval.embed import Vectors, unit
from retrieval.text import fold

TOKEN = re.compile(r"\w+|[^\w\s]")


class WordEmbedder:
    """Counts its calls; `stop_after` texts it raises KeyboardInterrupt, as a user who loses patience would."""

    dimension = 64

    def __init__(self, window: int = 64, name: str = "words/1") -> None:
        self.window, self.name = window, name
        self.embedded: list[str] = []
        self.stop_after: int | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            if self.stop_after is not None and len(self.embedded) >= self.stop_after:
                raise KeyboardInterrupt
            self.embedded.append(text)
            for word in TOKEN.findall(fold(text)):
                code = zlib.crc32(word.encode("utf-8", "replace"))
                vectors[row, code % self.dimension] += 1.0 if code & 0x10000 else -1.0
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        return unit(vectors)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(TOKEN.findall(text)) for text in texts]

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in TOKEN.finditer(text)]


class HashEmbeddings:
    """The same vectors as a LangChain `Embeddings` (by shape: it needs no base class)."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return WordEmbedder().embed(texts).tolist()  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]
