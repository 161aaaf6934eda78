"""Markdown as lines of styled text for a terminal: left-aligned, modest, and every word of it shown.

CommonMark with tables and ~~struck~~ text. HTML is text; a link shows its address; `[chunk_N]` is a citation and never a
link. A line end within a paragraph stays one, as whoever wrote a chat answer meant it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, Any

from assistant.sanitize import clean

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.tree import SyntaxTreeNode
    from rich.console import Console
    from rich.text import Text

_CITATION = re.compile(r"\[chunk_\d+\]")
_ENTITY = re.compile(r"&#?\w{1,32};")
_CITES = re.compile(r"[A-Za-z0-9_\[\]【】［］]")
"""What a citation is made of; nothing of it needs an entity."""
# French sets `:`, `;`, `!`, `?` and its quotes off by a blank at which no line ends.
_WORD = re.compile(r"(?:« )?[^ ]+(?: [:;!?»]+(?![^ ]))* *| +")
_STYLES = {"em": "italic", "strong": "bold", "s": "strike"}
_CODE, _CITED, _QUIET = "green", "cyan", "dim"
_NARROWEST = 10
"""Columns that deeply nested text keeps."""


def blocks(source: str) -> list[SyntaxTreeNode]:
    """The paragraphs, headings, lists … of a Markdown text; `map` holds the lines each of them takes."""
    from markdown_it.tree import SyntaxTreeNode

    return SyntaxTreeNode(_parser().parse(source)).children


def lines(block: SyntaxTreeNode, width: int, *, styled: bool) -> list[str]:
    """A block as lines of at most `width` columns, safe for a terminal, styled with SGR codes or not at all."""
    return [_line(text, styled) for text in _block(block, width)]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # A definition of links would be hidden, and could turn a citation into a link later on.
    made.disable("reference")
    made.inline.ruler.before("link", "citation", _citation)
    made.inline.ruler.at("entity", _entity)
    return made


def _citation(state: StateInline, silent: bool) -> bool:
    found = _CITATION.match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        state.push("citation", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _entity(state: StateInline, silent: bool) -> bool:
    """As CommonMark has it, but `&#91;chunk&#95;9]` stays as it is: it would be shown as a citation nobody checked."""
    from markdown_it.rules_inline import entity

    found = _ENTITY.match(state.src, state.pos)
    return not (found and _CITES.search(unescape(found[0]))) and entity(state, silent)


def _line(text: Text, styled: bool) -> str:
    from rich.color import ColorSystem

    if not styled:
        return clean(text.plain, newlines=False).rstrip()
    # Entities such as &#x202e; are decoded after the text was cleaned, so it is cleaned again.
    parts = [(clean(part.text, newlines=False), part.style) for part in text.render(_console())]
    return "".join(style.render(shown, color_system=ColorSystem.STANDARD) if style else shown for shown, style in parts)


@cache
def _console() -> Console:
    """What rich asks for its styles; it writes nothing."""
    from io import StringIO

    from rich.console import Console

    return Console(file=StringIO(), force_terminal=True, color_system="standard", highlight=False, markup=False)


def _block(node: SyntaxTreeNode, width: int) -> list[Text]:
    return _BLOCKS[node.type](node, max(width, _NARROWEST))


def _heading(node: SyntaxTreeNode, width: int) -> list[Text]:
    title = _inline(node)
    title.stylize_before("bold underline" if node.tag == "h1" else "bold")
    return _wrapped(title, width)


def _paragraph(node: SyntaxTreeNode, width: int) -> list[Text]:
    return _wrapped(_inline(node), width)


def _code(node: SyntaxTreeNode, width: int) -> list[Text]:
    from rich.text import Text

    return _indented(_wrapped(Text(node.content.rstrip("\n"), _CODE), width - 2), "  ", "  ")


def _quote(node: SyntaxTreeNode, width: int) -> list[Text]:
    return _indented(_joined(node.children, width - 2), "│ ", "│ ", _QUIET)


def _rule(node: SyntaxTreeNode, width: int) -> list[Text]:
    from rich.text import Text

    return [Text("─" * min(width, 20), _QUIET)]


def _list(node: SyntaxTreeNode, width: int) -> list[Text]:
    shown: list[Text] = []
    first = int(node.attrs.get("start", 1))
    size = len(f"{first + len(node.children) - 1}. ") if node.type == "ordered_list" else 2
    for number, item in enumerate(node.children, first):
        mark = f"{number}. ".rjust(size) if node.type == "ordered_list" else "• "
        shown += _indented(_joined(item.children, width - size, loose=False), mark, " " * size)
    return shown


def _joined(nodes: Sequence[SyntaxTreeNode], width: int, *, loose: bool = True) -> list[Text]:
    """Blocks one below the other. In a list item only two paragraphs have a blank line between them."""
    from rich.text import Text

    shown: list[Text] = []
    for before, node in zip([None, *nodes], nodes, strict=False):
        if before and (loose or before.type == node.type == "paragraph"):
            shown.append(Text())
        shown += _block(node, width)
    return shown


def _indented(texts: list[Text], first: str, others: str, style: str = "") -> list[Text]:
    from rich.text import Text

    return [Text.assemble((others if i else first, style), text) for i, text in enumerate(texts or [Text()])]


def _table(node: SyntaxTreeNode, width: int) -> list[Text]:
    """Columns where every word fits, else each cell behind its header, on a line of its own."""
    from rich import box
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    head, *rows = [row.children for part in node.children for row in part.children]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for cell in head:
        table.add_column(_inline(cell), justify=_side(cell), overflow="fold")
    for row in rows:
        table.add_row(*map(_inline, row))
    console = _console()
    if Measurement.get(console, console.options, table).minimum > width:
        return _records(head, rows, width)
    drawn = console.render_lines(table, console.options.update(width=width, height=None), pad=False)
    found = [Text.assemble(*((part.text, part.style or "") for part in line)) for line in drawn]
    for text in found:
        text.rstrip()
    return found


def _records(head: Sequence[SyntaxTreeNode], rows: Sequence[Sequence[SyntaxTreeNode]], width: int) -> list[Text]:
    from rich.text import Text

    shown: list[Text] = []
    for row in rows:
        shown += [Text()] if shown else []
        for name, cell in zip(head, row, strict=True):
            shown += _wrapped(Text.assemble((_inline(name).plain, "bold"), ": ", _inline(cell)), width)
    return shown


def _side(cell: SyntaxTreeNode) -> Any:
    return str(cell.attrs.get("style", "")).removeprefix("text-align:") or "left"


_BLOCKS: dict[str, Callable[[SyntaxTreeNode, int], list[Text]]] = {
    "heading": _heading,
    "paragraph": _paragraph,
    "fence": _code,
    "code_block": _code,
    "blockquote": _quote,
    "hr": _rule,
    "bullet_list": _list,
    "ordered_list": _list,
    "table": _table,
}


def _inline(node: SyntaxTreeNode) -> Text:
    from rich.text import Text

    return Text.assemble(*_parts(node))


def _parts(node: SyntaxTreeNode) -> Iterator[Text | tuple[str, str]]:
    """The pieces of a line of text, with their styles."""
    for child in node.children:
        if child.type in ("softbreak", "hardbreak"):
            yield "\n", ""
        elif child.type in ("link", "image"):
            yield from _link(child)
        elif child.type == "code_inline":
            yield child.content, _CODE
        elif child.type == "citation":
            yield child.content, _CITED
        elif child.children:
            inner = _inline(child)
            inner.stylize_before(_STYLES.get(child.type, ""))
            yield inner
        else:
            yield child.content, ""


def _link(node: SyntaxTreeNode) -> Iterator[Text | tuple[str, str]]:
    text, address = _inline(node), str(node.attrs.get("href") or node.attrs.get("src") or "")
    yield text
    if address not in ("", text.plain, f"mailto:{text.plain}"):
        yield f" ({address})" if text.plain else address, _QUIET


def _wrapped(text: Text, width: int) -> list[Text]:
    """Lines that end between words; only a word longer than the line is cut."""
    made = [part for line in text.split(allow_blank=True) for part in line.divide(_breaks(line.plain, width))]
    for line in made:
        line.rstrip()
    return made


def _breaks(line: str, width: int) -> list[int]:
    """Where to break a line. A no-break space is part of a word."""
    from rich.cells import cell_len

    breaks: list[int] = []
    column, filled = 0, False
    for word in _WORD.finditer(line):
        size = cell_len(word[0].rstrip(" "))
        if filled and column + size > width:
            breaks.append(word.start())
            column = 0
        if column + size > width:
            for at, char in enumerate(word[0].rstrip(" "), word.start()):
                if column and column + cell_len(char) > width:
                    breaks.append(at)
                    column = 0
                column += cell_len(char)
            column -= size
        column += cell_len(word[0])
        filled = filled or size > 0
    return breaks
