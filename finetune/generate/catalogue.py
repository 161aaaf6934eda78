"""What all documents state, on disk: the values other documents have, who shares one, which fields a document lacks.

It is filled in one pass over the documents and asked in a second one, so that memory does not grow with their number.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.generate.fields import MOST_VALUES, Field
from finetune.sources import SourceDocument
from retrieval.text import fold

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
CREATE TABLE documents (id INTEGER PRIMARY KEY, key TEXT, split TEXT, language TEXT, title TEXT, folded TEXT);
CREATE VIRTUAL TABLE told USING fts5(text, content='', tokenize='unicode61');
CREATE TABLE read (document INTEGER, key TEXT, shown TEXT, value TEXT, folded TEXT, chunk INTEGER, shape TEXT);
"""
_INDEXES = """
CREATE INDEX documents_folded ON documents(folded);
CREATE TABLE stated AS
  SELECT r.*, d.split, d.language, d.title, d.folded AS name FROM read r JOIN documents d ON d.id = r.document ORDER BY r.rowid;
DROP TABLE read;
CREATE INDEX stated_document ON stated(document, key);
CREATE INDEX stated_key ON stated(key, language, split, document);
CREATE INDEX stated_value ON stated(folded, language, key, document);
CREATE TABLE keys AS
  SELECT language, key, MIN(shown) AS shown, COUNT(DISTINCT document) AS documents FROM stated WHERE shape != 'bool' GROUP BY 1, 2;
CREATE TABLE together AS
  WITH common AS (SELECT DISTINCT s.document, s.language, s.key FROM stated s JOIN keys k USING (language, key)
                  WHERE k.documents >= {common})
  SELECT a.language, a.key, b.key AS other FROM common a JOIN common b ON a.document=b.document AND a.key != b.key
  GROUP BY 1, 2, 3 HAVING COUNT(*) >= {common};
CREATE INDEX together_key ON together(language, key, other);
"""
COMMON = 3
"""Documents from which on a field is one that others might have too."""
AKIN = 2
"""Fields that two documents have in common when they are of one kind; what one kind has is not compared with another's."""
LOOKED_AT = 8
"""Documents that are looked at for each one that is wanted."""
MANY = 100
"""Documents with one value from which on no more are looked for."""
MOST_SHARING = 6
"""Documents that an answer lists."""


@dataclass(frozen=True)
class Stated:
    """One value of one document."""

    document: int
    title: str
    value: str
    chunk: int


