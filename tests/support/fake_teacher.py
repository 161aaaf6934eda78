"""A teacher on this machine: a model server that reads what it is sent and replies as a good teacher would, or a bad one.

Its chunks say `Alpha7 listens on port 1007.`; what it replies depends on the request alone, whatever comes first.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from fake_provider import CHAT, Asked, FakeProvider, Reply, sse

from finetune.sources import SourceChunk, SourceDocument
from finetune.teacher.prompts import Reading
from retrieval.types import Language

REFUSALS: dict[Language, str] = {
    "fr": "Je ne trouve pas la réponse dans les documents.",
    "en": "I can't find the answer in the documents.",
}
_STATED = re.compile(r"(Alpha\d+) listens on port (\d+)")
_ASKED = re.compile(r"Question: Which port does (Alpha\d+) listen on\?")


def readings(count: int) -> list[Reading]:
    """Chunks that a teacher can read."""
    made = []
    for n in range(1, count + 1):
        chunk = SourceChunk(n, f"Alpha{n} listens on port {1000 + n}. It was written in {1900 + n} for the Beta team.")
        made.append(Reading(SourceDocument(n, f"alpha{n}.md", f"Alpha{n}", "en", (chunk,)), chunk))
    return made


def find(question: str) -> list[int]:
    """A search that finds the chunk of the name in the question."""
    return [int(n) for n in re.findall(r"Alpha(\d+)", question)] or [1]


def reply_to(messages: Sequence[dict[str, str]]) -> str:
    """What a good teacher says."""
    said = messages[-1]["content"] if len(messages) < 3 else messages[1]["content"]
    stated = dict(_STATED.findall(said))
    if asked := _ASKED.search(said):
        port = stated.get(asked[1])
        return f"The port of {asked[1]} is {port}." if port else REFUSALS["en"]
    if not stated or "Question:" in said:
        return REFUSALS["en"]
    return json.dumps({"questions": [*map(_question, stated.items()), *map(_refusal, stated)]})


def _question(stated: tuple[str, str]) -> dict[str, str]:
    name, port = stated
    words = f"{name} listens on port {port}"
    return {
        "question": f"Which port does {name} listen on?",
        "answer": f"{words}.",
        "quote": words,
        "value": port,
        "type": "which",
    }


def _refusal(name: str) -> dict[str, str]:
    return {"question": f"Who maintains {name} today?", "answer": "", "quote": "", "value": "", "type": "refusal"}


class _Log(list[Asked]):
    """What came, and what came last to this thread."""

    def __init__(self) -> None:
        super().__init__()
        self.here = threading.local()

    def append(self, asked: Asked) -> None:
        self.here.asked = asked
        super().append(asked)


class FakeTeacher(FakeProvider):
    """The server; `faults` may reply in its place, given the body and how often that same body has come."""

    def __init__(self, faults: Callable[[Any, int], Reply | None] = lambda body, times: None) -> None:
        super().__init__(asked=_Log())
        self.faults = faults

    def __enter__(self) -> FakeTeacher:
        super().__enter__()
        self.script(CHAT, self._reply)
        return self

    def _reply(self, talk: Any) -> None:
        body = self.asked.here.asked.body  # type: ignore[attr-defined]
        times = sum(asked.body == body for asked in self.at(CHAT))
        (self.faults(body, times) or sse(reply_to(body["messages"])))(talk)

    @property
    def prompts(self) -> list[str]:
        """What was asked, as text that can be compared."""
        return [json.dumps(body["messages"]) for body in self.bodies(CHAT)]
