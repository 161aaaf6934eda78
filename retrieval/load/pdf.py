"""PDF, by markitdown's converter: tables as Markdown, prose as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from retrieval.errors import ParseFailed
from retrieval.load.make import document, readable
from retrieval.load.values import Problem, Source
from retrieval.types import Document

_TAIL = 2048  # where a whole file says %%EOF


def pdf(source: Source) -> Iterator[Document | Problem]:
    """A file is one document; a truncated one gives what can be saved of it, and a problem."""
    data = source.read()
    if b"%PDF-" not in data[:1024]:
        raise ParseFailed("damaged or truncated PDF: it does not start like one")
    whole = b"%%EOF" in data[-_TAIL:]
    text = _convert(source, whole)
    if text.strip() and not whole:
        yield Problem("truncated PDF: its end is missing, only what is left was read")
    yield document(text, _title(text) or readable(source.path))


def _convert(source: Source, whole: bool) -> str:
    from markitdown import StreamInfo
    from markitdown.converters import PdfConverter
    from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
    from pdfminer.pdfexceptions import PDFException
    from pdfminer.psexceptions import PSException

    _beat_at_each_page(source.alive)
    try:
        with source.path.open("rb") as file:
            return str(PdfConverter().convert(file, StreamInfo(extension=".pdf")).markdown)
    except (PDFPasswordIncorrect, PDFEncryptionError) as error:
        raise ParseFailed("encrypted: remove the password and index it again") from error
    except (PDFException, PSException, ValueError, KeyError, TypeError) as error:
        what = str(error).split("\n")[0][:100] or type(error).__name__
        raise ParseFailed(f"damaged or truncated PDF: {what if whole else 'its end is missing'}") from error


def _beat_at_each_page(alive: Callable[[], None]) -> None:
    """A book takes minutes: every page is a sign of life. The converter has no hook, so its interpreter gets one."""
    from pdfminer.pdfinterp import PDFPageInterpreter

    current: Any = PDFPageInterpreter.process_page
    process = getattr(current, "inner", current)

    def process_page(self: Any, page: Any) -> None:
        alive()
        process(self, page)

    process_page.inner = process  # type: ignore[attr-defined]
    PDFPageInterpreter.process_page = process_page  # type: ignore[method-assign]


def _title(text: str) -> str:
    """Most reports and forms print their title as their first line."""
    first = next((line.strip() for line in text.split("\n") if len(line.strip()) > 3), "")
    return first if len(first) <= 120 and not first.startswith("|") else ""
