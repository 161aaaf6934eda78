"""dyag inside LangChain: its embedder is an `Embeddings`, its search a `BaseRetriever`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from words import WordEmbedder
from workspace import Workspace

from retrieval.errors import BadInput, BadQuestion
from retrieval.langchain import DyagEmbeddings, DyagRetriever
from retrieval.search import Searcher

NAMES = ("ada", "bob", "cleo", "dan")


@pytest.fixture
def searcher(workspace: Workspace) -> Iterator[Searcher]:
    for name in NAMES:
        role = "cheffe" if name in ("ada", "cleo") else "chef"
        workspace.write(
            f"{name}.md", f"---\nrole: {role}\n---\n# {name}\n\nLe bureau de {name} est au rez-de-jardin.\n"
        )
    records = '{"_id": "r1", "title": "eve", "text": "Le bureau de eve est au grenier."}\n'
    workspace.write("eve.jsonl", records)
    workspace.sync()
    with workspace.searcher() as searcher:
        yield searcher


def test_the_embedder_is_an_embeddings() -> None:
    embeddings = DyagEmbeddings(WordEmbedder())
    assert isinstance(embeddings, Embeddings)
    texts = ["Le bureau de Bob", "Un autre texte"]
    vectors = embeddings.embed_documents(texts)
    assert np.array(vectors) == pytest.approx(WordEmbedder().embed(texts))
    assert all(type(number) is float for vector in vectors for number in vector)
    assert embeddings.embed_query(texts[1]) == vectors[1]
    assert embeddings.embed_documents([]) == []


def test_the_embedder_works_asynchronously() -> None:
    embeddings = DyagEmbeddings(WordEmbedder())
    assert asyncio.run(embeddings.aembed_query("Bob")) == embeddings.embed_query("Bob")
    assert asyncio.run(embeddings.aembed_documents(["Bob", "Ada"])) == embeddings.embed_documents(["Bob", "Ada"])


def test_the_search_is_a_retriever(searcher: Searcher) -> None:
    retriever = DyagRetriever(searcher=searcher, top_k=2)
    assert isinstance(retriever, BaseRetriever)
    documents = retriever.invoke("Où est le bureau de bob ?")
    assert len(documents) == 2
    assert all(isinstance(document, Document) for document in documents)
    assert "bureau de bob" in documents[0].page_content


def test_a_document_says_where_it_is_from_and_why_it_was_found(searcher: Searcher) -> None:
    question = "Où est le bureau de eve ?"
    (document,) = DyagRetriever(searcher=searcher, top_k=1).invoke(question)
    (passage,) = searcher.search(question, 1).passages
    assert document.metadata == {
        "chunk_id": passage.chunk_id,
        "document": "docs/eve.jsonl",
        "external_id": "r1",
        "title": "eve",
        "score": passage.score,
        "dense": passage.dense,
        "lexical": passage.lexical,
    }
    assert document.id == f"chunk_{passage.chunk_id}"
    assert 0 < document.metadata["score"] <= 1


def test_documents_come_in_the_order_of_the_search(searcher: Searcher) -> None:
    question = "Le bureau de cleo"
    documents = DyagRetriever(searcher=searcher).invoke(question)
    assert [d.metadata["chunk_id"] for d in documents] == [p.chunk_id for p in searcher.search(question).passages]
    assert len(documents) == len(NAMES) + 1


def test_a_batch_answers_each_question(searcher: Searcher) -> None:
    retriever = DyagRetriever(searcher=searcher, top_k=1)
    found = retriever.batch([f"Où est le bureau de {name} ?" for name in NAMES] * 3)
    assert [documents[0].metadata["title"] for documents in found] == [*NAMES] * 3


def test_the_retriever_works_asynchronously(searcher: Searcher) -> None:
    retriever = DyagRetriever(searcher=searcher, top_k=1)
    documents = asyncio.run(retriever.ainvoke("Où est le bureau de dan ?"))
    assert documents[0].metadata["title"] == "dan"


def test_the_retriever_is_part_of_a_chain(searcher: Searcher) -> None:
    chain = DyagRetriever(searcher=searcher, top_k=1) | RunnableLambda(lambda found: found[0].metadata["title"])
    assert chain.invoke("Où est le bureau de ada ?") == "ada"


def test_filters_restrict_what_is_retrieved(searcher: Searcher) -> None:
    retriever = DyagRetriever(searcher=searcher, filters={"role": "cheffe"})
    assert {d.metadata["title"] for d in retriever.invoke("Où est le bureau de bob ?")} == {"ada", "cleo"}
    with pytest.raises(BadInput, match="No document has a `service`"):
        DyagRetriever(searcher=searcher, filters={"service": "x"}).invoke("bureau")


def test_errors_reach_the_caller_as_they_are(searcher: Searcher) -> None:
    with pytest.raises(BadQuestion):
        DyagRetriever(searcher=searcher).invoke(" ")
