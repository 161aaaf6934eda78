"""Web pages and XML: the text a reader sees, without menus, scripts and trackers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retrieval.errors import ParseFailed
from retrieval.load.encoding import declared, decode, detect
from retrieval.load.make import document, readable
from retrieval.load.values import Problem, Source
from retrieval.types import Document

_NOISE = (
    "script, style, noscript, template, svg, iframe, nav, footer, aside, button, input, select, textarea, "
    "[hidden], [role=navigation], [role=search], [aria-hidden=true], .mw-editsection"
)
# A name like API_KEY must stay as people search for it.
VERBATIM: dict[str, Any] = {"escape_asterisks": False, "escape_underscores": False, "escape_misc": False}
_LONGEST_LINK = 200  # a longer address is a tracker's, not one a reader would be given


def html(source: Source) -> Iterator[Document | Problem]:
    """A page is one document, titled by its `<title>`."""
    title, body = page_text(source.read())
    yield document(body, title or readable(source.path))


def page_text(data: bytes | str) -> tuple[str, str]:
    """The title and the main text of a page, as Markdown."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(data if isinstance(data, str) else _decoded(data), "html.parser")
    title = soup.title.get_text() if soup.title else ""
    whole = soup.body or soup
    text = _markdown(_main(whole))
    return " ".join(title.split()), text or whole.get_text("\n", strip=True)


def _decoded(data: bytes) -> str:
    """UTF-8 when it is; else what the page declares; else what it looks like."""
    codec = detect(data)
    named = declared(data) if not codec.startswith("utf-") else None
    return data.decode(named, "replace") if named else decode(data)


def _main(whole: Any) -> Any:
    """The part that holds the content, freed from what surrounds it on every page of a site."""
    for element in whole.select(_NOISE):
        if not element.decomposed:
            element.decompose()
    for header in whole.find_all("header"):
        if not header.decomposed and header.find("h1") is None:
            header.decompose()
    total = len(whole.get_text())
    for part in whole.select("main, [role=main], article"):
        if len(part.get_text()) > total / 2:
            return part
    return whole


def _markdown(part: Any) -> str:
    import markdownify

    for link in part.find_all("a"):
        address = str(link.get("href", ""))
        if not address.startswith(("http://", "https://", "mailto:")) or len(address) > _LONGEST_LINK:
            link.unwrap()
        del link["title"]  # repeats the link's text
    for image in part.find_all("img"):
        image.replace_with(str(image.get("alt") or ""))
    try:
        text = markdownify.MarkdownConverter(heading_style="ATX", bullets="-", **VERBATIM).convert_soup(part)
    except RecursionError:  # nested deeper than Python's stack: the text still is there
        text = part.get_text("\n", strip=True)
    lines = [line.rstrip() for line in str(text).splitlines()]
    return "\n".join(line for at, line in enumerate(lines) if line or (at and lines[at - 1])).strip()


def xml(source: Source) -> Iterator[Document | Problem]:
    """A feed is read as one; any other XML gives its elements as `tag : text` lines."""
    from markitdown import StreamInfo
    from markitdown.converters import RssConverter

    converter, info = RssConverter(), StreamInfo(extension=source.path.suffix.lower())
    source.check_size()
    with source.path.open("rb") as file:
        if converter.accepts(file, info):
            result = converter.convert(file, info, **VERBATIM)
            yield document(result.markdown, result.title or readable(source.path))
            return
    yield document(_elements(source.read()), readable(source.path))


def _elements(data: bytes) -> str:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, ElementTree  # type: ignore[import-untyped]

    try:
        root = ElementTree.fromstring(data)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ParseFailed(f"not valid XML ({error})") from error
    lines = []
    for element in root.iter():
        tag = str(element.tag).rpartition("}")[2]
        lines += [f"{tag} : {' '.join(element.text.split())}"] if (element.text or "").strip() else []
        lines += [" ".join(element.tail.split())] if (element.tail or "").strip() else []
    return "\n".join(lines)
