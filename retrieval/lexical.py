"""BM25 over chunks, for French and English (the only module that imports tantivy).

Each chunk is indexed under both analyses, `fr` and `en`, and a query is searched under its own language, so a French
question finds an English sheet by the words they share. Analysis: lower case, elisions split (l', d', qu'), stop words
dropped, accents folded, Snowball stem; codes and acronyms stay whole words. The title counts once inside the body and
again, at a third of the weight, as a field of its own.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tantivy

from retrieval.files import probe
from retrieval.types import Language

TITLE_BOOST = 0.3
"""Measured: +4 points of recall@1 on FAQ-like titles (cnil-fr), nothing lost elsewhere; see docs/experiments.md."""
WRITER_MEMORY = 64_000_000
SHORT = 300
"""Characters of a text whose terms are kept for the next time."""
MAX_TERMS = 64
"""Distinct query terms searched; a pasted page would otherwise cost seconds."""
_STEMMERS: dict[Language, str] = {"fr": "french", "en": "english"}
# Words, with the + and # of C++ and C#.
_TOKEN = r"[\p{L}\p{N}]+(?:\+\+|#)?"


@dataclass(frozen=True)
class Entry:
    """What the lexical index stores of a chunk."""

    chunk_id: int
    title: str
    body: str


@functools.cache
def analyzer(language: Language) -> tantivy.TextAnalyzer:
    """The analysis of one language, the same for chunks and queries."""
    name = _STEMMERS[language]
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_TOKEN)).filter(tantivy.Filter.lowercase())
    builder = builder.filter(tantivy.Filter.stopword(name)).filter(tantivy.Filter.ascii_fold())
    return builder.filter(tantivy.Filter.stemmer(name)).build()


def analyze(text: str, language: Language) -> list[str]:
    """Index terms of `text`, in order, stop words dropped."""
    return list(_terms(text, language)) if len(text) <= SHORT else analyzer(language).analyze(text)


@functools.lru_cache(4096)
def _terms(text: str, language: Language) -> tuple[str, ...]:
    """Of a sentence, a title, a word: each question about a document asks for the same ones again."""
    return tuple(analyzer(language).analyze(text))


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("chunk", stored=True, indexed=True, fast=True)
    for language in _STEMMERS:
        builder.add_text_field(f"body_{language}", tokenizer_name=language, index_option="freq")
        builder.add_text_field(f"title_{language}", tokenizer_name=language, index_option="freq")
    return builder.build()


def _register(index: tantivy.Index) -> tantivy.Index:
    for language in _STEMMERS:
        index.register_tokenizer(language, analyzer(language))
    return index


def build(folder: Path, entries: Iterable[Entry]) -> None:
    """Write a new index of `entries` into the empty `folder`. Raises OSError when it cannot be written."""
    with _system_errors(folder):
        index = _register(tantivy.Index(_schema(), path=str(folder)))
        writer = index.writer(WRITER_MEMORY, 1)
        try:
            for entry in entries:
                writer.add_document(_document(entry))
            writer.commit()
            writer.wait_merging_threads()
        finally:
            del writer  # ends its threads, which would go on writing to a folder that is being removed


def _document(entry: Entry) -> tantivy.Document:
    body, title = f"{entry.title}\n{entry.body}", entry.title
    return tantivy.Document(chunk=entry.chunk_id, body_fr=body, body_en=body, title_fr=title, title_en=title)


@contextmanager
def _system_errors(folder: Path) -> Iterator[None]:
    """tantivy tells of a full disk by a ValueError whose text names the system's error, or says that a thread ended."""
    try:
        yield
    except ValueError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            probe(folder)
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


class LexicalIndex:
    """A finished index, read only."""

    def __init__(self, folder: Path) -> None:
        if not os.access(folder, os.W_OK):
            folder = self._copied(folder)
        self._index = _register(tantivy.Index.open(str(folder)))
        self._schema = self._index.schema
        self._searcher = self._index.searcher()

    def _copied(self, folder: Path) -> Path:
        """A copy that lives as long as this: tantivy takes a lock file to open an index, also where nothing can be written."""
        copy = Path(tempfile.mkdtemp(prefix="dyag-"))
        weakref.finalize(self, shutil.rmtree, copy, ignore_errors=True)
        return shutil.copytree(folder, copy / folder.name)

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def search(
        self, text: str, language: Language, limit: int, allowed: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The best `limit` chunks as (chunk id, BM25 ≥ 0), best first; `allowed` restricts to these chunk ids."""
        query = self._query(text, language)
        if query is None or not len(self):
            return []
        if allowed is not None:
            only = tantivy.Query.term_set_query(self._schema, "chunk", list(allowed))
            scoreless = tantivy.Query.const_score_query(only, 0.0)
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, scoreless)])
        hits = self._searcher.search(query, limit, count=False).hits
        ids = self._searcher.fast_field_values("chunk", [address for _, address in hits]) if hits else []
        return sorted(((int(i), float(s)) for i, (s, _) in zip(ids, hits, strict=True)), key=lambda p: (-p[1], p[0]))

    def _query(self, text: str, language: Language) -> tantivy.Query | None:
        terms = list(dict.fromkeys(analyze(text, language)))[:MAX_TERMS]
        if not terms:
            # Nothing but stop words ("Qui est là ?"): search them as written rather than find nothing.
            terms = list(dict.fromkeys(re.findall(r"\w+", text.lower())))[:MAX_TERMS]
        parts = []
        for term in terms:
            body = tantivy.Query.term_query(self._schema, f"body_{language}", term, "freq")
            title = tantivy.Query.term_query(self._schema, f"title_{language}", term, "freq")
            parts += [
                (tantivy.Occur.Should, body),
                (tantivy.Occur.Should, tantivy.Query.boost_query(title, TITLE_BOOST)),
            ]
        return tantivy.Query.boolean_query(parts) if parts else None

    def document_frequency(self, term: str, language: Language) -> int:
        """Number of chunks that contain an analysed term."""
        return int(self._searcher.doc_freq(f"body_{language}", term))
