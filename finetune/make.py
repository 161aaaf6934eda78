"""A dataset from documents: read them, decide who trains and who tests, then generate, check and frame.

Documents are walked twice, one at a time. The first walk finds near-duplicates and what all documents state; then the
split is decided; the second walk generates. What is generated depends on the input and the seed alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.context import Context, Framed, Framer, Framing, Search
from finetune.curate import Curator
from finetune.drops import Drops
from finetune.examples import Example, Split, Type, row
from finetune.generate.catalogue import Catalogue
from finetune.generate.fields import fields
from finetune.near import Groups
from finetune.sources import Source, SourceDocument
from finetune.split import Shares, Survey, deal
from retrieval.embed import Embedder
from retrieval.errors import BadInput
from retrieval.types import Language, Message

SPLITS: tuple[Split, ...] = ("train", "val", "test", "test_seen")
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    count: int
    shares: Shares
    seed: int = 42
    split: bool = True
    """Whether there are training, validation and test files, or one."""
    context: Context = "none"
    types: frozenset[Type] = frozenset()
    """Only these; empty for all."""
    languages: frozenset[Language] = frozenset(("fr", "en"))
    max_length: int = 2048
    """Tokens of a row at most."""


@dataclass
class Tools:
    """What the assistant lends: its embedder, its prompts, its search, its teacher."""

    embedder: Embedder
    framing: Framing
    count: Callable[[Sequence[Message]], int]
    progress: Progress
    folder: Path
    """For files that are deleted afterwards."""
    search: Search | None = None
    reserved: Callable[[str], bool] = lambda question: False
    """Whether a question belongs to tests that are kept elsewhere."""


@dataclass
class Made:
    """The rows of each split, and what is to be said of them."""

    rows: dict[Split, list[dict[str, Any]]]
    tokens: dict[Split, list[int]]
    drops: Drops
    documents: dict[Split, int]
    """Documents dealt to each split."""
    groups: int
    """Groups of documents that may not be parted."""
    crossings: int
    """Near-duplicate pairs of documents in different splits."""
    possible: int
    """Candidates there were; 0 where a teacher writes as many as are wanted."""


@dataclass
class Plan:
    """The outcome of the first walk: which document goes where."""

    split_of: dict[int, Split]
    """By the source's document."""
    records: dict[int, Split]
    """By the library's document."""
    parts: dict[int, Split | None]
    """By chunk, of documents that describe several things; None where these are in different splits."""
    groups: Groups
    crossings: int
    catalogue: Catalogue

    def documents(self) -> Counter[Split]:
        return Counter(self.split_of.values())


