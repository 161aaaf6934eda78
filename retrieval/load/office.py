"""Word, PowerPoint, EPUB, notebooks and Outlook messages, by markitdown's converters.

Each converter is called by itself: the MarkItDown class around them would guess formats with a neural network, look for
plug-ins and exiftool, and fetch what looks like an address.
"""

from __future__ import annotations

from collections.abc import Iterator

from retrieval.errors import ParseFailed
from retrieval.load.archive import check_zip
from retrieval.load.make import document, readable
from retrieval.load.page import VERBATIM
from retrieval.load.text import heading, without_comments
from retrieval.load.values import Problem, Source
from retrieval.types import Document

_CONVERTERS = {
    ".docx": "DocxConverter",
    ".pptx": "PptxConverter",
    ".epub": "EpubConverter",
    ".ipynb": "IpynbConverter",
    ".msg": "OutlookMsgConverter",
}
_ZIPPED = frozenset({".docx", ".pptx", ".epub"})
# Word's own Title style is a plain paragraph to mammoth, and the best title a document has.
_STYLES = "\n".join(f"p[style-name='{name}'] => h1:fresh" for name in ("Title", "Titre"))


def office(source: Source) -> Iterator[Document | Problem]:
    """A file is one document."""
    source.check_size()
    suffix = source.path.suffix.lower()
    if suffix in _ZIPPED:
        check_zip(source.path)
    title, body = _convert(source, suffix)
    body = without_comments(body)
    yield document(body, title or heading(body) or readable(source.path))


def _convert(source: Source, suffix: str) -> tuple[str, str]:
    from markitdown import StreamInfo, converters

    converter = getattr(converters, _CONVERTERS[suffix])()
    info = StreamInfo(extension=suffix, charset="utf-8")
    options = {"style_map": _STYLES, **VERBATIM} if suffix == ".docx" else VERBATIM
    try:
        with source.path.open("rb") as file:
            result = converter.convert(file, info, **options)
    except (KeyError, ValueError, EOFError) as error:
        raise ParseFailed(f"damaged {suffix} file: {type(error).__name__} {error}") from error
    return result.title or "", result.markdown
