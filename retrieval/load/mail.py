"""E-mail: the subject as title, who wrote to whom and when, and the text rather than the HTML."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, cast

from retrieval.load.encoding import decode
from retrieval.load.make import document, field_lines, readable
from retrieval.load.page import page_text
from retrieval.load.values import Problem, Source
from retrieval.types import Document

_HEADERS = ("From", "To", "Cc", "Date")


def eml(source: Source) -> Iterator[Document | Problem]:
    """A message is one document; its attachments are named, not read."""
    message = email.message_from_bytes(source.read(), policy=email.policy.default)
    subject = str(message["Subject"] or "")
    fields = [(name, str(message[name] or "")) for name in _HEADERS]
    attached = [part.get_filename() or "" for part in message.walk() if part.is_attachment()]
    head = field_lines([*fields, ("Attachments", attached)])
    yield document(f"{head}\n\n{_body(message)}".strip(), subject or readable(source.path))


def _body(message: EmailMessage) -> str:
    part = cast("EmailMessage | None", message.get_body(("plain", "html")))
    if part is None:
        return ""
    text = _text(part)
    return page_text(text)[1] if part.get_content_subtype() == "html" else text


def _text(part: EmailMessage) -> str:
    """The part's text, by the charset it declares unless that is unknown or wrong."""
    payload: Any = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        return data.decode(part.get_content_charset("utf-8")).replace("\r\n", "\n")
    except (LookupError, ValueError):
        return decode(data)
