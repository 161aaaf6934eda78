"""A report as Markdown (GitHub's kind): figures are left out, their numbers stand in tables."""

from __future__ import annotations

import re

from eval.report.blocks import (
    Block,
    Bullets,
    Code,
    Facts,
    Figure,
    Fold,
    Paragraph,
    Quote,
    Quotes,
    Report,
    Section,
    Table,
)

_MARKS = re.compile(r"([\\`*\[\]<>#|~$&]|(?<![^\W_])_|_(?![^\W_]))")
"""An underscore inside a word is none."""
_LINE_MARKS = re.compile(r"^(\s*)(?:([-+](?=[-+\s]|$)|=)|(\d{1,9})([.)])(?=\s|$))", re.MULTILINE)
_TONES = {"": "", "key": "", "good": "✓ ", "bad": "✗ ", "warning": "⚠ "}


def write_markdown(report: Report) -> str:
    """The whole report; every text is escaped."""
    parts = [f"# {_line(report.title)}", _line(report.about), *(_block(section, 2) for section in report.sections)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """A text in which nothing is a mark of Markdown or HTML; its line breaks stay."""
    marked = _MARKS.sub(r"\\\1", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _LINE_MARKS.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", marked)


def _line(text: str) -> str:
    """As one line; nothing at all would make a mark of what stands beside it."""
    return escaped(" ".join(text.split())) or "–"


def _prose(text: str) -> str:
    """A text as one line, with the commands of ours in it as code, in which nothing is a mark."""
    parts = re.split("`(dyag [^`]+)`", " ".join(text.split()))
    return "".join(f"`{part}`" if i % 2 else escaped(part) for i, part in enumerate(parts)) or "–"


def _block(block: Block, level: int) -> str:
    match block:
        case Section():
            return _below(f"{'#' * min(level, 6)} {_line(block.title)}", block.blocks, level + 1)
        case Fold():
            return _below(f"{'#' * min(level, 6)} {_line(block.title)}", block.blocks, level + 1)
        case Paragraph():
            return _paragraph(block)
        case Bullets():
            return "\n".join(f"- {_prose(item)}" for item in block.items)
        case Facts():
            return "\n".join(f"- **{_line(name)}**: {_line(value)}" for name, value in block.pairs)
        case Code():
            return _fenced(block.text)
        case Table():
            return _table(block)
        case Quotes():
            return "\n\n".join(map(_quote, block.quotes))
        case Figure():
            return ""


def _below(heading: str, blocks: tuple[Block, ...], level: int) -> str:
    return "\n\n".join([heading, *filter(None, (_block(block, level) for block in blocks))])


def _paragraph(block: Paragraph) -> str:
    text = _prose(block.text)
    return f"**{text}**" if block.tone == "key" and text else f"{_TONES[block.tone]}{text}"


def _fenced(text: str) -> str:
    """Inside a fence that is longer than any in the text."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def _table(table: Table) -> str:
    rules = [":--" if i == 0 or i in table.words else "--:" for i in range(len(table.head))]
    lines = [map(_line, table.head), rules, *(map(_line, row) for row in table.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _quote(quote: Quote) -> str:
    note = f" ({_line(quote.note)})" if quote.note else ""
    lines = escaped(quote.text.strip() or "—").split("\n")
    return "\n".join([f"**{_line(quote.label)}**{note}", "", *(f"> {line}".rstrip() for line in lines)])
