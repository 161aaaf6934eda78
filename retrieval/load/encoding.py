"""From bytes to text, whatever wrote them."""

from __future__ import annotations

import codecs
import operator
import re

from retrieval.errors import ParseFailed

_BOMS = (  # UTF-32 first: its little-endian mark starts with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9._-]{2,30})""")
_SAMPLE = 1 << 16
# What French and its neighbours write beyond ASCII. Detectors take a few such letters for any code page.
_WESTERN = frozenset("àâäáãåæçéèêëíìîïñóòôöõøœúùûüÿýßÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜŸ«»“”‘’–—…•€£§°²³½¼¾±×·ªº©®™µ¿¡\xa0")


def decode(data: bytes) -> str:
    """The text of a file, line ends as `\\n`; ParseFailed when it is not text."""
    text = data.decode(detect(data), "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def detect(data: bytes) -> str:
    """The codec to read `data` with; ParseFailed when it is not text."""
    for mark, codec in _BOMS:
        if data.startswith(mark):
            return codec
    if wide := _utf16_without_mark(data):
        return wide
    wrong = _first_not_utf8(data)
    _check_is_text(data, most=0.2 if wrong is None else 0.01)
    if wrong is None or _mostly_utf8(data):
        return "utf-8"
    return _eight_bit(data, wrong)


def declared(data: bytes) -> str | None:
    """The codec an HTML or XML file says it is in, when it names one that exists."""
    match = _DECLARED.search(data[:2048])
    try:
        return codecs.lookup(match[1].decode("ascii")).name if match else None
    except LookupError:
        return None


def _utf16_without_mark(data: bytes) -> str | None:
    """Western text in UTF-16 has a NUL at nearly every other byte."""
    sample = data[:_SAMPLE]
    pairs = len(sample) // 2
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if pairs and odd > 0.4 * pairs and even < 0.05 * pairs:
        return "utf-16-le"
    if pairs and even > 0.4 * pairs and odd < 0.05 * pairs:
        return "utf-16-be"
    return None


def _check_is_text(data: bytes, most: float) -> None:
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls > most * len(data):
        raise ParseFailed("not text (binary data)")


def _first_not_utf8(data: bytes) -> int | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _mostly_utf8(data: bytes) -> bool:
    """A damaged byte here and there does not make UTF-8 another encoding."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = sum(1 for char in text if char > "\x7f") - wrong
    return right > 20 * wrong


def _eight_bit(data: bytes, wrong: int) -> str:
    """The code page of text that is not UTF-8, judged around the first byte that shows it."""
    start = data.rfind(b"\n", 0, max(0, wrong - _SAMPLE // 2)) + 1
    sample = data[start : wrong + _SAMPLE]
    for codec in ("cp1252", "iso8859-15", "cp850", "mac_roman"):
        if _is_western(sample.decode(codec, "replace")):
            return codec
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best is not None else "cp1252"


def _is_western(text: str) -> bool:
    """Whether the letters beyond ASCII are those of western Europe: few, and seldom side by side."""
    foreign = [char > "\x7f" for char in text]
    count = sum(foreign)
    beside = sum(map(operator.and_, foreign, foreign[1:]))
    known = sum(char in _WESTERN for char in text)
    return known >= 0.95 * count and count <= 0.3 * len(text) and beside <= 0.2 * count
