"""Near-duplicates by MinHash (Broder 1997), with locality-sensitive hashing kept on disk.

Two texts are near when the Jaccard similarity of their word triples is about `NEAR` or more. datasketch makes the
signatures; its own index lives in memory, so bands are kept in SQLite: memory does not grow with the number of texts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.text import fold, words

NEAR = 0.7
"""Estimated Jaccard similarity from which two texts are near-duplicates."""
PERMUTATIONS = 64
BANDS = 16
"""Bands of four values: two texts at .7 share one with a chance of 99%, at .4 with one of 34%, and are then compared."""
SEED = 1
"""Of the permutations, not of a dataset: near is near whatever the seed."""
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
CREATE TABLE texts (id INTEGER PRIMARY KEY, signature BLOB);
CREATE TABLE bands (band BLOB, id INTEGER);
"""


class NearIndex:
    """Texts by number, and which of them are near each other. The file may be deleted afterwards."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.executescript(_SCHEMA)
        self._base: Any = None

    def close(self) -> None:
        self._db.close()

    def add(self, number: int, text: str) -> None:
        """Take in a text; one without words is near nothing."""
        triples = shingles(text)
        if not triples:
            return
        signature = self._signature(triples)
        self._db.execute("INSERT INTO texts VALUES (?,?)", (number, signature.tobytes()))
        width = PERMUTATIONS // BANDS
        rows = [(bytes([b]) + signature[b * width : (b + 1) * width].tobytes(), number) for b in range(BANDS)]
        self._db.executemany("INSERT INTO bands VALUES (?,?)", rows)

    def _signature(self, triples: list[bytes]) -> np.ndarray[Any, np.dtype[np.uint32]]:
        from datasketch import MinHash

        if self._base is None:
            self._base = MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme="affine32")
        made = self._base.copy()
        made.update_batch(triples)
        return np.asarray(made.hashvalues, np.uint32)

    def pairs(self) -> Iterator[tuple[int, int, float]]:
        """(a, b, similarity) of near texts, a before b: each text with the first of every bucket it is in."""
        self._db.execute("CREATE INDEX IF NOT EXISTS bands_band ON bands(band, id)")
        sql = """SELECT DISTINCT f.first, b.id FROM bands b JOIN
                 (SELECT band, MIN(id) AS first FROM bands GROUP BY band HAVING COUNT(*) > 1) f ON f.band=b.band
                 WHERE b.id != f.first ORDER BY 1, 2"""
        for first, other in self._db.execute(sql):
            similarity = float(np.mean(self._of(first) == self._of(other)))
            if similarity >= NEAR:
                yield first, other, similarity

    def _of(self, number: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
        row = self._db.execute("SELECT signature FROM texts WHERE id=?", (number,)).fetchone()
        return np.frombuffer(row[0], np.uint32)


def shingles(text: str, size: int = 3) -> list[bytes]:
    """Every run of `size` words, folded; the whole text when it has fewer."""
    said = words(fold(text))
    runs = [" ".join(said[i : i + size]) for i in range(max(1, len(said) - size + 1))] if said else []
    return [run.encode() for run in dict.fromkeys(runs)]


class Groups:
    """Sets that grow together (union-find): texts by number, none of which may be parted."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def join(self, a: int, b: int) -> None:
        """Keep two together from now on."""
        one, other = sorted((self.of(a), self.of(b)))
        if one != other:
            self._parent[other] = one

    def of(self, number: int) -> int:
        """The number that stands for a text's group: the smallest in it."""
        root = number
        while (above := self._parent.get(root, root)) != root:
            root = above
        while number != root:
            self._parent[number], number = root, self._parent.get(number, root)
        return root
