"""The peer: the LangChain stack a user would write by hand, as its tutorials put it together.

Chroma persisted on disk + HuggingFaceEmbeddings on the same MiniLM weights as ours (the packaged folder, by
sentence-transformers) + RecursiveCharacterTextSplitter(1000, 200) + BM25Retriever + EnsembleRetriever(0.5, 0.5).
BM25Retriever keeps nothing on disk, so opening reads the chunks back from Chroma and builds it again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.minilm import packaged_model

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

NAME = "LangChain (Chroma + BM25Retriever + EnsembleRetriever)"
RETRIEVED = 10
"""Chunks each of the two retrievers returns."""
PAGE = 20_000
"""Chunks read back at once: Chroma 1.5.9 fails with "too many SQL variables" on a `get` of 100,000."""


def minilm(threads: int) -> Embeddings:
    """The packaged MiniLM by sentence-transformers, on as many threads as ours gets."""
    import torch
    from langchain_huggingface import HuggingFaceEmbeddings

    torch.set_num_threads(threads)
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    return HuggingFaceEmbeddings(model_name=str(packaged_model()))


def split(texts: Sequence[str], ids: Sequence[str]) -> list[Document]:
    """Chunks of 1,000 characters that overlap by 200, each knowing its document's id."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    return splitter.create_documents(list(texts), metadatas=[{"document": i} for i in ids])


def build(folder: Path, chunks: Sequence[Document], embeddings: Embeddings) -> None:
    """Embed the chunks and persist them in a new Chroma folder."""
    from langchain_chroma import Chroma

    shutil.rmtree(folder, ignore_errors=True)
    Chroma.from_documents(list(chunks), embeddings, persist_directory=str(folder))


def open_retriever(folder: Path, embeddings: Embeddings) -> Any:
    """The ensemble over a persisted folder."""
    from langchain_chroma import Chroma
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_core.documents import Document

    store = Chroma(persist_directory=str(folder), embedding_function=embeddings)
    chunks = []
    for start in range(0, store._collection.count(), PAGE):
        held = store.get(include=["documents", "metadatas"], limit=PAGE, offset=start)
        pairs = zip(held["documents"], held["metadatas"], strict=True)
        chunks += [Document(page_content=text, metadata=metadata) for text, metadata in pairs]
    bm25 = BM25Retriever.from_documents(chunks, k=RETRIEVED)
    dense = store.as_retriever(search_kwargs={"k": RETRIEVED})
    return EnsembleRetriever(retrievers=[bm25, dense], weights=[0.5, 0.5])


def built(folder: Path, texts: Sequence[str], ids: Sequence[str], embeddings: Embeddings) -> Path:
    """A persisted folder of these documents, built unless it is there already."""
    print_of = hashlib.sha256(json.dumps([list(texts), list(ids)]).encode()).hexdigest()
    mark = folder.with_name(f"{folder.name}.sha256")
    if not (mark.is_file() and mark.read_text() == print_of):
        folder.parent.mkdir(parents=True, exist_ok=True)
        mark.unlink(missing_ok=True)
        build(folder, split(texts, ids), embeddings)
        mark.write_text(print_of)
    return folder
