"""What goes when turns are forgotten: the turns, their ratings, what was typed for them, and what quotes them.

SQLite overwrites with zeros what is deleted here (`secure_delete`, set by the journal).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.journal.values import Forgotten
from retrieval.database import Database

Reach = Mapping[str, Any]
"""Which turns: values for the statements, made by `reach`."""
_IN_REACH = """((:sessions IS NULL OR session_id IN (SELECT value FROM json_each(:sessions)))
  AND (:before IS NULL OR created < :before) AND (:after IS NULL OR created >= :after))"""
"""Of a turn, and of a line: both have a session and a time."""
_GONE = f"(SELECT id FROM interactions WHERE {_IN_REACH})"
_COUNT = f"""SELECT
  (SELECT COUNT(*) FROM (SELECT 1 FROM interactions GROUP BY session_id HAVING MIN({_IN_REACH})=1)),
  (SELECT COUNT(*) FROM interactions WHERE {_IN_REACH}),
  (SELECT COUNT(*) FROM feedback WHERE interaction_id IN {_GONE})"""
_DELETE = (
    # Later turns of the session were sent the earlier ones, and their rewritten question takes words from them.
    f"""UPDATE interactions SET messages=x'', searched='' FROM
        (SELECT session_id AS session, MIN(id) AS first FROM interactions WHERE {_IN_REACH} GROUP BY session_id)
        WHERE session_id=session AND id>first AND id NOT IN {_GONE}""",
    f"DELETE FROM interactions WHERE {_IN_REACH}",
)
_TIDY = (
    "DELETE FROM sessions WHERE id NOT IN (SELECT session_id FROM interactions)",
    """UPDATE sessions SET created=(SELECT MIN(created) FROM interactions i WHERE i.session_id=sessions.id),
       updated=(SELECT MAX(created) FROM interactions i WHERE i.session_id=sessions.id)""",
)
_COMMAND = re.compile(r"/\S+\s+((?:\d+\s+)?(.*))", re.DOTALL)
"""`/bad 12 too old` with what may have been kept of it: `12 too old`, `too old`."""


def reach(session_ids: Sequence[int] | None, before: float | None, after: float | None) -> Reach:
    """Turns of these sessions, earlier than `before`, from `after` on; None restricts nothing."""
    return {
        "sessions": None if session_ids is None else json.dumps(list(session_ids)),
        "before": before,
        "after": after,
    }


def count(file: Database, which: Reach) -> Forgotten:
    """What `delete` would delete."""
    ((sessions, turns, ratings),) = file.query(_COUNT, which)
    return Forgotten(sessions, turns, ratings, len(_lines(file, which)))


def delete(file: Database, which: Reach) -> Forgotten:
    """Delete, inside the transaction that is open."""
    gone = count(file, which)
    file.query("DELETE FROM lines WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(_lines(file, which)),))
    for statement in _DELETE:
        file.query(statement, which)
    for statement in _TIDY:
        file.query(statement)
    return gone


def _lines(file: Database, which: Reach) -> list[int]:
    """Lines typed in reach; a question of which only the turn is, and a rating given from another session, too."""
    asked = set(file.query(f"SELECT session_id, question FROM interactions WHERE {_IN_REACH}", which))
    found = file.query(f"SELECT reason, correction FROM feedback WHERE interaction_id IN {_GONE}", which)
    said = {text for row in found for text in row if text}
    lines = file.query(f"SELECT id, session_id, trim(text), {_IN_REACH} FROM lines", which)
    return [i for i, session, text, near in lines if near or (session, text) in asked or _arguments(text) & said]


def _arguments(line: str) -> set[str]:
    match = _COMMAND.match(line)
    return {part.strip() for part in match.groups()} if match else set()
