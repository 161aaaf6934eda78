"""Rows looked at by a person: what was decided is kept beside the file, line by line, and never lost.

{"row": "0f3a…", "hash": "9b1c…", "decision": "rejected", "reason": "the answer is another's", "by": "ana", "at": "2026-11-21T10:00:00"}
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from finetune.formats.row import Row
from retrieval.files import disk_errors
from retrieval.types import Message

Verdict = Literal["accepted", "edited", "rejected"]
_Z = 1.959964
"""Two-sided 95% of the normal distribution."""
_TAG = re.compile(r"\[chunk_\d+\]")


@dataclass(frozen=True)
class Decision:
    """What a person said of one row."""

    row: str
    """Its id, where it has one, for people."""
    hash: str
    """Of the row as it was seen: a row that has changed is asked about again."""
    decision: Verdict
    reason: str = ""
    edits: Mapping[str, str] | None = None
    """Texts that were changed: `question`, `answer`, `rejected`."""
    becomes: str = ""
    """The hash of the row with its edits."""
    by: str = ""
    at: str = ""


@dataclass(frozen=True)
class Share:
    """How many of the rows that were looked at, and what that says of the file."""

    count: int
    of: int
    low: float
    high: float
    """Bounds of the share of the file, 95% (Wilson 1927)."""


def hash_of(row: Row) -> str:
    """Of everything that is learnt from a row; its metadata and its place do not count."""
    said = [[m.role, m.content] for m in row.prompt]
    text = json.dumps([said, row.completion, row.chosen, row.rejected, row.label], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def parts_of(row: Row) -> dict[str, str]:
    """The texts of a row that can be edited, by name."""
    if row.kind == "text":
        return {"answer": row.completion}
    rejected = {"rejected": row.rejected} if row.kind == "dpo" else {}
    return {"question": row.question, "answer": row.answer, **rejected}


def edited(row: Row, edits: Mapping[str, str]) -> Row:
    """The row with these texts in place of its own; answers that it no longer states are forgotten."""
    answer = edits.get("answer", row.answer)
    made = replace(row, chosen=answer) if row.kind == "dpo" else replace(row, completion=answer)
    if "rejected" in edits:
        made = replace(made, rejected=edits["rejected"])
    if "question" in edits:
        made = replace(made, prompt=_asked(row, edits["question"]))
    stated = row.metadata.get("answers")
    kept = {"answers": [value for value in stated if str(value) in answer]} if isinstance(stated, list) else {}
    return replace(made, metadata={**row.metadata, **kept, "edited": True})


def _asked(row: Row, question: str) -> tuple[Message, ...]:
    """The prompt with another question, behind the documents that stand with it."""
    *before, last = row.prompt
    head, found, tail = last.content.rpartition(row.question)
    return (*before, replace(last, content=f"{head}{question}{tail}" if found else question))


def unknown_citations(row: Row, answer: str) -> tuple[str, ...]:
    """Chunks that an edited answer cites and that neither the row nor its old answer knows."""
    known = {f"[{name}]" for name in row.gold} | set(_TAG.findall(" ".join(row.texts())))
    known |= {f"[{name}]" for message in row.prompt for name in re.findall(r'id="(chunk_\d+)"', message.content)}
    return tuple(tag for tag in dict.fromkeys(_TAG.findall(answer)) if known and tag not in known)


def sample(rows: Iterable[Row], size: int, seed: int) -> list[Row]:
    """That many rows, each type with its share and at least one row, in an order of their own.

    The same rows for the same file and seed; the first of a larger sample are not the same.
    """
    types: dict[str, list[tuple[str, int]]] = {}
    kept: dict[int, Row] = {}
    for number, row in enumerate(rows):
        order = hashlib.sha256(f"{seed}:{hash_of(row)}".encode()).hexdigest()
        types.setdefault(str(row.metadata.get("type", "")), []).append((order, number))
        kept[number] = row
    chosen: list[tuple[str, int]] = []
    for name, count in shares({name: len(found) for name, found in types.items()}, size).items():
        chosen += sorted(types[name])[:count]
    return [kept[number] for _, number in sorted(chosen)]


def shares(sizes: Mapping[str, int], total: int) -> dict[str, int]:
    """How many to take of each: by size (largest remainders), one of each where there is room for that."""
    names, whole = sorted(sizes), sum(sizes.values())
    total = min(total, whole)
    least = int(total >= len(names))
    exact = {name: total * sizes[name] / whole for name in names}
    taken = {name: max(least, math.floor(exact[name])) for name in names}
    while (missing := total - sum(taken.values())) != 0:
        step = 1 if missing > 0 else -1
        able = [n for n in names if (taken[n] < sizes[n] if step > 0 else taken[n] > least)]
        best = max(able, key=lambda n: (step * (exact[n] - taken[n]), sizes[n]))
        taken[best] += step
    return taken


class Decisions:
    """The decisions on a file, `X_train.review.jsonl` beside it; the last one on a row counts."""

    def __init__(self, file: Path) -> None:
        self.path = file.with_name(f"{file.stem}.review.jsonl")
        self.broken = 0
        """Lines that cannot be read; a kill may leave one."""
        self._by_hash: dict[str, Decision] = {}
        for line in _lines(self.path):
            self._take(line)

    def __len__(self) -> int:
        return len(self._by_hash)

    def of(self, row: Row) -> Decision | None:
        """The decision on a row as it is, also where it is already as it was edited."""
        return self._by_hash.get(hash_of(row))

    def keep(self, made: Decision) -> None:
        """Append one; returns when it is on disk. Raises NoAccess, NoSpace."""
        said = {key: value for key, value in asdict(made).items() if value}
        with (
            disk_errors(self.path),
            open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+b") as file,
        ):
            # What was broken off in the middle of a line stays a line of its own.
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            torn = b"" if file.read(1) in (b"", b"\n") else b"\n"
            file.write(torn + json.dumps(said, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._add(made)

    def _take(self, line: str) -> None:
        made = _read(line)
        if made is None:
            self.broken += 1
        else:
            self._add(made)

    def _add(self, made: Decision) -> None:
        self._by_hash[made.hash] = made
        if made.becomes:
            self._by_hash[made.becomes] = made


def _lines(path: Path) -> list[str]:
    with disk_errors(path):
        data = path.read_bytes() if path.exists() else b""
    return [line for line in data.decode("utf-8", "replace").split("\n") if line.strip()]


def _read(line: str) -> Decision | None:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    fields = ("row", "hash", "reason", "becomes", "by", "at")
    if not isinstance(said, dict) or said.get("decision") not in get_args(Verdict):
        return None
    edits = said.get("edits")
    texts = edits is None or (isinstance(edits, dict) and all(isinstance(text, str) for text in edits.values()))
    if not texts or not said.get("hash") or not all(isinstance(said.get(name, ""), str) for name in fields):
        return None
    return Decision(
        said.get("row", ""), said["hash"], said["decision"], said.get("reason", ""), edits,
        said.get("becomes", ""), said.get("by", ""), said.get("at", ""),
    )  # fmt: skip


def share(count: int, of: int) -> Share:
    """A share of a sample with the 95% interval of Wilson (1927)."""
    if of == 0:
        return Share(0, 0, 0.0, 1.0)
    p, z2 = count / of, _Z * _Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return Share(count, of, max(0.0, middle - half), min(1.0, middle + half))


def reasons(decisions: Sequence[Decision]) -> dict[str, int]:
    """Why rows were rejected, the commonest first."""
    found = Counter(made.reason or "no reason given" for made in decisions if made.decision == "rejected")
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
