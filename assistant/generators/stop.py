"""Texts that end an answer, found in it as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from assistant.generators.base import Cut


def until(pieces: Iterable[str | Cut], stops: Sequence[str]) -> Iterator[str | Cut]:
    """The pieces up to the first of the stop texts, which is not among them; what may begin one is held back."""
    held = ""
    for piece in pieces:
        if isinstance(piece, Cut) or not stops:
            yield from filter(None, (held, piece))
            held = ""
            continue
        held += piece
        found = [at for stop in stops if (at := held.find(stop)) >= 0]
        if found:
            yield from filter(None, (held[: min(found)],))
            return
        sure = len(held) - max(_begun(held, stop) for stop in stops)
        if sure:
            yield held[:sure]
        held = held[sure:]
    if held:
        yield held


def _begun(text: str, stop: str) -> int:
    """Length of the longest end of a text that a stop text begins with."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
