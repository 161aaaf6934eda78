"""A report as one HTML page that asks nothing of any other place: style and drawings are in it, and it has no script."""

from __future__ import annotations

import re
from importlib.resources import files

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
from eval.report.plain import html_text

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""A browser that obeys it loads nothing, whatever a text in the page would make it do."""


def write_html(report: Report) -> str:
    """The whole page; every text is escaped."""
    style = files("eval.report").joinpath("style.css").read_text("utf-8")
    links = "".join(f'<li><a href="#{_anchor(i)}">{html_text(s.title)}</a></li>' for i, s in enumerate(report.sections))
    body = "\n".join(_section(s, 2, f' id="{_anchor(i)}"') for i, s in enumerate(report.sections))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{html_text(report.title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{html_text(report.title)}</h1>
<p class="about">{html_text(report.about)}</p>
</header>
<nav aria-label="Contents"><ul>{links}</ul></nav>
<main>
{body}
</main>
</body>
</html>
"""


def _anchor(number: int) -> str:
    return f"part-{number + 1}"


def _blocks(blocks: tuple[Block, ...], level: int) -> str:
    return "\n".join(_block(block, level) for block in blocks)


def _section(section: Section, level: int, anchor: str = "") -> str:
    heading = f"h{min(level, 6)}"
    return f"<section{anchor}>\n<{heading}>{html_text(section.title)}</{heading}>\n{_blocks(section.blocks, level + 1)}\n</section>"


def _block(block: Block, level: int) -> str:
    match block:
        case Section():
            return _section(block, level)
        case Fold():
            opened = " open" if block.open else ""
            return f"<details{opened}><summary>{html_text(block.title)}</summary>\n{_blocks(block.blocks, level)}\n</details>"
        case Paragraph():
            tone = f' class="{block.tone}"' if block.tone else ""
            return f"<p{tone}>{_prose(block.text)}</p>"
        case Bullets():
            return "<ul>" + "".join(f"<li>{_prose(item)}</li>" for item in block.items) + "</ul>"
        case Facts():
            pairs = "".join(f"<dt>{html_text(name)}</dt><dd>{html_text(value)}</dd>" for name, value in block.pairs)
            return f'<dl class="facts">{pairs}</dl>'
        case Code():
            return f"<pre><code>{html_text(block.text)}</code></pre>"
        case Table():
            return _table(block)
        case Figure():
            return f"<figure><figcaption>{html_text(block.title)}</figcaption>{block.svg}</figure>"
        case Quotes():
            kind = "quotes beside" if block.beside else "quotes"
            return f'<div class="{kind}">{"".join(map(_quote, block.quotes))}</div>'


def _prose(text: str) -> str:
    """A text with the commands of ours in it set as such."""
    return re.sub("`(dyag [^`]+)`", r"<code>\1</code>", html_text(text))


def _table(table: Table) -> str:
    """In a box that scrolls by itself, which the keyboard can reach."""
    kinds = ['class="words"' if i in table.words else "" for i in range(len(table.head))]
    head = "".join(f'<th scope="col" {kind}>{_head(cell)}</th>' for cell, kind in zip(table.head, kinds, strict=True))
    rows = "\n".join(f"<tr>{_row(row, kinds)}</tr>" for row in table.rows)
    table_ = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    return f'<div class="scrolls" tabindex="0" role="group" aria-label="{html_text(table.head[0] or "table")}">{table_}</div>'


def _head(text: str) -> str:
    """Ids and names of models have no spaces to break a line at."""
    return re.sub("[_:/]", r"\g<0><wbr>", html_text(text))


def _row(row: tuple[str, ...], kinds: list[str]) -> str:
    first, *rest = row
    cells = "".join(f"<td {kind}>{html_text(cell)}</td>" for cell, kind in zip(rest, kinds[1:], strict=True))
    return f'<th scope="row">{html_text(first)}</th>{cells}'


def _quote(quote: Quote) -> str:
    language = f' lang="{html_text(quote.language)}"' if quote.language else ""
    note = f'<p class="note">{html_text(quote.note)}</p>' if quote.note else ""
    tone = f" {quote.tone}" if quote.tone else ""
    said = html_text(quote.text.strip()) or "—"
    label = f'<p class="label">{html_text(quote.label)}</p>'
    return f'<div class="quote{tone}">{label}<blockquote{language} dir="auto">{said}</blockquote>{note}</div>'
