"""Documents to chunks that fit the embedder's window.

A document that fits is one chunk. A longer one is cut at headings, then between paragraphs, then between sentences, and
small neighbours are merged, so that a chunk is as large as the window allows and begins where a thought begins. Title and
heading path travel with each chunk into both indexes; every part of a table repeats the header row.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.embed import Embedder
from retrieval.facts import field_lines, is_row, is_rule
from retrieval.text import sentence_spans
from retrieval.types import Document

VERSION = "2"
"""Part of every document's hash: raise it when the same document would be cut differently."""
SMALL = 0.25
"""Share of the window under which a chunk is merged across a heading."""
SPECIAL_TOKENS = 2

_HEADING = re.compile(r"(#{1,6})\s++(.++)")
_UNDERLINE = re.compile(r"^(=+|-{3,})\s*$")


@dataclass(frozen=True)
class Piece:
    """A chunk before it has an id."""

    headings: tuple[str, ...]
    text: str


@dataclass
class _Block:
    """A paragraph, list, table, code block or heading, never cut unless it alone exceeds the window."""

    text: str
    headings: tuple[str, ...]
    level: int = 0
    """1–6 for a heading line, 0 for the rest."""
    tokens: int = 0


def embedded_text(title: str, headings: tuple[str, ...], text: str) -> str:
    """What the embedder reads of a chunk: title and heading path, then the text."""
    path = " › ".join(dict.fromkeys(p for p in (title, *headings) if p and not text.startswith(f"# {p}")))
    return f"{path}\n{text}" if path else text


def body_text(headings: tuple[str, ...], text: str) -> str:
    """What the lexical index reads of a chunk beside its title."""
    missing = [h for h in headings if h not in text]
    return "\n".join([*missing, text])


def text_hash(title: str, headings: tuple[str, ...], text: str) -> str:
    """Identity of a chunk's searchable content: the key of the embedding cache."""
    return hashlib.sha256(embedded_text(title, headings, text).encode()).hexdigest()


def full_text(document: Document) -> str:
    """The document's text, headed by its fields when they are to be searched."""
    if not document.fields_in_text or not document.metadata:
        return document.text.strip()
    head = field_lines(document.metadata)
    return f"{head}\n\n{document.text}".strip() if head else document.text.strip()


