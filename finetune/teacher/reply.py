"""A teacher's reply: JSON, and nothing else is taken.

    {"questions": [{"question": "Qui a créé Redis ?", "answer": "Redis a été créé par Salvatore Sanfilippo.",
                    "quote": "auteur: Salvatore Sanfilippo", "value": "Salvatore Sanfilippo", "type": "who"}]}

A code fence and text around it are tolerated, and a list or a single question without the object around it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

LONGEST = 100_000
"""Characters that are read of a reply."""
MOST = 50
"""Questions that are taken from one reply."""
LONGEST_FIELD = 5000
_STARTS = 20
"""Places of a reply at which JSON is looked for."""
_START = re.compile(r"[{\[]")
_NEEDED = ("question", "answer", "quote", "type")


@dataclass(frozen=True)
class Proposal:
    """A question with its answer as the teacher gave them, unchecked."""

    question: str
    answer: str
    quote: str
    type: str
    value: str = ""


class BadReply(Exception):
    """A reply that is not the JSON asked for; `why` is shown to the teacher."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def parse(text: str) -> list[Proposal]:
    """The questions of a reply, none when it says there are none. Raises BadReply."""
    return [_proposal(item, f"question {number}") for number, item in enumerate(_items(text[:LONGEST])[:MOST], 1)]


def _items(text: str) -> list[Any]:
    """The questions of the first object or list that is of the form asked for."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    why, at = "it holds no JSON object", 0
    for _ in range(_STARTS):
        match = _START.search(text, at)
        if match is None:
            break
        try:
            found, at = decoder.raw_decode(text, match.start())
        except json.JSONDecodeError as error:
            # What broke off is not read from its middle.
            why, at = f"not valid JSON ({error.msg}, character {error.pos})", max(match.end(), error.pos)
            continue
        except (ValueError, RecursionError):
            raise BadReply("not valid JSON (too deep, or a number that is none)") from None
        items = _listed(found)
        if items is not None:
            return items
        why = "the JSON has no list `questions`"
    raise BadReply(why)


def _listed(found: Any) -> list[Any] | None:
    """The questions in what was found; None when it is something else."""
    if isinstance(found, dict):
        listed = found.get("questions", [found] if "question" in found else None)
        return listed if isinstance(listed, list) else None
    return found if found and all(isinstance(item, dict) for item in found) else None


def _proposal(item: Any, where: str) -> Proposal:
    if not isinstance(item, dict):
        raise BadReply(f"{where} is not an object")
    for name in (*_NEEDED, "value"):
        given = item.get(name, "" if name == "value" else None)
        if given is None and name in item:
            given = ""  # `null`, where a refusal has nothing to say
        if not isinstance(given, str):
            raise BadReply(f"`{name}` of {where} is {'missing' if name not in item else 'not a text'}")
        if len(given) > LONGEST_FIELD:
            raise BadReply(f"`{name}` of {where} is too long")
        item = {**item, name: given}
    if not item["question"].strip():
        raise BadReply(f"`question` of {where} is empty")
    return Proposal(*(_clean(item[name]) for name in (*_NEEDED, "value")))


def _clean(text: str) -> str:
    """The text without what no file in UTF-8 can hold, and without white space around it."""
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
