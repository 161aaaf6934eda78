"""What goes when turns are forgotten: the turns, their ratings, what was typed for them, and what quotes them.

SQLite overwrites with zeros what these statements delete (`secure_delete`, set by the journal).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

_REACH = """(:sessions IS NULL OR session_id IN (SELECT value FROM json_each(:sessions)))
  AND (:before IS NULL OR created < :before) AND (:after IS NULL OR created >= :after)"""
"""Of a turn, and of a line: both have a session and a time."""

_GONE = f"WITH gone AS (SELECT id, session_id, question FROM interactions WHERE {_REACH})"

# A turn is stored after its line was typed, and a rating may be typed in another session.
_LINES = f"""({_REACH})
  OR EXISTS (SELECT 1 FROM gone WHERE gone.session_id=lines.session_id AND gone.question=trim(lines.text))
  OR EXISTS (SELECT 1 FROM gone JOIN feedback f ON f.interaction_id=gone.id WHERE lines.text LIKE '/%' AND (
     (f.reason!='' AND substr(trim(lines.text), -length(f.reason))=f.reason)
     OR (f.correction!='' AND substr(trim(lines.text), -length(f.correction))=f.correction)))"""

COUNT = f"""{_GONE} SELECT
  (SELECT COUNT(DISTINCT session_id) FROM gone WHERE NOT EXISTS (SELECT 1 FROM interactions i
     WHERE i.session_id=gone.session_id AND i.id NOT IN (SELECT id FROM gone))),
  (SELECT COUNT(*) FROM gone),
  (SELECT COUNT(*) FROM feedback WHERE interaction_id IN (SELECT id FROM gone)),
  (SELECT COUNT(*) FROM lines WHERE {_LINES})"""
"""One row: the fields of `Forgotten`."""

_STEPS = (
    f"{_GONE} DELETE FROM lines WHERE {_LINES}",
    # Later turns of the session were sent the earlier ones, and their rewritten question takes words from them.
    f"""{_GONE} UPDATE interactions SET messages=x'', searched='' WHERE id NOT IN (SELECT id FROM gone)
        AND EXISTS (SELECT 1 FROM gone WHERE gone.session_id=interactions.session_id AND gone.id<interactions.id)""",
    f"{_GONE} DELETE FROM interactions WHERE id IN (SELECT id FROM gone)",
)
_AFTERWARDS = (
    "DELETE FROM sessions WHERE id NOT IN (SELECT session_id FROM interactions)",
    """UPDATE sessions SET created=(SELECT MIN(created) FROM interactions i WHERE i.session_id=sessions.id),
       updated=(SELECT MAX(created) FROM interactions i WHERE i.session_id=sessions.id)""",
)


def reach(session_ids: Sequence[int] | None, before: float | None, after: float | None) -> dict[str, Any]:
    """The values of the statements; None restricts nothing."""
    return {
        "sessions": None if session_ids is None else json.dumps(list(session_ids)),
        "before": before,
        "after": after,
    }


def delete(db: sqlite3.Connection, reach: Mapping[str, Any]) -> None:
    """Delete within the open transaction."""
    for statement in _STEPS:
        db.execute(statement, dict(reach))
    for statement in _AFTERWARDS:
        db.execute(statement)
