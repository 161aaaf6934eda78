"""Which chunks and documents of the library hold the answer of a case, and which cases may not be parted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from assistant.tuning_answers import stating
from retrieval.library import batches, marks

if TYPE_CHECKING:
    from eval.types import Case
    from retrieval.library import Library

_CHUNK = re.compile(r"\[?chunk_(\d{1,18})\]?")
MOST = 3
"""Documents of one question; more are a list, which no ranking of ten can be judged by, and would tie all documents together."""


@dataclass(frozen=True)
class Placed:
    """A case with where its answer is."""

    case: Case
    chunks: frozenset[int]
    """Where the case names chunks, and nothing but chunks."""
    documents: frozenset[int]
    group: str
    """Cases that share a document, or the group they were given, share it."""


def placed(cases: Sequence[Case], library: Library, *, made: bool = False) -> list[Placed]:
    """Every case; those that name nothing of this library have no documents.

    A name is a document's own id, its path, its file's name, or `chunk_12`: a document's own id first, then the library's
    number. An answer whose case names nothing is in the only document that states it.

    `made`: questions made from the library by rules. They name chunks by its own numbers, and are judged by document all
    the same: they use the words of their chunk, and a weight that finds it by them fails people who use others.
    """
    wanted = {name for case in cases for name in case.gold}
    documents = _documents(library, wanted)
    numbered = {name: int(match[1]) for name in wanted if (match := _CHUNK.fullmatch(name))}
    numbered = {name: number for name, number in numbered.items() if made or name not in documents}
    of_chunk = documents_of(library, numbered.values())
    stated = stating([case for case in cases if case.answerable and not case.gold], library)
    found = [_place(case, documents, numbered, of_chunk, stated, made) for case in cases]
    return [Placed(case, chunks, own, group) for (case, chunks, own), group in zip(found, _groups(found), strict=True)]


def documents_of(library: Library, chunks: Iterable[int]) -> dict[int, int]:
    """The document of each live chunk among these."""
    found: dict[int, int] = {}
    for part in batches(list(chunks)):
        sql = f"SELECT id, document_id FROM chunks WHERE deleted_at IS NULL AND id IN ({marks(part)})"
        found.update(library.query(sql, part))
    return found


def _documents(library: Library, wanted: set[str]) -> dict[str, set[int]]:
    """The live documents by those of their names that are wanted; the name of a file counts where nothing is called so."""
    exact: dict[str, set[int]] = defaultdict(set)
    by_file: dict[str, set[int]] = defaultdict(set)
    sql = """SELECT d.id, d.external_id, f.path FROM documents d JOIN files f ON f.id=d.file_id
             WHERE d.deleted_at IS NULL"""
    home = f"{library.path.parent.parent}/"
    for document, own, path in library.iterate(sql, ()):
        shown = path.removeprefix(home)
        for name in {own, path, shown, f"{path}#{own}", f"{shown}#{own}"} & wanted:
            exact[name].add(document)
        for name in {PurePath(path).name, f"{PurePath(path).name}#{own}"} & wanted:
            by_file[name].add(document)
    return {**by_file, **exact}


def _place(
    case: Case,
    documents: Mapping[str, set[int]],
    numbered: Mapping[str, int],
    of_chunk: Mapping[int, int],
    stated: Mapping[str, int],
    made: bool,
) -> tuple[Case, frozenset[int], frozenset[int]]:
    chunks = {numbered[name] for name in case.gold if numbered.get(name) in of_chunk}
    named: set[int] = set().union(*(documents.get(name, ()) for name in case.gold if name not in numbered))
    only = frozenset() if named or made else frozenset(chunks)
    if case.id in stated:
        named = {stated[case.id]}
    return case, only, frozenset(named | {of_chunk[chunk] for chunk in chunks})


def _groups(found: Sequence[tuple[Case, frozenset[int], frozenset[int]]]) -> list[str]:
    """A name for what may not be parted; a case that says nothing of its document is one by itself."""
    from finetune.near import Groups

    joined = Groups()
    names: dict[str, int] = {}
    for number, (case, _, documents) in enumerate(found):
        keys = [f"document {i}" for i in documents] if len(documents) <= MOST else []
        keys += [f"group {case.group}"] if case.group else []
        for key in keys:
            joined.join(names.setdefault(key, number), number)
    return [str(joined.of(number)) for number in range(len(found))]