def chunk(document: Document, embedder: Embedder) -> list[Piece]:
    """Cut a document to the embedder's window. An empty document gives no chunk."""
    text = full_text(document)
    if not text:
        return []
    if document.atomic:
        return [Piece((), text)]
    title_cost = embedder.count_tokens([document.title])[0] + SPECIAL_TOKENS
    room = max(embedder.window - title_cost, embedder.window // 2)
    # A cheap bound first: a token is at least one character.
    if len(text) <= room or (len(text) < 8 * room and embedder.count_tokens([text])[0] <= room):
        return [Piece((), text)]
    blocks = _blocks(text)
    paths = {path: _path(path, room // 2, embedder) for path in {block.headings for block in blocks}}
    for block in blocks:
        block.headings = paths[block.headings]
    for block, count in zip(blocks, embedder.count_tokens([b.text for b in blocks]), strict=True):
        block.tokens = count
    rooms = _rooms(blocks, room, embedder)
    fitting = [part for block in blocks for part in _fit(block, rooms[block.headings], embedder)]
    return _pack(fitting, rooms)


def _path(headings: tuple[str, ...], most: int, embedder: Embedder) -> tuple[str, ...]:
    """The innermost headings that take at most so many tokens, which leaves as many to the text; a lone one is cut."""

    def cost(path: tuple[str, ...]) -> int:
        return embedder.count_tokens([" › ".join(("", *path))])[0]

    while len(headings) > 1 and cost(headings) > most:
        headings = headings[1:]
    if headings and (over := cost(headings) - most) > 0:
        ends = embedder.token_offsets(headings[0])
        headings = (headings[0][: ends[max(0, len(ends) - over - 1)][1]],)
    return headings


def _rooms(blocks: list[_Block], room: int, embedder: Embedder) -> dict[tuple[str, ...], int]:
    """Tokens left for text under each heading path, since the path is embedded too."""
    paths = list(dict.fromkeys(b.headings for b in blocks))
    costs = embedder.count_tokens([" › ".join(("", *p)) for p in paths])
    return {path: room - cost for path, cost in zip(paths, costs, strict=True)}


def _blocks(text: str) -> list[_Block]:
    """Headings, fenced code, tables and paragraphs, each with the path of headings above it."""
    blocks: list[_Block] = []
    path: list[tuple[int, str]] = []
    for raw in _paragraphs(text):
        level, name = _heading(raw)
        if level:
            path = [(depth, above) for depth, above in path if depth < level]
            blocks.append(_Block(raw, tuple(n for _, n in path), level))
            path.append((level, name.replace("*", "")[:120]))
        else:
            blocks.append(_Block(raw, tuple(n for _, n in path)))
    return blocks


def _paragraphs(text: str) -> Iterator[str]:
    """Runs of lines between blank lines; a heading line is alone; a fence runs to its end."""
    run: list[str] = []
    fenced = False
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if fenced:
            run.append(line)
        elif _heading(line)[0]:
            yield from _joined(run)
            yield line.strip()
            run = []
        elif len(run) == 1 and _UNDERLINE.match(line) and run[0].strip() and not is_row(run[0]):
            yield f"{'#' if line.startswith('=') else '##'} {run[0].strip()}"
            run = []
        elif line.strip():
            if run and is_row(line) != is_row(run[-1]) and not run[-1].lstrip().startswith(("```", "~~~")):
                yield from _joined(run)
                run = []
            run.append(line)
        else:
            yield from _joined(run)
            run = []
    yield from _joined(run)


def _heading(line: str) -> tuple[int, str]:
    """Level and name of a heading line; level 0 for any other line."""
    match = _HEADING.fullmatch(line.rstrip()) if line.startswith("#") else None
    if not match:
        return 0, ""
    # Closing signs are no part of the name (`## Ports ##`), unless they are all there is.
    return len(match[1]), match[2].rstrip("#").rstrip() or match[2]


def _joined(run: list[str]) -> Iterator[str]:
    if run:
        yield "\n".join(run).strip("\n")


def _fit(block: _Block, room: int, embedder: Embedder) -> Iterator[_Block]:
    """The block itself, or its parts when it is larger than the window."""
    if block.tokens <= room:
        yield block
        return
    lines = block.text.split("\n")
    if len(lines) > 2 and is_row(lines[0]) and is_rule(lines[1]):
        yield from _split_table(block, lines, room, embedder)
        return
    units = lines if len(lines) > 1 else [block.text[a:b] for a, b in sentence_spans(block.text)]
    separator = "\n" if len(lines) > 1 else " "
    for text, tokens in _fill(_short(units, room, embedder), separator, room):
        yield _Block(text, block.headings, 0, tokens)


def _short(units: list[str], room: int, embedder: Embedder) -> Iterator[tuple[str, int]]:
    """Lines or sentences with their tokens; one that exceeds the window is cut further, at last between tokens."""
    for unit, tokens in zip(units, embedder.count_tokens(units), strict=True):
        if tokens <= room:
            yield unit, tokens
            continue
        spans = sentence_spans(unit)
        if len(spans) > 1:
            yield from _short([unit[a:b] for a, b in spans], room, embedder)
            continue
        offsets = embedder.token_offsets(unit)
        for first in range(0, len(offsets), room):
            last = min(first + room, len(offsets)) - 1
            yield unit[offsets[first][0] : offsets[last][1]], last - first + 1


def _fill(units: Iterator[tuple[str, int]], separator: str, room: int) -> Iterator[tuple[str, int]]:
    """Join units in order into texts of at most `room` tokens."""
    run: list[str] = []
    total = 0
    for unit, tokens in units:
        if run and total + tokens > room:
            yield separator.join(run), total
            run, total = [], 0
        run.append(unit)
        total += tokens
    if run:
        yield separator.join(run), total


def _split_table(block: _Block, lines: list[str], room: int, embedder: Embedder) -> Iterator[_Block]:
    """Parts of a table, each under the header row."""
    header = "\n".join(lines[:2])
    cost = embedder.count_tokens([header])[0]
    if cost > room // 2:  # a header that leaves no room for rows is not repeated
        header, cost = "", 0
    for text, tokens in _fill(_short(lines[2:], room - cost, embedder), "\n", room - cost):
        yield _Block(f"{header}\n{text}".strip(), block.headings, 0, tokens + cost)


def _pack(blocks: list[_Block], rooms: dict[tuple[str, ...], int]) -> list[Piece]:
    """Merge neighbouring blocks up to the window; a heading starts a chunk unless the one before it is small."""
    pieces: list[Piece] = []
    run: list[_Block] = []
    total = 0
    for block in blocks:
        cost = block.tokens + 1
        room = rooms[run[0].headings if run else block.headings]
        begins = block.level > 0 and total >= SMALL * room
        if run and (begins or total + cost > room):
            carried = _trailing_headings(run)
            # The outermost headings stay behind when the block needs all the room: its path names them anyway.
            while carried and sum(b.tokens + 1 for b in carried) + cost > rooms[carried[0].headings]:
                carried = carried[1:]
            pieces += _piece(run[: len(run) - len(carried)])
            run, total = carried, sum(b.tokens + 1 for b in carried)
        run.append(block)
        total += cost
    pieces += _piece(run)
    return pieces


def _trailing_headings(run: list[_Block]) -> list[_Block]:
    """Headings at the end of a run: they belong to what follows."""
    count = 0
    while count < len(run) and run[-1 - count].level:
        count += 1
    return run[len(run) - count :] if count < len(run) else []


def _piece(run: list[_Block]) -> list[Piece]:
    text = "\n\n".join(b.text for b in run).strip()
    return [Piece(run[0].headings, text)] if text else []
