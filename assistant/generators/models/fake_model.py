"""A model with no model in it, for tests, demonstrations and examples: deterministic, and scripted if one likes.

`fake:` quotes the first document of the prompt and cites it, refuses when there is none, and repeats a question that it is
to rewrite. `fake:PATH` plays a script, a JSON object a line:

    {"text": "Port 3000 [chunk_7]."}                        the next answer
    {"match": "licen[cs]e", "text": "MIT [chunk_7]."}       any answer to a message that holds this pattern
    {"text": "It is", "fault": "reset", "delay": 0.05}      0.05 s before each piece; breaks off at the end of the text
    {"text": "It is", "fault": "timeout", "after": 0}       fails after so many characters of the text

`fault` is one of timeout, reset, 429, 401, 500, context and malformed. A line that matches may be used again and goes
first; the others are used once each, in order.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import count, cycle
from pathlib import Path
from typing import Any, Self

from assistant.generators.base import Options
from assistant.generators.models.faults import (
    ConnectionLost,
    ContextTooLong,
    Malformed,
    RateLimited,
    ServerFailed,
    TimedOut,
    Unauthorized,
)
from retrieval.errors import BadSetting, GeneratorFailed
from retrieval.text import detect_language, sentences
from retrieval.types import Language, Message

PIECES = (1, 3, 2, 5, 4)
"""Lengths of the pieces an answer comes in, again and again: they cut citations too."""
REMEMBERED = 100
"""Times it was asked that `history` tells of."""
QUOTED = 2
"""Sentences that `fake:` quotes."""
FAULTS: dict[str, Callable[[str], GeneratorFailed]] = {
    "timeout": TimedOut,
    "reset": ConnectionLost,
    "429": lambda message: RateLimited(message, retry_after=0.0),
    "401": Unauthorized,
    "500": ServerFailed,
    "context": ContextTooLong,
    "malformed": Malformed,
}
REFUSALS: dict[Language, str] = {
    "fr": "Je ne trouve pas la réponse dans les documents.",
    "en": "I can't find the answer in the documents.",
}
_DOCUMENT = re.compile(r'<document id="(chunk_\d+)"[^>]*>\n(.*?)\n</document>', re.DOTALL)
_TO_REWRITE = re.compile(r"^(?:Dernière question :|Last question:) (.+)\Z", re.MULTILINE)


@dataclass(frozen=True)
class Reply:
    """One line of a script."""

    text: str = ""
    delay: float = 0.0
    """Seconds before each piece."""
    fault: str = ""
    after: int | None = None
    """Characters that come before the fault; None: all of the text."""
    match: str = ""
    """A pattern that the last user message must hold, whatever its case."""


@dataclass
class FakeModel:
    """Plays `replies`; without any, quotes the first document it is sent."""

    name: str = "fake:"
    replies: Sequence[Reply] | None = None
    window: int = 8192
    """Tokens it reads: words and punctuation."""
    history: list[tuple[Message, ...]] = field(default_factory=list)
    """What it was sent, each of the last times it was asked."""
    _played: Iterator[int] = field(default_factory=count)
    _closed: threading.Event = field(default_factory=threading.Event)

    def context(self) -> int:
        return self.window

    def count(self, messages: Sequence[Message]) -> int:
        return sum(4 + len(re.findall(r"\w+|[^\w\s]", m.content)) for m in messages)

    def stream(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        """The answer in small pieces. Raises what the script says, and GeneratorFailed when it is used up."""
        self.history.append(tuple(messages))
        del self.history[:-REMEMBERED]
        self._closed = closed = threading.Event()
        return self._pieces(self._reply(messages), closed)

    def close(self) -> None:
        self._closed.set()

    def twin(self) -> Self:
        """Plays on where this one is in the script."""
        made = copy.copy(self)
        made._closed = threading.Event()
        return made

    def _pieces(self, reply: Reply, closed: threading.Event) -> Iterator[str]:
        text = reply.text if not reply.fault else reply.text[: reply.after]
        for piece in _pieces(text):
            if closed.wait(reply.delay):
                raise GeneratorFailed(f"{self.name} was broken off.")
            yield piece
        if reply.fault:
            raise FAULTS[reply.fault](f"{self.name}: the script has a fault here ({reply.fault}).")

    def _reply(self, messages: Sequence[Message]) -> Reply:
        asked = next((m.content for m in reversed(messages) if m.role == "user"), "")
        if self.replies is None:
            return Reply(_quoted(asked))
        for reply in self.replies:
            if reply.match and re.search(reply.match, asked, re.IGNORECASE):
                return reply
        in_order = [reply for reply in self.replies if not reply.match]
        played = next(self._played)
        if played >= len(in_order):
            raise GeneratorFailed(f"{self.name}: the script is used up.", "Add a line to it.")
        return in_order[played]


def load_script(path: Path) -> list[Reply]:
    """The replies of a script. Raises BadSetting, which names the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadSetting(f"fake: the script {path} cannot be read: {why}.", "Name a file of JSON lines.") from error
    replies = [_parsed(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not replies:
        raise BadSetting(f"fake: the script {path} is empty.", 'Write a line such as {"text": "Hello."}.')
    return replies


def _parsed(line: str, where: str) -> Reply:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadSetting(f"{where}: not valid JSON ({error}).", 'Write {"text": "…"}.') from None
    wrong = _wrong(given)
    if wrong:
        raise BadSetting(f"{where}: {wrong}.", f"A line may hold {', '.join(f.name for f in fields(Reply))}.")
    return Reply(**given)


def _wrong(given: Any) -> str:
    """What is wrong with a line, empty for nothing."""
    if not isinstance(given, dict):
        return "not a JSON object"
    kinds: dict[str, Any] = {"text": str, "delay": int | float, "fault": str, "after": int, "match": str}
    for key, value in given.items():
        if key not in kinds:
            return f"`{key}` means nothing"
        if not isinstance(value, kinds[key]) or isinstance(value, bool) or (key in ("delay", "after") and value < 0):
            return f"`{key}` cannot be {value!r}"
    if given.get("fault", "") not in ("", *FAULTS):
        return f"`fault` is none of {', '.join(FAULTS)}"
    try:
        re.compile(given.get("match", ""))
    except re.error as error:
        return f"`match` is no pattern ({error})"
    return "" if {"text", "fault"} & given.keys() else "neither `text` nor `fault`"


def _quoted(asked: str) -> str:
    """What `fake:` answers."""
    if to_rewrite := _TO_REWRITE.search(asked):
        return to_rewrite[1]
    document = _DOCUMENT.search(asked)
    if document is None:
        return REFUSALS[detect_language(asked, default="fr")]
    name, text = document.groups()
    said = [sentence for sentence in sentences(text) if not sentence.startswith("#")] or [text]
    return " ".join(f"{sentence} [{name}]" for sentence in said[:QUOTED])


def _pieces(text: str) -> Iterator[str]:
    lengths = cycle(PIECES)
    at = 0
    while at < len(text):
        length = next(lengths)
        yield text[at : at + length]
        at += length
