"""A client's messages as a question and the turns before it; the client keeps the conversation, we recognise it again."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from assistant.api.openai_shapes import Message
from assistant.conversation import KEPT, turn_of
from assistant.generators.base import Turn
from assistant.prompts import is_refusal
from retrieval.text import detect_language

if TYPE_CHECKING:
    from retrieval.library import Library
    from retrieval.types import Answer

_CITED = re.compile(r"\[chunk_(\d{1,15})\]")
REMEMBERED = 2_000
"""Conversations that are recognised; one that is not begins another session."""
Said = tuple[tuple[str, str], ...]
"""(question, answer) of earlier turns, oldest first."""


class Known(NamedTuple):
    """A conversation as the server has it."""

    session: int
    turns: tuple[Turn, ...]


def said_in(messages: Sequence[Message]) -> Said:
    """The earlier turns of a client's messages: each answer with the question before it."""
    spoken = [m for m in messages if m.role in ("user", "assistant")]
    said = [
        (a.text, b.text) for a, b in pairwise(spoken) if (a.role, b.role) == ("user", "assistant") and a.text.strip()
    ]
    return tuple(said[-KEPT:])


def turns_of(said: Said, library: Library) -> tuple[Turn, ...]:
    """The turns as far as their texts tell of them: what an answer cites says what it is about."""
    cited = [list(dict.fromkeys(map(int, _CITED.findall(answer)))) for _, answer in said]
    chunks = library.chunks({i for ids in cited for i in ids})
    turns = []
    for (question, answer), ids in zip(said, cited, strict=True):
        titles = dict.fromkeys(chunks[i].title for i in ids if i in chunks and chunks[i].title)
        refused = is_refusal(answer, detect_language(answer, default="fr"))
        turns.append(Turn(question, answer, titles=() if refused else tuple(titles), refused=refused))
    return tuple(turns)


class Conversations:
    """The conversations of the last while, by all that was said in them and by whom. For any number of threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, author: str, said: Said) -> Known | None:
        """The conversation in which just this was said."""
        with self._lock:
            return self._known.get(_key(author, said)) if said else None

    def goes_on(self, author: str, said: Said, before: Known | None, session: int, answer: Answer) -> None:
        """Remember a conversation with one more answer, as the client will send it back."""
        turns = (*(before.turns if before else ()), turn_of(answer))[-KEPT:]
        with self._lock:
            self._known[_key(author, (*said, (answer.question, answer.answer))[-KEPT:])] = Known(session, turns)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


def _key(author: str, said: Said) -> bytes:
    return hashlib.sha256(repr((author, said)).encode("utf-8", "replace")).digest()