class Catalogue:
    """The fields of every document of a dataset's source, in a file that may be deleted afterwards."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._last: int | None = None
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def add(self, document: SourceDocument, found: Sequence[Field]) -> None:
        """Take in a document with its fields; its split is not known yet."""
        row = (document.id, document.key, "", document.language, document.title, fold(document.title))
        self._db.execute("INSERT INTO documents VALUES (?,?,?,?,?,?)", row)
        self._db.executemany(
            "INSERT INTO read VALUES (?,?,?,?,?,?,?)",
            [(document.id, f.folded, f.key, v, fold(v), f.chunk.number, f.shape) for f in found for v in f.values],
        )

        self._db.executemany("INSERT INTO told(text) VALUES (?)", [(fold(chunk.text),) for chunk in document.chunks])

    def finish(self, splits: Mapping[int, str]) -> None:
        """Take in which split each document belongs to; from then on it can be asked."""
        self._db.executemany("UPDATE documents SET split=? WHERE id=?", [(s, i) for i, s in splits.items()])
        self._db.executescript(_INDEXES.format(common=COMMON))

    def key(self, document_id: int) -> str:
        """Key of a document."""
        return str(self._db.execute("SELECT key FROM documents WHERE id=?", (document_id,)).fetchone()[0])

    def is_ambiguous(self, document: SourceDocument, field: Field) -> bool:
        """Whether another document of the same name states something else: then the name does not say which is meant."""
        sql = """SELECT COUNT(DISTINCT s.folded) FROM documents d JOIN stated s ON s.document=d.id
                 WHERE d.folded=? AND s.key=?"""
        (values,) = self._db.execute(sql, (fold(document.title), field.folded)).fetchone()
        return bool(values > len(field.values))

    def namesakes(self, document: SourceDocument) -> int:
        """How many documents have this name, itself counted."""
        return int(
            self._db.execute("SELECT COUNT(*) FROM documents WHERE folded=?", (fold(document.title),)).fetchone()[0]
        )

    def others(
        self, document: SourceDocument, split: str, key: str, rng: random.Random, limit: int, unlike: str = ""
    ) -> list[Stated]:
        """Values that documents of the same kind, split and language state under a key, from a random place on; one a document.

        `unlike`: only values other than this one.
        """
        if self._last is None:
            self._last = int(self._db.execute("SELECT MAX(id) FROM documents").fetchone()[0])
        sql = """SELECT document, title, value, chunk FROM stated
                 WHERE key=? AND language=? AND split=? AND document {} ? AND name != ? AND folded != ? ORDER BY document, rowid LIMIT ?"""
        start = rng.randrange(1 + self._last)
        values = (
            key,
            document.language,
            split,
            start,
            fold(document.title),
            fold(unlike),
            LOOKED_AT * limit * MOST_VALUES,
        )
        found: dict[int, Stated] = {}
        mine = self._keys(document.id)
        for side in (">=", "<"):
            for row in self._db.execute(sql.format(side), values):
                if row[0] not in found and _are_akin(mine, self._keys(row[0])):
                    found[row[0]] = Stated(*row)
                    if len(found) >= limit:
                        return list(found.values())
        return list(found.values())

    def has_fields(self, document: SourceDocument) -> bool:
        """Whether it states as many fields as its kind is told by."""
        return len(self._keys(document.id)) >= AKIN

    def is_told_elsewhere(self, name: str, stems: Iterable[str]) -> bool:
        """Whether a chunk of any document has this name and a word that begins with one of the stems."""
        words = " ".join(re.findall(r"\w+", fold(name)))
        said = " OR ".join(f'"{stem}"*' for stem in sorted(stems) if stem.isalnum())
        if not words or not said:
            return False
        asked = f'"{words}" AND ({said})'
        return self._db.execute("SELECT 1 FROM told WHERE told MATCH ? LIMIT 1", (asked,)).fetchone() is not None

    def _keys(self, document: int) -> set[str]:
        return {key for (key,) in self._db.execute("SELECT DISTINCT key FROM stated WHERE document=?", (document,))}

    def sharing(self, document: SourceDocument, key: str, value: str) -> list[tuple[Stated, str]]:
        """Every document of the language that states this value under this key, with its split; [] when they are too many."""
        sql = """SELECT document, title, value, chunk, split FROM stated WHERE key=? AND folded=? AND language=?
                 ORDER BY document LIMIT ?"""
        rows = self._db.execute(sql, (key, fold(value), document.language, MOST_SHARING + 1)).fetchall()
        return [(Stated(*row[:4]), row[4]) for row in rows] if len(rows) <= MOST_SHARING else []

    def elsewhere(self, document: SourceDocument, key: str, value: str) -> set[int]:
        """Documents of the language that state this value under another key, which may well mean the same."""
        sql = "SELECT DISTINCT document FROM stated WHERE folded=? AND language=? AND key != ? LIMIT ?"
        return {number for (number,) in self._db.execute(sql, (fold(value), document.language, key, MANY))}

    def lacking(self, document: SourceDocument) -> list[tuple[str, str]]:
        """(key, as documents write it) of fields that documents of its kind have and this one has not, the commonest first."""
        sql = """SELECT key, shown FROM keys k WHERE language=?1 AND documents >= ?2
                 AND key NOT IN (SELECT key FROM stated WHERE document=?3)
                 AND (SELECT COUNT(*) FROM together t WHERE t.language=k.language AND t.key=k.key
                      AND t.other IN (SELECT key FROM stated WHERE document=?3)) >= ?4
                 ORDER BY documents DESC, key LIMIT 60"""
        akin = max(1, min(AKIN, len(self._keys(document.id))))
        return list(self._db.execute(sql, (document.language, COMMON, document.id, akin)))


def _are_akin(keys: set[str], others: set[str]) -> bool:
    return len(keys & others) >= AKIN or keys == others
