"""dyag for LangChain users: our embedder as `Embeddings`, our search as a `BaseRetriever`.

from retrieval.langchain import DyagEmbeddings, DyagRetriever
retriever = DyagRetriever(searcher=app.searcher, top_k=5)        # app: assistant.app.App
documents = retriever.invoke("Quel port écoute PostgreSQL ?")
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from retrieval.embed import Embedder
from retrieval.search import Searcher


class DyagEmbeddings(Embeddings):
    """A dyag embedder as LangChain `Embeddings`; unit vectors, one list of floats a text."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.embedder.embed(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class DyagRetriever(BaseRetriever):
    """dyag's hybrid search as a LangChain retriever; scores and ids are in each document's metadata."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    searcher: Searcher
    top_k: int = 10
    filters: dict[str, str] | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        found = self.searcher.search(query, self.top_k, filters=self.filters)
        return [Document(page_content=p.text, metadata=_metadata(p), id=f"chunk_{p.chunk_id}") for p in found.passages]


def _metadata(passage: Any) -> dict[str, Any]:
    names = ("chunk_id", "document", "external_id", "title", "score", "dense", "lexical")
    return {name: getattr(passage, name) for name in names}
