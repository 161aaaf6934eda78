"""Which documents train, validate and test: decided before anything is generated, so that nothing leaks.

Documents that are near-duplicates, or have the same name, stay together. Groups are dealt in an order that the seed
decides, each to the split that is furthest below its share.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from finetune.examples import Split
from finetune.near import Groups, NearIndex
from finetune.sources import SourceDocument
from retrieval.errors import BadInput
from retrieval.text import fold

COMMON_TITLE = 0.05
"""Share of the documents from which a title ("Introduction", "README") no longer says that two are about one thing."""
FEW = 20
"""Documents with one title that are kept together however few documents there are."""


@dataclass(frozen=True)
class Shares:
    """Shares of the documents, and of the examples, for each split."""

    train: float
    val: float

    @property
    def test(self) -> float:
        return max(0.0, 1.0 - self.train - self.val)

    def __post_init__(self) -> None:
        if not (0 < self.train <= 1 and 0 <= self.val < 1 and self.train + self.val <= 1 + 1e-9):
            raise BadInput(
                f"The shares do not add up: --train-ratio {self.train:g} and --val-ratio {self.val:g}.",
                "Both are between 0 and 1, together at most 1; the rest is the test set: --train-ratio 0.8 --val-ratio 0.1.",
            )

    def of(self, split: Split) -> float:
        return {"train": self.train, "val": self.val, "test": self.test}.get(split, 0.0)

    def counts(self, total: int) -> dict[Split, int]:
        """How many of `total` go where; they add up, and a split with a share gets one at least where there are enough."""
        wanted: dict[Split, int] = {"val": round(total * self.val), "test": round(total * self.test)}
        if total >= 3:
            wanted = {split: max(n, 1) if self.of(split) > 1e-9 else 0 for split, n in wanted.items()}
            largest = max(wanted, key=lambda split: wanted[split])
            wanted[largest] -= max(0, 1 - (total - sum(wanted.values())))
        return {"train": total - sum(wanted.values()), **wanted}


class Survey:
    """Takes in documents one by one, then groups them and deals the groups to splits."""

    def __init__(self, folder: Path) -> None:
        self._near = NearIndex(folder / "near.sqlite3")
        self._titles = sqlite3.connect(folder / "titles.sqlite3")
        self._titles.execute("PRAGMA journal_mode = OFF")
        self._titles.execute("CREATE TABLE titles (folded TEXT, id INTEGER)")
        self._count = 0
        self._groups = Groups()

    def close(self) -> None:
        self._near.close()
        self._titles.close()

    def add(self, document: SourceDocument) -> None:
        self._near.add(document.id, document.text)
        self._count += 1
        if name := fold(document.title).strip():
            self._titles.execute("INSERT INTO titles VALUES (?,?)", (name, document.id))

    def groups(self) -> Groups:
        """Documents that may not be parted."""
        for first, other, _ in self._near.pairs():
            self._groups.join(first, other)
        sql = """SELECT t.id, f.first FROM titles t JOIN (SELECT folded, MIN(id) AS first FROM titles GROUP BY folded
                 HAVING COUNT(*) BETWEEN 2 AND ?) f ON f.folded=t.folded WHERE t.id != f.first"""
        for number, first in self._titles.execute(sql, (int(max(FEW, COMMON_TITLE * self._count)),)):
            self._groups.join(first, number)
        return self._groups

    def crossings(self, splits: Mapping[int, Split]) -> int:
        """Pairs of near-duplicates that lie in different splits: the proof that there are none."""
        return sum(splits[a] != splits[b] for a, b, _ in self._near.pairs() if a in splits and b in splits)


def deal(ids: Iterable[int], groups: Groups, shares: Shares, seed: int) -> dict[int, Split]:
    """The split of each document. Raises BadInput when there are too few groups to leave anything for a split."""
    members: dict[int, list[int]] = defaultdict(list)
    for number in ids:
        members[groups.of(number)].append(number)
    total = sum(map(len, members.values()))
    wanted: dict[Split, float] = {"train": shares.train, "val": shares.val, "test": shares.test}
    splits: list[Split] = [split for split, share in wanted.items() if share > 1e-9]
    if len(members) < len(splits):
        found = f"{total} document{'s' * (total != 1)} in {len(members)} group{'s' * (len(members) != 1)}"
        raise BadInput(
            f"{found} cannot be split {len(splits)} ways: documents that are near-duplicates or have one name stay together.",
            "Give more documents, or write one file with --no-split.",
        )
    order = sorted(members, key=lambda g: hashlib.sha256(f"{seed}:{g}".encode()).digest())
    dealt: Counter[Split] = Counter()
    made: dict[int, Split] = {}
    # Large groups first, as none can be parted; among equals the seed decides.
    for place, group in enumerate(sorted(order, key=lambda g: -len(members[g]))):
        empty = [split for split in splits if not dealt[split]]
        last_chance = len(members) - place <= len(empty)
        choice = empty if last_chance else splits
        best = max(choice, key=lambda split: (wanted[split] * total - dealt[split], -splits.index(split)))
        dealt[best] += len(members[group])
        made |= dict.fromkeys(members[group], best)
    return made
