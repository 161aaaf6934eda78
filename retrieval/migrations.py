"""The library's schema: a list of functions, applied in order; `PRAGMA user_version` counts those applied."""

from __future__ import annotations

import sqlite3

from retrieval.database import Migration, run_script

MIGRATIONS: list[Migration] = []


@MIGRATIONS.append
def first_schema(db: sqlite3.Connection) -> None:
    run_script(db, _FIRST)


_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE roots (path TEXT PRIMARY KEY, added_at REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  path TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  sha256 TEXT NOT NULL DEFAULT '',
  recipe TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL CHECK (status IN ('ok', 'failed', 'partial', 'removed')),
  reason TEXT NOT NULL DEFAULT '',
  synced_at REAL NOT NULL
);

CREATE TABLE documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  file_id INTEGER NOT NULL REFERENCES files(id),
  key TEXT NOT NULL,
  external_id TEXT NOT NULL,
  title TEXT NOT NULL,
  metadata TEXT NOT NULL,
  language TEXT NOT NULL,
  hash TEXT NOT NULL,
  deleted_at REAL
);
CREATE UNIQUE INDEX documents_live ON documents(file_id, key) WHERE deleted_at IS NULL;
CREATE INDEX documents_title ON documents(title) WHERE deleted_at IS NULL;
CREATE INDEX documents_external ON documents(external_id);

CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id INTEGER NOT NULL REFERENCES documents(id),
  position INTEGER NOT NULL,
  headings TEXT NOT NULL,
  text TEXT NOT NULL,
  hash TEXT NOT NULL,
  deleted_at REAL
);
CREATE INDEX chunks_document ON chunks(document_id, position);
CREATE INDEX chunks_hash ON chunks(hash);

CREATE TABLE facts (
  chunk_id INTEGER NOT NULL REFERENCES chunks(id),
  key TEXT NOT NULL,
  value TEXT NOT NULL
);
CREATE INDEX facts_chunk ON facts(chunk_id);
CREATE INDEX facts_key ON facts(key);

CREATE TABLE embeddings (
  hash TEXT NOT NULL,
  model TEXT NOT NULL,
  vector BLOB NOT NULL,
  created_at REAL NOT NULL DEFAULT (CAST(strftime('%s','now') AS REAL)),
  PRIMARY KEY (hash, model)
)
"""


@MIGRATIONS.append
def identity(db: sqlite3.Connection) -> None:
    """What tells this library from another one at the same path."""
    db.execute("INSERT INTO meta VALUES ('identity', lower(hex(randomblob(16))))")


@MIGRATIONS.append
def forgotten_paths(db: sqlite3.Connection) -> None:
    """Files and folders inside a known folder that the user has dropped: syncs leave them out."""
    db.execute("CREATE TABLE forgotten (path TEXT PRIMARY KEY) WITHOUT ROWID")
