"""A row that is too long for its base model, with fewer documents in its prompt: those that it cites stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assistant.feedback.gold import cited_chunks

_DOCUMENT = re.compile(r'<document id="chunk_(\d+)"[^\n]*>\n.*?\n</document>\n?', re.DOTALL)
_ASKING = ("prompt", "messages")
_ANSWERS = ("completion", "chosen", "rejected", "messages")
Row = Mapping[str, Any]


def shortened(row: Row, fits: Callable[[Row], bool]) -> Row | None:
    """The row with as many documents as fit, the last ones left out first; None when it is too long without any to spare."""
    needed = _needed(row)
    shown = [int(number) for name in _ASKING for m in row.get(name, ()) for number in _DOCUMENT.findall(m["content"])]
    for spare in reversed([number for number in shown if number not in needed]):
        row = {**row, **{name: _without(row[name], spare) for name in _ASKING if name in row}}
        if fits(row):
            return row
    return None


def _needed(row: Row) -> set[int]:
    said = " ".join(m["content"] for name in _ANSWERS for m in row.get(name, ()) if m["role"] == "assistant")
    gold = (re.fullmatch(r"chunk_(\d+)", name) for name in row.get("metadata", {}).get("gold", ()))
    return {*cited_chunks(said), *(int(match[1]) for match in gold if match)}


def _without(messages: Sequence[Mapping[str, str]], number: int) -> list[Mapping[str, str]]:
    def left(match: re.Match[str]) -> str:
        return "" if int(match[1]) == number else match[0]

    return [{**m, "content": _DOCUMENT.sub(left, m["content"])} for m in messages]