class Maker:
    """Makes one dataset."""

    def __init__(self, source: Source, request: Request, tools: Tools) -> None:
        self.source, self.request, self.tools = source, request, tools
        self.drops = Drops()
        self.rows: dict[Split, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        self.tokens: dict[Split, list[int]] = {split: [] for split in SPLITS}
        self.taken: dict[Split, list[Example]] = {split: [] for split in SPLITS}
        self.facts: set[str] = set()
        """What the training rows ask."""
        self.possible = 0
        self._tried: set[str] = set()

    def make(self, method: Callable[[Maker, Plan], None]) -> Made:
        """Run a method. Raises BadInput when there is nothing to make examples from."""
        catalogue = Catalogue(self.tools.folder / "catalogue.sqlite3")
        with closing(catalogue):
            plan = self._survey(catalogue)
            self.plan = plan
            self.curator = Curator(
                self.source, self.tools.embedder, self.drops, self.request.languages, self.tools.reserved
            )
            self.framer = Framer(
                self.request.context,
                self.source,
                self.tools.framing,
                plan.records,
                plan.parts,
                self.request.seed,
                self.tools.search,
            )
            method(self, plan)
        self._shuffle()
        groups = len({plan.groups.of(i) for i in plan.split_of})
        return Made(self.rows, self.tokens, self.drops, dict(plan.documents()), groups, plan.crossings, self.possible)

    # the first walk ------------------------------------------------------------------------------------------------------

    def _survey(self, catalogue: Catalogue) -> Plan:
        survey = Survey(self.tools.folder)
        records: dict[int, tuple[int, ...]] = {}
        parts: dict[int, list[int]] = {}
        total = self.source.count()
        with closing(survey):
            for number, document in enumerate(self.source.documents()):
                self.tools.progress("reading", number, total)
                if document.language not in self.request.languages:
                    self.drops.add("documents in another language", f"{document.title} ({document.key})")
                    continue
                survey.add(document)
                catalogue.add(document, fields(document))
                records[document.id] = document.records
                for chunk in () if document.records else document.chunks:
                    parts.setdefault(chunk.number, []).append(document.id)
            if not records:
                raise self._nothing()
            self.tools.progress("reading", total, total)
            groups = self._with_neighbours(records, survey.groups(), parts)
            split_of = self._deal(records, groups)
            crossings = survey.crossings(split_of)
        catalogue.finish(split_of)
        by_record = {record: split_of[own] for own, members in records.items() for record in members}
        return Plan(split_of, by_record, _one_split(parts, split_of), groups, crossings, catalogue)

    def _with_neighbours(self, ids: Iterable[int], groups: Groups, parts: Mapping[int, Sequence[int]]) -> Groups:
        """The groups; where rows show chunks, documents in one chunk stay together too, unless that leaves nothing to split."""
        if self.request.context == "none":
            return groups
        joined = Groups()
        for number in ids:
            joined.join(number, groups.of(number))
        for first, *others in parts.values():
            for other in others:
                joined.join(first, other)
        return joined if len({joined.of(number) for number in ids}) >= len(SPLITS) else groups

    def _deal(self, ids: Iterable[int], groups: Groups) -> dict[int, Split]:
        if not self.request.split:
            return dict.fromkeys(ids, "train")
        return deal(ids, groups, self.request.shares, self.request.seed)

    def documents(self) -> Iterator[SourceDocument]:
        """Documents in the wanted languages."""
        return (document for document in self.source.documents() if document.language in self.request.languages)

    def _nothing(self) -> BadInput:
        wanted = " and ".join(sorted(self.request.languages))
        hint = "Name files or a folder with documents, or index some with `dyag index PATH`."
        return BadInput(f"There is no document with text in {wanted}.", hint)

    # taking examples -----------------------------------------------------------------------------------------------------

    def wanted(self) -> dict[Split, int]:
        """How many rows each split is to have; the test on seen documents is as large as that on unseen ones."""
        request = self.request
        if not request.split:
            return {"train": request.count}
        counts = request.shares.counts(request.count)
        return {**counts, "test_seen": counts["test"]}

    def is_wanted(self, example: Example) -> bool:
        """Whether its type was asked for."""
        return not self.request.types or example.type in self.request.types

    def take(self, split: Split, example: Example) -> bool:
        """Check an example and, when it is good and new, make it a row of the split."""
        if example.id in self._tried:
            return False
        self._tried.add(example.id)
        own: Split = "train" if split == "test_seen" else split
        if not self.framer.may_show(example, own):
            self.drops.add("its chunk also holds a document of another split", example.question)
            return False
        if not self.curator.passes(example):
            return False
        framed = self._framed(example, split)
        if framed is None:
            self.drops.add("too long for the base model", example.question)
            return False
        seen = example.fact in self.facts if split == "test_seen" else None
        more = {"split": split, **({"fact_in_train": seen} if seen is not None else {}), **framed.more}
        made = row(framed.messages, framed.example, **more)
        self.rows[split].append(made)
        self.tokens[split].append(self._tokens(framed))
        self.taken[split].append(example)
        if split == "train":
            self.facts.add(example.fact)
        return True

    def _framed(self, example: Example, split: Split) -> Framed | None:
        """The example in a row that fits: RAFT rows show fewer chunks rather than be dropped."""
        from finetune.context import PASSAGES

        own: Split = "train" if split == "test_seen" else split
        for passages in range(PASSAGES if self.request.context == "raft" else 1, 0, -1):
            framed = self.framer.frame(example, own, passages)
            if self._tokens(framed) <= self.request.max_length:
                return framed
        return None

    def _tokens(self, framed: Framed) -> int:
        return self.tools.count((*framed.messages, Message("assistant", framed.example.answer)))

    def _shuffle(self) -> None:
        """Rows in an order that the seed decides: trainers read them as they stand."""
        for split, rows in self.rows.items():
            order = sorted(range(len(rows)), key=lambda i: self.place(rows[i]["metadata"]["id"]))
            self.rows[split] = [rows[i] for i in order]

    def place(self, name: str) -> bytes:
        """Where a name stands in the order that the seed decides."""
        return hashlib.sha256(f"{self.request.seed}:{name}".encode()).digest()


def _one_split(parts: Mapping[int, Sequence[int]], split_of: Mapping[int, Split]) -> dict[int, Split | None]:
    """The split that every document in a chunk is in."""
    found = {number: {split_of[own] for own in owners} for number, owners in parts.items()}
    return {number: splits.pop() if len(splits) == 1 else None for number, splits in found.items()}
