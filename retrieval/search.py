"""The search pipeline: embed the question, search both indexes, fuse, fetch the passages."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval import generation
from retrieval.embed import Embedder, Vectors
from retrieval.errors import BadInput, BadQuestion, NoIndex, WrongEmbedder
from retrieval.fuse import fuse
from retrieval.generation import Generation
from retrieval.library import Library
from retrieval.load.make import clean
from retrieval.text import detect_language, fold
from retrieval.types import Chunk, Language, Passage

MAX_QUESTION = 8_000
"""Characters; more is a document, not a question."""
DENSE_WEIGHT: dict[Language, float] = {"fr": 0.4, "en": 0.55}
"""Share of the cosine in the fused score: MiniLM was trained on English, so it is trusted less in French.
Measured on six sets; see docs/experiments.md."""
REWRITTEN_WEIGHT = 0.8
"""Share of the question in the score when it is searched beside the one it was rewritten from; see docs/experiments.md."""
RECENT = 128
"""Question vectors kept: a question and the one it was rewritten from are each searched up to twice, and many ask at once."""

Scored = dict[int, tuple[float, float, float]]
"""Chunk id to (score, cosine, BM25)."""


@dataclass(frozen=True)
class Found:
    """The passages for a question, with what the search made of it."""

    question: str
    language: Language
    passages: tuple[Passage, ...]
    also: str = ""
    """The question it was rewritten from, searched beside it; empty when there is none."""


class Searcher:
    """Hybrid search over the live generation, for any number of threads; reopens when a sync has swapped in a new one.

    `repair` is called when the index is missing or damaged and has to bring back a good generation from the library.
    """

    def __init__(
        self,
        library: Library,
        folder: Path,
        embedder: Embedder,
        repair: Callable[[str], None],
        *,
        dense_weight: float | None = None,
        candidates: int = 100,
    ) -> None:
        self.library, self.embedder = library, embedder
        self._folder, self._repair = folder, repair
        self._weight, self._candidates = dense_weight, candidates
        self._open: Generation | None = None
        self._vectors: dict[str, Vectors] = {}
        self._opening, self._keeping = threading.Lock(), threading.Lock()
        # More searches at once than cores only take turns, and whatever else the process does waits for all of them.
        self._ranking = threading.Semaphore(os.cpu_count() or 1)

    def search(
        self,
        question: str,
        top_k: int = 10,
        *,
        language: Language | None = None,
        filters: Mapping[str, str] | None = None,
        also: str = "",
    ) -> Found:
        """The best `top_k` passages; `also` is the question as typed, when `question` is what it was rewritten to.

        Raises BadQuestion, BadInput (a filter, `top_k`), NoIndex, WrongEmbedder.
        """
        question = check_question(question)
        also = check_question(also) if also and also != question else ""
        if top_k < 1:
            raise BadInput(f"{top_k} passages were asked for.", "Ask for 1 or more (top_k).")
        spoken = language or detect_language(question, default="fr")
        self.generation()  # a missing index or another embedder is said before a bad filter
        allowed = self._allowed(filters) if filters else None
        return Found(question, spoken, self._ranked(question, spoken, top_k, allowed, also), also)

    def within(self, found: Found, document_ids: Sequence[int], top_k: int) -> tuple[Passage, ...]:
        """The best passages for the same question among these documents only."""
        chunks = [c.id for i in document_ids for c in self.library.document_chunks(i)]
        return self._ranked(found.question, found.language, top_k, chunks, found.also)

    def _ranked(
        self, question: str, language: Language, top_k: int, allowed: Sequence[int] | None, also: str
    ) -> tuple[Passage, ...]:
        with self._ranking:
            try:
                scored = self._scored(question, language, top_k, allowed, also)
            except BaseException as error:
                if not generation.is_damage(error) or not self._mended():
                    raise
                scored = self._scored(question, language, top_k, allowed, also)
            best = sorted(scored, key=lambda i: (-scored[i][0], i))[:top_k]
            chunks = self.library.chunks(best)
            return self.passages([chunks[i] for i in best if i in chunks], scored)

    def _scored(
        self, question: str, language: Language, top_k: int, allowed: Sequence[int] | None, also: str
    ) -> Scored:
        """The candidates of the question; with `also`, those of both questions, by a mean of their scores."""
        live = self.generation()  # one for both questions, whatever a sync does meanwhile
        dense, bm25 = self._candidates_in(live, question, language, top_k, allowed)
        weight = DENSE_WEIGHT[language] if self._weight is None else self._weight
        if not also:
            return {i: (score, dense[i], bm25.get(i, 0.0)) for i, score in fuse(dense, bm25, weight)}
        typed_dense, typed_bm25 = self._candidates_in(live, also, language, top_k, allowed)
        vectors = live.vectors
        dense |= vectors.similarities(self._question_vector(question), [i for i in typed_dense if i not in dense])
        typed_dense |= vectors.similarities(self._question_vector(also), [i for i in dense if i not in typed_dense])
        # Before they are normalised, so that a question whose words are everywhere ("and its port?") weighs little.
        both = fuse(_mean(dense, typed_dense), _mean(bm25, typed_bm25), weight)
        return {i: (score, dense[i], bm25.get(i, 0.0)) for i, score in both}

    def candidates_for(
        self, question: str, language: Language, top_k: int, allowed: Sequence[int] | None = None
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Cosine of every chunk that either search finds, and BM25 of those that have one. Raises NoIndex, WrongEmbedder."""
        return self._candidates_in(self.generation(), question, language, top_k, allowed)

    def _candidates_in(
        self, live: Generation, question: str, language: Language, top_k: int, allowed: Sequence[int] | None
    ) -> tuple[dict[int, float], dict[int, float]]:
        vector = self._question_vector(question)
        pool = min(max(self._candidates, top_k), max(1, live.manifest.chunks))
        bm25 = dict(live.lexical.search(question, language, pool, allowed))
        dense = dict(live.vectors.search(vector, pool, allowed))
        dense |= live.vectors.similarities(vector, [i for i in bm25 if i not in dense])
        return dense, bm25

    def _question_vector(self, question: str) -> Vectors:
        vector = self._vectors.get(question)
        if vector is None:
            vector = self.embedder.embed([question])[0]
            with self._keeping:
                if len(self._vectors) >= RECENT:
                    del self._vectors[next(iter(self._vectors))]
                self._vectors[question] = vector
        return vector

    def generation(self) -> Generation:
        """The live generation, opened, and repaired from the library when it cannot be."""
        live = self._open
        if live is not None and live.manifest.name == generation.current_name(self._folder):
            return live
        with self._opening:
            name, live = generation.current_name(self._folder), self._open
            if live is None or live.manifest.name != name:
                live = self._opened(name)
                if live.manifest.model != self.embedder.name:
                    raise self._wrong_embedder(live.manifest.model)
                self._open = live
            return live

    def _wrong_embedder(self, made: str) -> WrongEmbedder:
        return WrongEmbedder(
            f"The index was made with the embedder {made}, but {self.embedder.name} is configured.",
            "Run `dyag index` to embed the library with it, or set index.embedder back.",
        )

    def _opened(self, name: str | None) -> Generation:
        for _ in range(2):
            try:
                if name is None:
                    raise generation.Damaged("the index folder is missing or empty")
                opened = generation.open_generation(self._folder, name)
                generation.check_library(opened.manifest, self.library)
                return opened
            except generation.Damaged as damage:
                if generation.current_name(self._folder) in (None, name):  # else another process has built a new one
                    self._rebuild(str(damage))
                name = generation.current_name(self._folder)
        raise NoIndex("The index cannot be read even after a rebuild.", "Run `dyag doctor`.")

    def _rebuild(self, damage: str) -> None:
        """Repair the index, unless this embedder would make an empty one of a library that is not empty."""
        if not self.library.query("SELECT 1 FROM files LIMIT 1"):
            raise NoIndex("Nothing has been indexed yet.", "Run `dyag index PATH` on your documents.")
        models = self.library.models()
        if models and self.embedder.name not in models:
            raise self._wrong_embedder(", ".join(models))
        if not models and self.library.count_chunks():
            raise NoIndex("The first `dyag index` was interrupted.", "Run `dyag index` to complete it.")
        self._repair(damage)

    def _mended(self) -> bool:
        """Whether the generation that a search failed in was damaged; it has then been made again."""
        with self._opening:
            if self._open is None:
                return True  # another thread has met the damage, and made it again
            name, self._open = self._open.manifest.name, None
            try:
                generation.verify(self._folder, name)
            except generation.Damaged as damage:
                if generation.current_name(self._folder) == name:
                    self._rebuild(str(damage))
                return True
            return False

    def _allowed(self, filters: Mapping[str, str]) -> list[int]:
        filters = {clean(key): clean(value) for key, value in filters.items()}
        allowed = self.library.chunks_where(filters)
        keys = self.library.metadata_keys()
        known = set(map(fold, keys))
        unknown = [key for key in filters if fold(key) not in known]
        if unknown:
            names = ", ".join(sorted(keys)[:30]) or "none"
            raise BadInput(f"No document has a `{unknown[0]}` in its metadata.", f"Keys there are: {names}.")
        return allowed

    def passages(
        self, chunks: Sequence[Chunk], scores: Mapping[int, tuple[float, float, float]] | None = None
    ) -> tuple[Passage, ...]:
        """Passages of these chunks, in order; chunks without scores were added for context."""
        origins = self.library.origins(c.document_id for c in chunks)
        made = []
        for c in chunks:
            score, dense, lexical = (scores or {}).get(c.id, (0.0, 0.0, 0.0))
            where = origins[c.document_id]
            made.append(
                Passage(
                    c.id,
                    where.path,
                    where.external_id,
                    c.title,
                    c.headings,
                    c.text,
                    score,
                    dense,
                    lexical,
                    c.document_id,
                )
            )
        return tuple(made)


def _mean(rewritten: Mapping[int, float], typed: Mapping[int, float]) -> dict[int, float]:
    ids, share = rewritten.keys() | typed.keys(), REWRITTEN_WEIGHT
    return {i: share * rewritten.get(i, 0.0) + (1 - share) * typed.get(i, 0.0) for i in ids}


def check_question(question: str) -> str:
    """The question trimmed, and without what is no character. Raises BadQuestion when it is empty or too long."""
    question = " ".join(clean(question.replace("\0", " ")).split())
    if not question:
        raise BadQuestion("The question is empty.", 'Ask something: dyag ask "Quel port écoute PostgreSQL ?"')
    if len(question) > MAX_QUESTION:
        raise BadQuestion(
            f"The question is {len(question):,} characters long; at most {MAX_QUESTION:,} are searched.",
            "Ask a shorter question; to search inside a long text, put it in a file and run `dyag index FILE`.",
        )
    return question
