"""An answer shown as it comes: what was searched, the text, what it rests on."""

from __future__ import annotations

import re

from assistant.answer import AnswerEvent, Done, Events, Searched, Sources
from assistant.generators.base import Delta
from assistant.sanitize import clean
from assistant.screen import Screen, dim
from assistant.terminal.markdown import MarkdownStream
from retrieval.types import Answer

ENOUGH = 4
"""Passages with which an answer is hardly ever short of one: that others had no room is then not worth a line."""
_PASSAGES = re.compile(r"\d+ passages?")


def present(events: Events, screen: Screen) -> Answer:
    """Show an answer while it is made, then what it rests on. Raises what the answerer does."""
    done = stream(events, screen)
    show_sources(done, screen)
    return done.answer


def stream(events: Events, screen: Screen) -> Done:
    """Show an answer's text while it is made; Ctrl-C keeps what has come and marks it. Raises what the answerer does."""
    text = MarkdownStream(screen)
    event = next(events)
    while not isinstance(event, Done):
        try:
            _draw(event, text, screen)
            event = next(events)
        except KeyboardInterrupt as interrupt:
            event = events.throw(interrupt)
    text.finish()
    return event


def finished(events: Events) -> Answer:
    """The answer alone, nothing shown."""
    (answer,) = (event.answer for event in events if isinstance(event, Done))
    return answer


def _draw(event: AnswerEvent, text: MarkdownStream, screen: Screen) -> None:
    if isinstance(event, Searched):
        screen.out(dim(f"searched: {event.text}"))
    elif isinstance(event, Sources):
        screen.waiting("…")
    elif isinstance(event, Delta):
        text.write(event.text)


def show_sources(done: Done, screen: Screen) -> None:
    """What is to be said below an answer: that it is not whole, what the model was not sent, and the cited chunks."""
    answer = done.answer
    if answer.partial:
        screen.remark(f"[not finished: {answer.partial}]")
    if answer.dropped and not (_PASSAGES.fullmatch(answer.dropped) and len(answer.passages) >= ENOUGH):
        screen.remark(f"[no room in the model's context for {answer.dropped}]")
    if answer.unknown_citations:
        count = answer.unknown_citations
        screen.remark(f"[{count} citation{'s' * (count > 1)} of chunks that were not given, struck]")
    if answer.citations:
        screen.out()
    titles = {p.chunk_id: p.title for p in answer.passages}
    for c in answer.citations:
        title, document = (clean(text, newlines=False) for text in (titles.get(c.chunk_id, ""), c.document))
        doubt = "" if c.supported else "  (weak support)"
        screen.out(dim(f"[chunk_{c.chunk_id}]"), f" {title}" if title else "", dim(f"  {document}{doubt}"))
    if done.hint:
        screen.note(done.hint)
