"""A chunk as headings, paragraphs and lists, each where it stands; cut lists are told from whole ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from finetune.sources import SourceDocument
from retrieval.facts import clean_markup

_HEADING = re.compile(r"(#{1,6})\s+(\S.*)")
_ITEM = re.compile(r"( {0,3})(?:([-*+•–])|(\d{1,2})[.)])\s+(\S.*)")
_DECORATION = re.compile(r"[^\w«»\"'’()?!.,:;&%€$+/@·–—-]+")


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph or a list of a chunk."""

    kind: Literal["heading", "text", "list"]
    text: str
    """Verbatim."""
    items: tuple[str, ...] = ()
    """Of a list, without markup; empty when it is nested or does not count from one."""
    numbered: bool = False
    open: bool = False
    """The list may go on in the next chunk, or began in the one before."""


@dataclass(frozen=True)
class Section:
    """Blocks under a heading; the blocks of a document's opening have none."""

    heading: str
    blocks: tuple[Block, ...]


def sections_of(document: SourceDocument, at: int) -> list[Section]:
    """The sections whose headings stand in chunk `at` of a document, and its opening in the first chunk."""
    parts = list(blocks(document.chunks[at].text))
    if parts and parts[-1].kind == "list" and at + 1 < len(document.chunks):
        first = next(iter(blocks(document.chunks[at + 1].text)), None)
        if first is None or first.kind != "heading":
            parts[-1] = Block("list", parts[-1].text, parts[-1].items, parts[-1].numbered, open=True)
    found: list[Section] = []
    heading, run = ("", []) if at == 0 else (None, [])
    for block in parts:
        if block.kind != "heading":
            run.append(block)
            continue
        if heading is not None:
            found.append(Section(heading, tuple(run)))
        heading, run = heading_text(block.text), []
    if heading is not None:
        found.append(Section(heading, tuple(run)))
    return found


def heading_text(line: str) -> str:
    """A heading's words, without marks, emphasis, pictures and closing colon."""
    match = _HEADING.match(line.strip())
    text = clean_markup(match[2] if match else line).strip("#*_ ")
    return " ".join(_DECORATION.sub(" ", text).split()).rstrip(" :").strip()


def blocks(text: str) -> Iterator[Block]:
    """Headings, paragraphs and lists of a text, in order; code is left out."""
    run: list[str] = []
    kind = ""
    fenced = False
    for line in [*text.split("\n"), ""]:
        fence = line.lstrip().startswith(("```", "~~~"))
        fenced ^= fence
        if fence or fenced:
            new = "code"
        elif not line.strip():
            # A blank line ends a paragraph; a list may go on after it.
            if kind == "list":
                run.append(line)
            elif run:
                yield from _made(kind, run)
                run, kind = [], ""
            continue
        elif _HEADING.match(line):
            new = "heading"
        elif _ITEM.match(line) or (kind == "list" and line.startswith((" ", "\t"))):
            new = "list"
        else:
            new = "list" if kind == "list" and run[-1].strip() and len(run[-1]) > 60 else "text"
        if run and (new != kind or new == "heading"):
            yield from _made(kind, run)
            run = []
        run, kind = [*run, line], new
    if run:
        yield from _made(kind, run)


def _made(kind: str, lines: list[str]) -> Iterator[Block]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    text = "\n".join(lines).strip()
    if kind == "list":
        items, numbered = _items(lines)
        yield Block("list", text, items, numbered)
    elif kind in ("text", "heading") and text:
        yield Block("heading" if kind == "heading" else "text", text)


def _items(lines: list[str]) -> tuple[tuple[str, ...], bool]:
    """Items of a flat list; nothing of a nested or mixed one, or one that does not count 1, 2, 3."""
    found: list[str] = []
    numbers: list[str] = []
    indents: set[int] = set()
    for line in lines:
        match = _ITEM.match(line)
        if match:
            indents.add(len(match[1]))
            numbers.append(match[3] or "")
            found.append(match[4])
        elif line.strip():
            if re.match(r"\s*(?:[-*+•–]|\d{1,2}[.)])\s", line) or not found:
                return (), False
            found[-1] += f" {line.strip()}"
    numbered = bool(numbers) and all(numbers)
    if (
        len(indents) > 1
        or (numbered and numbers != [str(n + 1) for n in range(len(numbers))])
        or (any(numbers) and not numbered)
    ):
        return (), False
    return tuple(" ".join(clean_markup(item).split()).rstrip(";, \u00a0\u202f") for item in found), numbered
