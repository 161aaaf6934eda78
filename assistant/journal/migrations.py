"""The journal's schema: a list of functions, applied in order; `PRAGMA user_version` counts those applied."""

from __future__ import annotations

import sqlite3

from retrieval.database import Migration, run_script

MIGRATIONS: list[Migration] = []


@MIGRATIONS.append
def first_schema(db: sqlite3.Connection) -> None:
    run_script(db, _FIRST)


@MIGRATIONS.append
def jobs(db: sqlite3.Connection) -> None:
    run_script(db, _JOBS)


@MIGRATIONS.append
def api_jobs(db: sqlite3.Connection) -> None:
    run_script(db, _API_JOBS)


# AUTOINCREMENT: an id that was forgotten is never given again, so an old `/good 12` cannot rate another answer.
# Lines name their session without a reference: they come before its first turn, which makes its row.
_FIRST = """
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL,
  updated REAL NOT NULL
);

CREATE TABLE interactions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id INTEGER NOT NULL REFERENCES sessions(id),
  question TEXT NOT NULL,
  searched TEXT NOT NULL,
  language TEXT NOT NULL,
  mode TEXT NOT NULL,
  generator TEXT NOT NULL,
  generation TEXT NOT NULL,
  settings TEXT NOT NULL,
  passages BLOB NOT NULL,
  messages BLOB NOT NULL,
  citations TEXT NOT NULL,
  unknown_citations INTEGER NOT NULL,
  answer TEXT NOT NULL,
  refused INTEGER NOT NULL,
  partial TEXT NOT NULL,
  dropped TEXT NOT NULL,
  confidence REAL NOT NULL,
  seconds REAL NOT NULL,
  author TEXT NOT NULL,
  created REAL NOT NULL
);
CREATE INDEX interactions_session ON interactions(session_id);

CREATE TABLE feedback (
  interaction_id INTEGER NOT NULL REFERENCES interactions(id) ON DELETE CASCADE,
  author TEXT NOT NULL,
  rating TEXT NOT NULL DEFAULT '' CHECK (rating IN ('good', 'bad', '')),
  reason TEXT NOT NULL DEFAULT '',
  correction TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected')),
  reviewer TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL,
  updated REAL NOT NULL,
  PRIMARY KEY (interaction_id, author)
);

CREATE TABLE lines (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id INTEGER NOT NULL,
  text TEXT NOT NULL,
  created REAL NOT NULL
);
CREATE INDEX lines_session ON lines(session_id)
"""

# AUTOINCREMENT: files are named after the number of their job, and one that was deleted must not get those of another.
_JOBS = """
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  words TEXT NOT NULL,
  line TEXT NOT NULL,
  folder TEXT NOT NULL,
  settings TEXT NOT NULL,
  queue TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'killed')),
  created REAL NOT NULL,
  started REAL,
  ended REAL,
  exit_code INTEGER,
  error TEXT NOT NULL DEFAULT '',
  resume TEXT NOT NULL,
  run TEXT NOT NULL DEFAULT '',
  pid INTEGER NOT NULL DEFAULT 0,
  identity TEXT NOT NULL DEFAULT '',
  author TEXT NOT NULL,
  chat TEXT NOT NULL,
  stopping INTEGER NOT NULL DEFAULT 0,
  told INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_state ON jobs(state)
"""

# A job that is forgotten takes its name and its idempotency key with it.
_API_JOBS = """
CREATE TABLE api_jobs (
  id TEXT PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  request TEXT NOT NULL,
  output TEXT NOT NULL,
  key TEXT UNIQUE,
  digest TEXT NOT NULL,
  stored TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL
);
CREATE INDEX api_jobs_job ON api_jobs(job)
"""
